import type { IncomingMessage } from 'node:http';
import { Compile } from 'typebox/compile';
import { Beacon } from '../../../tracker/wire/beacon.ts';
import { BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { BATCH, ruleOf } from '../app/event-fields.ts';
import type { Clock } from '../domain/clock.ts';
import { checkHosts, evidenceHost, isOwnHost } from '../domain/host-policy.ts';
import type { Outcome } from '../domain/outcomes.ts';
import type { Crawler } from '../domain/user-agents/bots.ts';
import type { Agent, HumanAgent } from '../domain/user-agents/read-agent.ts';
import type { ClientAddresses } from '../http/client-addresses.ts';
import { type Events, StoreBusy, StoreUnavailable } from '../store/contract/store.ts';
import type { CrawlerCheck } from './enrich/crawler-check.ts';
import type { Enricher } from './enrich/index.ts';
import type { Networks } from './enrich/networks.ts';
import { referrerHostOf } from './enrich/sources.ts';
import { type Arrival, type Enriched, toEntry } from './entry.ts';
import { externalReferrer, type Page, parseReferrer, splitPage } from './page.ts';
import { type Client, claimedHost, isLeave, keyIn, lacksKey, type RawBeacon } from './raw-beacon.ts';
import { concerning, enterRefusal, malformed, Refused, refusalOutcome } from './refuse.ts';
import type { KnownSite, SiteDirectory } from './site-by-key.ts';
import type { Strangers } from './strangers.ts';
import { type DailySalt, visitorHash } from './visitor.ts';
import { whatIsWrong } from './what-is-wrong.ts';

/** The dependencies of `receive`. */
export interface Receiver {
  sites: SiteDirectory;
  events: Pick<Events, 'append' | 'refuse'>;
  salt: DailySalt;
  enricher: Enricher;
  networks: Networks;
  crawlers: CrawlerCheck;
  /** Finds the client addresses of requests. */
  clients: ClientAddresses;
  /** Limits what senders without a key add to the ledgers of sites. */
  strangers: Strangers;
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

/** The most sites on the same host whose ledgers record a beacon without a known key. */
const CONCERNED_SITES_MAX = 5;

/** The agent of a reported event without a user agent, which counts as a person. */
const UNNAMED_AGENT: Agent = {
  crawler: null,
  ...{ browser: null, browserVersion: null, os: null, osVersion: null, device: null },
};

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
    keyed = findSite(receiver, raw, client);
    const { site, siteKey } = keyed;
    checkKeyIsLive(keyed, raw);
    const beacon = readBeacon(raw);
    const page = readPage(site, beacon);
    requireAllowedHosts(site, page, client);
    host = page.host;
    // Applied after the host check, so that a tag copied to another busy site cannot use up this site's rate.
    applyRateLimit(site, client, page, nowMs);
    const referrer = parseReferrer(beacon.ref);
    checkExclusions(site, page, referrer, client);
    const agent = classifyAgent(receiver.enricher, raw, client);
    const arrival = { siteId: site.id, siteKey, receivedAtMs, host, path: page.path };
    if (agent.crawler !== null) {
      const crawler = receiver.crawlers.verified(agent.crawler, client.address);
      return await recordBotVisit(receiver.events, beacon, arrival, crawler);
    }
    checkVisitorExclusions(receiver, site, page, beacon, client);
    const visitor = await hashVisitor(receiver.salt, site, client);
    // From here on, nothing contains the client's address or user agent.
    const enriched = enrich(receiver.enricher, {
      site,
      page,
      referrer,
      beacon,
      arrival,
      visitor,
      agent,
      client,
    });
    return { kind: await receiver.events.append(toEntry(enriched)) };
  } catch (error) {
    let refused = refusalOf(error, host);
    if (keyed !== null) refused = concerning(refused, { siteId: keyed.site.id, siteKey: keyed.siteKey });
    if (keyed === null || !isLeave(raw.payload)) enterRefusal(receiver.events, refused, receivedAtMs);
    return refusalOutcome(refused);
  }
}

/** Finds the site of a beacon's key. Until the keys are loaded, it refuses a valid key as `unavailable`, not as unknown. */
function findSite(receiver: Receiver, { payload }: RawBeacon, { address }: Client): KeyedSite {
  const { sites } = receiver;
  const siteKey = keyIn(payload);
  const found = siteKey === null ? null : sites.resolve(siteKey);
  if (found?.kind === 'cannot-know') throw new Refused('unavailable');
  if (siteKey === null || found === null || found.kind === 'unknown') {
    const refused = siteKey === null ? withoutKey(payload) : new Refused('unknown-key');
    throw isLeave(payload) ? refused : concerningHost(receiver, refused, claimedHost(payload), address);
  }
  return { site: found.site, siteKey, isRetired: found.kind === 'retired' };
}

const MISSING_KEY =
  'The event has no site key (ak_…). If something removes or changes data-key in the tag, put the key in the script’s address instead: /a.js?key=ak_….';

function withoutKey(payload: unknown): Refused {
  return lacksKey(payload)
    ? new Refused('missing-key', { detail: MISSING_KEY })
    : malformed(whatIsWrong(beaconShape, payload));
}

/**
 * Returns a refusal of an unknown site. It concerns the sites that allow the page's host, so that their owners see it, unless its
 * address was shown to owners too often.
 */
function concerningHost(
  { sites, strangers, clock }: Pick<Receiver, 'sites' | 'strangers' | 'clock'>,
  { reason, details }: Refused,
  host: string,
  address: string,
): Refused {
  const there = sites.sitesOnHost(host);
  const isShown = there.length > 0 && strangers.tryConsume(address, clock.now());
  const owners = isShown ? there.slice(0, CONCERNED_SITES_MAX) : [];
  return new Refused(
    reason,
    { ...details, host },
    owners.map(({ id }) => ({ siteId: id, siteKey: null })),
  );
}

function checkKeyIsLive({ isRetired }: KeyedSite, { payload }: RawBeacon): void {
  if (isRetired) throw new Refused('retired-key', { host: claimedHost(payload) });
}

function readBeacon({ payload, bytes }: RawBeacon): Beacon {
  if (bytes > BEACON_MAX_BYTES) throw new Refused('too-large', { host: claimedHost(payload) });
  if (!beaconShape.Check(payload)) throw malformed(whatIsWrong(beaconShape, payload));
  return payload;
}

function readPage(site: KnownSite, beacon: Beacon): Page {
  const page = splitPage(beacon.url, beacon.keep, site);
  if (page !== null) return page;
  throw malformed({ field: 'url', sentence: urlProblem(beacon.url) });
}

function urlProblem(url: string): string {
  return /^\s*file:/i.test(url)
    ? 'url must be an http(s) URL; a page opened from a file is not counted, so open it through a web server'
    : `url must be ${ruleOf('url')}`;
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

/** Refuses what the site's owner excludes, whether people or crawlers send it. */
function checkExclusions(site: KnownSite, page: Page, referrer: URL | null, client: Client): void {
  const { host, path } = page;
  const { rules } = site;
  if (rules.excludesAddress(client.address)) throw new Refused('excluded-address', { host });
  if (rules.excludesAgent(client.userAgent)) throw new Refused('excluded-agent', { host });
  const referrerHost = referrerHostOf(referrer, (from) => isOwnHost(site, from));
  const reason = rules.reasonFor({ host, path, referrerHost });
  if (reason !== null) throw new Refused(reason, { host });
}

/** Classifies the user agent. A reported event without a user agent counts as a person's. */
function classifyAgent(enricher: Enricher, { reportedAtMs }: RawBeacon, { userAgent }: Client): Agent {
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

/** Refuses visitors by country and network. Crawlers are recorded wherever they come from. */
function checkVisitorExclusions(
  { enricher, networks }: Pick<Receiver, 'enricher' | 'networks'>,
  { rules }: KnownSite,
  { host }: Page,
  beacon: Beacon,
  client: Client,
): void {
  if (rules.usesCountries && rules.excludesCountry(enricher.countryOf(beacon, client)))
    throw new Refused('excluded-country', { host });
  if (rules.dataCenters && networks.isDataCenter(client.address)) throw new Refused('data-center', { host });
}

/** Returns the visitor's anonymous ID for the day. It waits only if today's salt must be fetched. */
async function hashVisitor(
  dailySalt: DailySalt,
  { id: siteId }: KnownSite,
  { address, userAgent }: Client,
): Promise<bigint> {
  return visitorHash(await dailySalt.today(), { siteId, address, userAgent });
}

/** Adds the source, country, device and browser. */
function enrich(
  enricher: Enricher,
  {
    site,
    page,
    referrer,
    beacon,
    arrival,
    visitor,
    agent,
    client,
  }: {
    site: KnownSite;
    page: Page;
    referrer: URL | null;
    beacon: Beacon;
    arrival: Arrival;
    visitor: bigint;
    agent: HumanAgent;
    client: Client;
  },
): Enriched {
  const isOwn = (host: string) => isOwnHost(site, host);
  const enrichment = isLeave(beacon)
    ? null
    : enricher.enrich({ agent, query: page.query, referrer, beacon, isOwn }, client);
  return { beacon, arrival, visitor, enrichment, referrer: externalReferrer(referrer, isOwn) };
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

/** What tells which page and which client sent a request. */
export interface Evidence {
  address: string;
  origin?: string | undefined;
  referer?: string | undefined;
}

/** Returns what tells where a request came from. */
export function evidenceOf({ clients }: Receiver, request: { raw: IncomingMessage }): Evidence {
  const { origin, referer } = request.raw.headers;
  return { address: clients.of(request).address, origin, referer };
}

/** Refuses a request that could not be parsed. It concerns the sites that allow the host of its origin. */
export function refuseUnread(
  receiver: Receiver,
  reason: 'malformed' | 'too-large' | 'media-type',
  detail: string,
  { address, origin, referer }: Evidence,
): Outcome {
  const host = evidenceHost(origin, referer);
  const refused = concerningHost(receiver, new Refused(reason, { detail }), host, address);
  enterRefusal(receiver.events, refused, receiver.clock.now());
  return refusalOutcome(refused);
}

/** Refuses a whole batch as one malformed event of the site whose key comes first in it. */
export function refuseBatch(
  receiver: Receiver,
  batch: readonly unknown[],
  detail: string,
  evidence: Evidence,
): Outcome {
  const siteKey = batch.map(keyIn).find((key) => key !== null) ?? null;
  const found = siteKey === null ? null : receiver.sites.resolve(siteKey);
  if (found === null || !('site' in found)) return refuseUnread(receiver, 'malformed', detail, evidence);
  const refused = new Refused('malformed', { detail, field: BATCH }, [{ siteId: found.site.id, siteKey }]);
  enterRefusal(receiver.events, refused, receiver.clock.now());
  return refusalOutcome(refused);
}
