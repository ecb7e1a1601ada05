import type { IncomingHttpHeaders } from 'node:http';
import { Compile } from 'typebox/compile';
import { Beacon } from '../../../tracker/wire/beacon.ts';
import { BEACON_MAX_BYTES, LEAVE, URL_MAX_CHARS } from '../../../tracker/wire/limits.ts';
import type { Clock } from '../clock.ts';
import { leavesOutCountry, leavesOutPage } from '../exclusions.ts';
import { CLAIM_MAX_CHARS, hostFits, judgeHosts } from '../host-policy.ts';
import { type AppendOutcome, type Events, NO_SITE, StoreBusy, StoreUnavailable } from '../store/store.ts';
import type { Tally } from '../tally.ts';
import { parseReferrer, splitPage } from './classify.ts';
import { toEntry } from './entry.ts';
import type { Person } from './knowledge/agents.ts';
import type { Knowledge } from './knowledge/index.ts';
import type { KnownSite, SiteDirectory } from './site-by-key.ts';
import { type DailySalt, visitorHash } from './visitor.ts';
import { whatIsWrong } from './what-is-wrong.ts';

/** Why a beacon was not kept. */
export type RefusalReason =
  | 'malformed'
  | 'too-large'
  | 'media-type'
  | 'unknown-key'
  | 'retired-key'
  | 'rate-limited'
  | 'wrong-domain'
  | 'local-host'
  | 'excluded-page'
  | 'excluded-country'
  | 'busy'
  | 'unavailable';

/** What became of a beacon: a closed union, switched exhaustively. */
export type Outcome =
  | { kind: AppendOutcome | 'bot' }
  | { kind: 'refused'; reason: RefusalReason; detail?: string; retryAfterSeconds?: number };

/** A beacon as it came: parsed, but not yet believed. */
export interface Said {
  beacon: unknown;
  /** Size of its JSON, in bytes of UTF-8. */
  bytes: number;
  /** When it happened, in the words of a sender who is believed. The server's clock is the only clock of all others. */
  reportedAtMs?: number;
}

/** Who sent a request, as far as the request tells. Forgotten when the beacon has been received. */
export interface Sender {
  address: string;
  origin: string | undefined;
  referer: string | undefined;
  userAgent: string;
  /** The country that a proxy which is believed names. */
  country?: string | undefined;
}

/** What receiving needs, handed in. */
export interface Receiver {
  sites: SiteDirectory;
  events: Pick<Events, 'append' | 'refuse'>;
  salt: DailySalt;
  knowledge: Knowledge;
  clock: Clock;
  /** Outcomes as they are answered, by `outcomeName`, for whoever runs the server. */
  answered: Pick<Tally, 'add'>;
}

/** Seconds after which trying again makes sense when the store could not take an event. */
const RETRY_AFTER_SECONDS = 5;

/** Accounts that may have registered the same domain and are all told. */
const OWNERS_TOLD = 5;

/** What is known of a person whose user agent nobody named. */
const NO_AGENT: Person & { family: string } = {
  crawler: null,
  browser: null,
  os: null,
  device: null,
  family: '',
};

const beaconShape = Compile(Beacon);

/** @param request `ips`: proxies on the way, where they are believed; several where there was one */
export function senderOf(
  request: { ip: string; ips?: string[]; headers: IncomingHttpHeaders },
  { countryHeader }: Knowledge,
): Sender {
  const { headers } = request;
  const country = countryHeader === null ? undefined : headers[countryHeader];
  return {
    address: request.ip,
    origin: headers.origin,
    referer: headers.referer,
    userAgent: headers['user-agent'] ?? '',
    country: typeof country === 'string' && (request.ips?.length ?? 0) > 1 ? country : undefined,
  };
}

/**
 * The way of a beacon, top to bottom. Whatever is returned has been counted: what was kept is on disk by then, and a refusal
 * that concerns a site is in that site's ledger.
 */
export async function receive(
  receiver: Receiver,
  { beacon: said, bytes, reportedAtMs }: Said,
  sender: Sender,
): Promise<Outcome> {
  const nowMs = receiver.clock.now();
  const receivedAtMs = reportedAtMs ?? nowMs;

  const key = keyOf(said);
  if (key === null)
    return refuseForNobody(receiver, { reason: 'malformed', receivedAtMs, detail: explainShape(said) });

  const found = receiver.sites.resolve(key);
  if (found.kind === 'unknown') return refuseUnknownKey(receiver, said, receivedAtMs);
  if (found.kind === 'cannot-know') return refuseForNobody(receiver, { reason: 'unavailable', receivedAtMs });
  const { site } = found;
  const refuse = (reason: RefusalReason, { host = '', ...more }: Details & { host?: string } = {}) => {
    // A leave is no event: what is said about it in the answer is enough.
    if (!isLeave(said)) receiver.events.refuse({ siteId: site.id, siteKey: key, receivedAtMs, reason, host });
    return refused(reason, more);
  };
  if (found.kind === 'retired') return refuse('retired-key', { host: claimedHost(said) });

  if (bytes > BEACON_MAX_BYTES) return refuse('too-large', { host: claimedHost(said) });
  if (!beaconShape.Check(said)) return refuse('malformed', { detail: explainShape(said) });
  const beacon: Beacon = said;
  const page = splitPage(beacon.url, beacon.keep);
  if (page === null)
    return refuse('malformed', {
      detail: 'The event is not well-formed: url must be an http or https address.',
    });

  const verdict = judgeHosts(site, { origin: sender.origin, referer: sender.referer, pageHost: page.host });
  if (!verdict.fits) return refuse(verdict.reason, { host: verdict.host, detail: explain(verdict, site) });

  // After the hosts, so that a copied tag on a busy foreign site cannot use up the rate of the real one.
  const waitSeconds = site.bucket.takeFor(sender.address, nowMs);
  if (waitSeconds > 0) return refuse('rate-limited', { host: page.host, retryAfterSeconds: waitSeconds });

  const { exclusions } = site;
  if (exclusions !== null && leavesOutPage(exclusions, page.path))
    return refuse('excluded-page', { host: page.host });

  // A server that reports and names no user agent reports a person's doing.
  const isReport = reportedAtMs !== undefined && sender.userAgent === '';
  const agent = isReport ? NO_AGENT : receiver.knowledge.agents.of(sender.userAgent);
  const arrival = { siteId: site.id, siteKey: key, receivedAtMs, host: page.host, path: page.path };
  try {
    if (agent.crawler !== null) {
      if (isLeave(beacon)) return { kind: 'bot' };
      const id = beacon.id ?? null;
      const { name: bot, company, botClass } = agent.crawler;
      const visit = { kind: 'bot', ...arrival, id, bot, company, botClass } as const;
      return { kind: (await receiver.events.append(visit)) === 'duplicate' ? 'duplicate' : 'bot' };
    }
    if (exclusions !== null && leavesOutCountry(exclusions, receiver.knowledge.countryOf(beacon, sender)))
      return refuse('excluded-country', { host: page.host });
    const salt = receiver.salt.today();
    const visitor = visitorHash(typeof salt === 'string' ? salt : await salt, {
      siteId: site.id,
      host: page.host,
      address: sender.address,
      agentFamily: agent.family,
    });
    const referrer = parseReferrer(beacon.ref);
    const isOwn = (host: string) => host === page.host || hostFits(site, host);
    const known = isLeave(beacon)
      ? null
      : receiver.knowledge.of({ agent, query: page.query, referrer, beacon, isOwn }, sender);
    // From here on nobody knows the sender's address and user agent any more.
    const entry = toEntry(beacon, { arrival, visitor, known, referrer });
    return { kind: await receiver.events.append(entry) };
  } catch (error) {
    if (error instanceof StoreBusy) return refuse('busy', { host: page.host });
    if (error instanceof StoreUnavailable) return refuse('unavailable', { host: page.host });
    throw error;
  }
}

interface Details {
  detail?: string;
  retryAfterSeconds?: number;
}

function refused(reason: RefusalReason, details: Details): Outcome {
  const tryAgain =
    reason === 'busy' || reason === 'unavailable' ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {};
  return { kind: 'refused', reason, ...tryAgain, ...details };
}

/** A request that could not even be read. */
export function refuseUnread(
  receiver: Receiver,
  reason: 'malformed' | 'too-large' | 'media-type',
  detail: string,
): Outcome {
  return refuseForNobody(receiver, { reason, receivedAtMs: receiver.clock.now(), detail });
}

/** A batch that is refused as a whole: told, as one malformed beacon, to the owner whose key the first of it carries. */
export function refuseBatch(receiver: Receiver, batch: readonly unknown[], detail: string): Outcome {
  const siteKey = batch.map(keyOf).find((key) => key !== null) ?? null;
  const found = siteKey === null ? null : receiver.sites.resolve(siteKey);
  if (found === null || !('site' in found)) return refuseUnread(receiver, 'malformed', detail);
  const receivedAtMs = receiver.clock.now();
  receiver.events.refuse({ siteId: found.site.id, siteKey, receivedAtMs, reason: 'malformed', host: '' });
  return refused('malformed', { detail });
}

/** What concerns no site is counted for the operator. No host is kept: anybody could make up any number of them. */
function refuseForNobody(
  { events }: Receiver,
  { reason, receivedAtMs, ...details }: Details & { reason: RefusalReason; receivedAtMs: number },
): Outcome {
  events.refuse({ siteId: NO_SITE, siteKey: null, receivedAtMs, reason, host: '' });
  return refused(reason, details);
}

/** A key that is nobody's, on a page whose host somebody registered: that owner wants to know that his page carries it. */
function refuseUnknownKey(receiver: Receiver, said: unknown, receivedAtMs: number): Outcome {
  const host = claimedHost(said);
  const concerned = isLeave(said) ? [] : receiver.sites.sitesOnHost(host);
  if (concerned.length === 0) return refuseForNobody(receiver, { reason: 'unknown-key', receivedAtMs });
  for (const site of concerned.slice(0, OWNERS_TOLD)) {
    receiver.events.refuse({ siteId: site.id, siteKey: null, receivedAtMs, reason: 'unknown-key', host });
  }
  return refused('unknown-key', {});
}

function keyOf(said: unknown): string | null {
  return typeof said === 'object' && said !== null && 'key' in said && typeof said.key === 'string'
    ? said.key
    : null;
}

function isLeave(said: unknown): boolean {
  return typeof said === 'object' && said !== null && 'name' in said && said.name === LEAVE;
}

/** The host a beacon claims to come from, for the ledger's eyes only; empty where it names none. */
function claimedHost(said: unknown): string {
  const url = typeof said === 'object' && said !== null && 'url' in said ? said.url : null;
  if (typeof url !== 'string' || url.length > URL_MAX_CHARS) return '';
  // In ASCII a host may be several times as long as it was written.
  return (splitPage(url)?.host ?? '').slice(0, CLAIM_MAX_CHARS);
}

function explainShape(said: unknown): string {
  const problem = whatIsWrong(beaconShape, said);
  return `The event is not well-formed${problem === null ? '' : `: ${problem}`}.`;
}

function explain(verdict: { reason: 'wrong-domain' | 'local-host'; host: string }, site: KnownSite): string {
  return verdict.reason === 'local-host'
    ? `Events from local and private hosts are not counted: the page is on ${verdict.host}, the site is ${site.domain}.`
    : `The page is on ${verdict.host}, but this site key belongs to ${site.domain}.`;
}
