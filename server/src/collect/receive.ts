import type { IncomingHttpHeaders } from 'node:http';
import { Compile } from 'typebox/compile';
import { Beacon } from '../../../tracker/wire/beacon.ts';
import { LEAVE, PAGEVIEW } from '../../../tracker/wire/limits.ts';
import type { Clock } from '../clock.ts';
import { type AppendOutcome, type Entry, type Events, StoreBusy, StoreUnavailable } from '../store/store.ts';
import { botName, externalReferrer, splitPage, viewHash } from './classify.ts';
import { judgeHosts } from './domain.ts';
import type { KnownSite, SiteDirectory } from './site-by-key.ts';
import { type DailySalt, visitorHash } from './visitor.ts';

/** Why a beacon was not kept. */
export type RefusalReason =
  | 'malformed'
  | 'too-large'
  | 'unknown-key'
  | 'retired-key'
  | 'rate-limited'
  | 'wrong-domain'
  | 'local-host'
  | 'busy'
  | 'unavailable';

/** What became of a beacon: a closed union, switched exhaustively. */
export type Outcome =
  | { kind: AppendOutcome | 'bot' }
  | { kind: 'refused'; reason: RefusalReason; detail?: string; retryAfterSeconds?: number };

/** Who sent a request, as far as the request tells. Forgotten when the beacon has been received. */
export interface Sender {
  address: string;
  origin: string | undefined;
  referer: string | undefined;
  userAgent: string;
}

/** What receiving needs, handed in. */
export interface Receiver {
  sites: SiteDirectory;
  events: Events;
  salt: DailySalt;
  clock: Clock;
}

/** Seconds after which trying again makes sense when the store could not take an event. */
const RETRY_AFTER_SECONDS = 5;

const beaconShape = Compile(Beacon);

export function senderOf(address: string, headers: IncomingHttpHeaders): Sender {
  return {
    address,
    origin: headers.origin,
    referer: headers.referer,
    userAgent: headers['user-agent'] ?? '',
  };
}

/**
 * The way of a beacon, top to bottom. Whatever is returned has been counted: what was kept is on disk by then, and a refusal
 * that concerns a site is in that site's ledger.
 *
 * @param said what the page said, parsed but not yet believed
 */
export async function receive(receiver: Receiver, said: unknown, sender: Sender): Promise<Outcome> {
  const receivedAtMs = receiver.clock.now();

  const key = keyOf(said);
  if (key === null) return { kind: 'refused', reason: 'malformed', detail: whatIsWrong(said) };

  const found = receiver.sites.resolve(key);
  if (found.kind === 'unknown') return { kind: 'refused', reason: 'unknown-key' };
  if (found.kind === 'cannot-know')
    return { kind: 'refused', reason: 'unavailable', retryAfterSeconds: RETRY_AFTER_SECONDS };
  const { site } = found;
  const refuse = (
    reason: RefusalReason,
    more: { host?: string; detail?: string; retryAfterSeconds?: number } = {},
  ) => {
    const { host = '', ...rest } = more;
    if (!isLeave(said)) receiver.events.refuse({ siteId: site.id, receivedAtMs, reason, host });
    return { kind: 'refused', reason, ...rest } as const;
  };
  if (found.kind === 'retired') return refuse('retired-key', { host: claimedHost(said) });

  const waitSeconds = site.bucket.take(receivedAtMs);
  if (waitSeconds > 0) return refuse('rate-limited', { retryAfterSeconds: waitSeconds });

  if (!beaconShape.Check(said)) return refuse('malformed', { detail: whatIsWrong(said) });
  const beacon: Beacon = said;
  const url = URL.parse(beacon.url);
  const page = url === null ? null : splitPage(url);
  if (page === null)
    return refuse('malformed', {
      detail: 'The event is not well-formed: url must be an http or https address.',
    });

  const verdict = judgeHosts(site, { origin: sender.origin, referer: sender.referer, pageHost: page.host });
  if (!verdict.fits) return refuse(verdict.reason, { host: verdict.host, detail: explain(verdict, site) });

  const bot = botName(sender.userAgent);
  const common = { siteId: site.id, receivedAtMs, host: page.host, path: page.path };

  try {
    if (bot !== null) {
      if (!isLeave(beacon)) await receiver.events.append({ kind: 'bot', ...common, bot });
      return { kind: 'bot' };
    }
    const salt = await receiver.salt.today();
    const visitor = visitorHash(salt, { siteId: site.id, host: page.host, ...sender });
    // From here on nobody knows the sender's address and user agent any more.
    const entry = toEntry(beacon, { ...common, visitor, referrer: externalReferrer(beacon.ref, page.host) });
    return { kind: await receiver.events.append(entry) };
  } catch (error) {
    if (error instanceof StoreBusy)
      return refuse('busy', { host: page.host, retryAfterSeconds: RETRY_AFTER_SECONDS });
    if (error instanceof StoreUnavailable) {
      return refuse('unavailable', { host: page.host, retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    throw error;
  }
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
  const url = typeof said === 'object' && said !== null && 'url' in said ? URL.parse(String(said.url)) : null;
  return (url === null ? null : splitPage(url)?.host) ?? '';
}

function whatIsWrong(said: unknown): string {
  const [problem] = beaconShape.Errors(said);
  if (problem === undefined) return 'The event is not well-formed.';
  const field = problem.instancePath.slice(1).replaceAll('/', '.');
  return `The event is not well-formed: ${field === '' ? 'it' : field} ${problem.message}.`;
}

function explain(verdict: { reason: 'wrong-domain' | 'local-host'; host: string }, site: KnownSite): string {
  return verdict.reason === 'local-host'
    ? `Events from local and private hosts are not counted: the page is on ${verdict.host}, the site is ${site.domain}.`
    : `The page is on ${verdict.host}, but this site key belongs to ${site.domain}.`;
}

function toEntry(
  beacon: Beacon,
  known: {
    siteId: string;
    receivedAtMs: number;
    host: string;
    path: string;
    visitor: bigint;
    referrer: string | null;
  },
): Entry {
  const { referrer, ...arrival } = known;
  const id = beacon.id ?? null;
  const view = beacon.view === undefined ? null : viewHash(beacon.view);
  if (isLeave(beacon)) {
    return {
      kind: 'leave',
      ...arrival,
      id,
      view,
      engagedMs: rounded(beacon.engaged),
      scroll: rounded(beacon.scroll),
      vitals: beacon.vitals ?? null,
    };
  }
  return {
    kind: 'event',
    ...arrival,
    id,
    view,
    referrer,
    name: beacon.name ?? PAGEVIEW,
    nav: beacon.nav ?? null,
    props: beacon.props ?? null,
    value: beacon.value ?? null,
    currency: beacon.currency ?? null,
    width: rounded(beacon.width),
    timeZone: beacon.tz ?? null,
  };
}

function rounded(number: number | undefined): number | null {
  return number === undefined ? null : Math.round(number);
}
