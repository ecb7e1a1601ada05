import { Compile } from 'typebox/compile';
import { Beacon } from '../../../tracker/wire/beacon.ts';
import { BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import type { Clock } from '../domain/clock.ts';
import { isCountryExcluded, isPageExcluded } from '../domain/exclusions.ts';
import { checkHosts, isHostAllowed } from '../domain/host-policy.ts';
import type { Outcome } from '../domain/outcomes.ts';
import type { Crawler } from '../domain/user-agents/bots.ts';
import type { HumanAgent, KnownAgent } from '../domain/user-agents/read-agent.ts';
import { type Events, StoreBusy, StoreUnavailable } from '../store/contract/store.ts';
import type { Enricher } from './enrich/index.ts';
import { type Arrival, type Enriched, toEntry } from './entry.ts';
import { type Page, parseReferrer, splitPage } from './page.ts';
import { type Client, claimedHost, isLeave, keyIn, type RawBeacon } from './raw-beacon.ts';
import { concerning, enterRefusal, Refused, refusalOutcome } from './refuse.ts';
import type { KnownSite, SiteDirectory } from './site-by-key.ts';
import { type DailySalt, visitorHash } from './visitor.ts';
import { whatIsWrong } from './what-is-wrong.ts';

/** The dependencies of `receive`. */
export interface Receiver {
  sites: SiteDirectory;
  events: Pick<Events, 'append' | 'refuse'>;
  salt: DailySalt;
  enricher: Enricher;
  clock: Clock;
  /** Called with each outcome's name, for metrics. */
  answered: (outcomeName: string) => void;
}

/** A site and the site key that the beacon named. */
interface KeyedSite {
  site: KnownSite;
  siteKey: string;
  isRetired: boolean;
}

/** The most sites on the same host whose ledgers record an unknown key. */
const OWNERS_TOLD = 5;

/** The agent of a reported event without a user agent, which counts as a person. */
const UNNAMED_AGENT: KnownAgent = { crawler: null, browser: null, os: null, device: null, family: '' };

const beaconShape = Compile(Beacon);

/**
 * Receives a beacon. Each step either continues or throws a refusal.
 *
 * When it returns, an accepted beacon is on disk, and a refusal is in its site's ledger, or in the operator's if the site is
 * unknown. The only exception is a refused leave of a known site: it is not an event, so no ledger records it.
 */
export async function receive(receiver: Receiver, raw: RawBeacon, client: Client): Promise<Outcome> {
  const nowMs = receiver.clock.now();
  const receivedAtMs = raw.reportedAtMs ?? nowMs;
  let keyed: KeyedSite | null = null;
  let host = '';
  try {
    keyed = findSite(receiver.sites, raw);
    const { site, siteKey } = keyed;
    checkKeyIsLive(keyed, raw);
    const beacon = readBeacon(raw);
    const page = readPage(beacon);
    requireAllowedHosts(site, page, client);
    host = page.host;
    // Applied after the host check, so that a tag copied to another busy site cannot use up this site's rate.
    applyRateLimit(site, client, page, nowMs);
    checkPageExclusions(site, page);
    const agent = classifyAgent(receiver.enricher, raw, client);
    const arrival = { siteId: site.id, siteKey, receivedAtMs, host, path: page.path };
    if (agent.crawler !== null) return await recordBotVisit(receiver.events, beacon, arrival, agent.crawler);
    checkCountryExclusions(receiver.enricher, site, page, beacon, client);
    const visitor = await hashVisitor(receiver.salt, { site, page, client, agent });
    // From here on, nothing contains the client's address or user agent.
    const enriched = enrich(receiver.enricher, { site, page, beacon, arrival, visitor, agent, client });
    return { kind: await receiver.events.append(toEntry(enriched)) };
  } catch (error) {
    let refused = refusalOf(error, host);
    if (keyed !== null) refused = concerning(refused, { siteId: keyed.site.id, siteKey: keyed.siteKey });
    if (keyed === null || !isLeave(raw.payload)) enterRefusal(receiver.events, refused, receivedAtMs);
    return refusalOutcome(refused);
  }
}

/** Finds the site of a beacon's key. Until the keys are loaded, it refuses a valid key as `unavailable`, not as unknown. */
function findSite(sites: SiteDirectory, { payload }: RawBeacon): KeyedSite {
  const siteKey = keyIn(payload);
  if (siteKey === null) throw new Refused('malformed', { detail: explainShape(payload) });
  const found = sites.resolve(siteKey);
  if (found.kind === 'cannot-know') throw new Refused('unavailable');
  if (found.kind === 'unknown') throw unknownKey(sites, payload);
  return { site: found.site, siteKey, isRetired: found.kind === 'retired' };
}

/** Creates the refusal of an unknown key. It concerns the sites that allow the page's host, so that their owners see it. */
function unknownKey(sites: SiteDirectory, payload: unknown): Refused {
  const host = claimedHost(payload);
  const owners = isLeave(payload) ? [] : sites.sitesOnHost(host).slice(0, OWNERS_TOLD);
  return new Refused(
    'unknown-key',
    { host },
    owners.map(({ id }) => ({ siteId: id, siteKey: null })),
  );
}

function checkKeyIsLive({ isRetired }: KeyedSite, { payload }: RawBeacon): void {
  if (isRetired) throw new Refused('retired-key', { host: claimedHost(payload) });
}

function readBeacon({ payload, bytes }: RawBeacon): Beacon {
  if (bytes > BEACON_MAX_BYTES) throw new Refused('too-large', { host: claimedHost(payload) });
  if (!beaconShape.Check(payload)) throw new Refused('malformed', { detail: explainShape(payload) });
  return payload;
}

function readPage(beacon: Beacon): Page {
  const page = splitPage(beacon.url, beacon.keep);
  if (page !== null) return page;
  throw new Refused('malformed', {
    detail: 'The event is invalid: url must be an http(s) URL.',
  });
}

function requireAllowedHosts(site: KnownSite, { host: pageHost }: Page, { origin, referer }: Client): void {
  const verdict = checkHosts(site, { origin, referer, pageHost });
  if (verdict.isAllowed) return;
  const { reason, host } = verdict;
  const detail =
    reason === 'local-host'
      ? `Events from local and private hosts are not counted: the page is on ${host}, the site key belongs to ${site.domain}.`
      : `The page is on ${host}, but this site key belongs to ${site.domain}.`;
  throw new Refused(reason, { host, detail });
}

function applyRateLimit(site: KnownSite, { address }: Client, { host }: Page, nowMs: number): void {
  const retryAfterSeconds = site.bucket.tryConsumeFor(address, nowMs);
  if (retryAfterSeconds > 0) throw new Refused('rate-limited', { host, retryAfterSeconds });
}

function checkPageExclusions({ exclusions }: KnownSite, { host, path }: Page): void {
  if (exclusions !== null && isPageExcluded(exclusions, path)) throw new Refused('excluded-page', { host });
}

/** Classifies the user agent. A reported event without a user agent counts as a person's. */
function classifyAgent(enricher: Enricher, { reportedAtMs }: RawBeacon, { userAgent }: Client): KnownAgent {
  return reportedAtMs !== undefined && userAgent === '' ? UNNAMED_AGENT : enricher.agents.of(userAgent);
}

/** Records a crawler's request, which is never counted as an event. */
async function recordBotVisit(
  events: Receiver['events'],
  beacon: Beacon,
  arrival: Arrival,
  { name: bot, company, botClass }: Crawler,
): Promise<Outcome> {
  if (isLeave(beacon)) return { kind: 'bot' };
  const id = beacon.id ?? null;
  const outcome = await events.append({ kind: 'bot', ...arrival, id, bot, company, botClass });
  return { kind: outcome === 'duplicate' ? 'duplicate' : 'bot' };
}

function checkCountryExclusions(
  enricher: Enricher,
  { exclusions }: KnownSite,
  { host }: Page,
  beacon: Beacon,
  client: Client,
): void {
  if (exclusions !== null && isCountryExcluded(exclusions, enricher.countryOf(beacon, client)))
    throw new Refused('excluded-country', { host });
}

/** Returns the visitor's anonymous ID for the day. It waits only if today's salt must be fetched. */
async function hashVisitor(
  dailySalt: DailySalt,
  { site, page, client, agent }: { site: KnownSite; page: Page; client: Client; agent: KnownAgent },
): Promise<bigint> {
  return visitorHash(await dailySalt.today(), {
    siteId: site.id,
    host: page.host,
    address: client.address,
    agentFamily: agent.family,
  });
}

/** Adds the source, country, device and browser. */
function enrich(
  enricher: Enricher,
  {
    site,
    page,
    beacon,
    arrival,
    visitor,
    agent,
    client,
  }: {
    site: KnownSite;
    page: Page;
    beacon: Beacon;
    arrival: Arrival;
    visitor: bigint;
    agent: HumanAgent;
    client: Client;
  },
): Enriched {
  const referrer = parseReferrer(beacon.ref);
  const isOwn = (host: string) => host === page.host || isHostAllowed(site, host);
  const enrichment = isLeave(beacon)
    ? null
    : enricher.enrich({ agent, query: page.query, referrer, beacon, isOwn }, client);
  return { beacon, arrival, visitor, enrichment, referrer };
}

/** Returns the refusal behind an error. @throws the error itself if it is an internal one */
function refusalOf(error: unknown, host: string): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof StoreBusy) return new Refused('busy', { host });
  if (error instanceof StoreUnavailable) return new Refused('unavailable', { host });
  throw error;
}

/** The detail of a request that the framework could not parse. */
export const MALFORMED_REQUEST = 'The request is malformed.';

/** Refuses a request that could not be parsed. */
export function refuseUnread(
  { events, clock }: Receiver,
  reason: 'malformed' | 'too-large' | 'media-type',
  detail: string,
): Outcome {
  const refused = new Refused(reason, { detail });
  enterRefusal(events, refused, clock.now());
  return refusalOutcome(refused);
}

/** Refuses a whole batch as one malformed event of the site whose key comes first in it. */
export function refuseBatch(receiver: Receiver, batch: readonly unknown[], detail: string): Outcome {
  const siteKey = batch.map(keyIn).find((key) => key !== null) ?? null;
  const found = siteKey === null ? null : receiver.sites.resolve(siteKey);
  if (found === null || !('site' in found)) return refuseUnread(receiver, 'malformed', detail);
  const refused = new Refused('malformed', { detail }, [{ siteId: found.site.id, siteKey }]);
  enterRefusal(receiver.events, refused, receiver.clock.now());
  return refusalOutcome(refused);
}

function explainShape(payload: unknown): string {
  const problem = whatIsWrong(beaconShape, payload);
  return `The event is invalid${problem === null ? '' : `: ${problem}`}.`;
}
