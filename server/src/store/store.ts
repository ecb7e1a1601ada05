import type { DayRange, PlanName } from '../plans.ts';
import type { Distribution } from '../tally.ts';
import type { People } from './people.ts';
import type { Tally } from './tally.ts';

export type * from './people.ts';
export type * from './tally.ts';

/**
 * What the product remembers, in its own words and no engine's. Times are epoch milliseconds (UTC), days are days since
 * 1970-01-01 (UTC), counts are safe integers, ids are strings.
 *
 * Two halves, and no method spans them: the registry (accounts, sites, keys: small, transactional) and the events (huge,
 * append-only, with their counters and the ledger). An engine may implement one half or both. `store-contract.ts` in the
 * tests holds every engine to the promises written here.
 */
export interface Store {
  registry: Registry;
  events: Events;
  reports: Reports;
  /** Where an installation has several processes: what they count together. */
  tally?: Tally;
  /** Takes no more work, finishes what was accepted, lets go of the files or connections. Once: a second call waits too. */
  close(): Promise<void>;
}

/** The engine cannot do it now: disk full or gone, database away. Nothing was half-written; trying again is safe. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** The bounded queue in front of the engine is full. Nothing was kept; trying again later is safe. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy';
}

/** The engine's files can no longer be trusted after this (a failed fsync): the process must end and start anew. */
export class StoreBroken extends StoreUnavailable {
  override readonly name = 'StoreBroken';
}

/** The registry's answer to a wish that contradicts what it holds. */
export class RegistryConflict extends Error {
  override readonly name = 'RegistryConflict';
  readonly reason: 'email-taken' | 'domain-taken' | 'site-limit' | 'key-limit' | 'last-key';

  constructor(reason: RegistryConflict['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

// ── Registry ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Account {
  id: string;
  email: string;
  plan: PlanName;
  /** Day of the month, 1 to 31, on which the billing month starts. */
  billingAnchorDay: number;
  /** IANA zone in which the account's days begin. `UTC` until the owner says otherwise. Billing months are UTC all the same. */
  timeZone: string;
  createdAtMs: number;
}

export interface NewAccount {
  id: string;
  email: string;
  plan: PlanName;
  billingAnchorDay: number;
  /** PHC string of an argon2id hash. */
  passwordHash: string;
  createdAtMs: number;
}

export interface Site {
  id: string;
  accountId: string;
  /** Normalised host name or address the site was registered with. */
  domain: string;
  /** The site key that new pages should carry. */
  key: string;
  allowSubdomains: boolean;
  /** Further hosts the owner allows; `*.` at the front means any subdomain. */
  extraHosts: readonly string[];
  /** Events older than this many days are deleted; null: as the installation says. Never changes what was counted. */
  retentionDays: number | null;
  /** IANA zone in which the site's days begin; null: as the account's. */
  timeZone: string | null;
  /** Null: nothing. */
  exclusions: Exclusions | null;
  createdAtMs: number;
}

/** What the owner of a site leaves out. At least one of the lists has an entry. */
export interface Exclusions {
  /** Paths of pages; `*` stands for any text. */
  pages: readonly string[];
  /** ISO 3166-1 alpha-2. */
  countries: readonly string[];
}

/** Which hosts a site's pages may be on, besides its domain and that one's `www.` twin. */
export interface HostRules {
  allowSubdomains: boolean;
  extraHosts: readonly string[];
}

export interface NewSite {
  id: string;
  accountId: string;
  domain: string;
  key: string;
  createdAtMs: number;
}

/** What an API key may do: ask, or report events from a server. */
export type KeyScope = 'read' | 'write';

export interface ApiKey {
  id: string;
  accountId: string;
  name: string;
  /** First characters of the key, to recognise it by. */
  prefix: string;
  scopes: readonly KeyScope[];
  /** The sites it is bound to; null for every site of the account. */
  siteIds: readonly string[] | null;
  createdAtMs: number;
  revokedAtMs: number | null;
  /** When it last spoke for the account, to the minute; null for never. */
  lastUsedAtMs: number | null;
}

export interface NewApiKey {
  id: string;
  accountId: string;
  name: string;
  prefix: string;
  hash: string;
  /** `read` alone where nothing is said. */
  scopes?: readonly KeyScope[];
  /** Every site of the account where nothing is said. */
  siteIds?: readonly string[] | null;
  createdAtMs: number;
}

/** A key that a site's pages carry or carried. */
export interface SiteKey {
  key: string;
  siteId: string;
  /** `retired`: no longer counts, and is answered as such. */
  state: 'live' | 'retired';
  createdAtMs: number;
}

/** What the collector needs to know of one site key. */
export interface SiteKeyRecord {
  key: string;
  /** `retired`: was given out once and no longer counts. `gone`: its site was removed; forget it. */
  state: 'live' | 'retired' | 'gone';
  siteId: string;
  domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
  exclusions: Exclusions | null;
}

export interface SiteKeyChanges {
  records: SiteKeyRecord[];
  /** Ask again with this to get what came after. */
  version: number;
  /** Whether there is more to fetch right now. */
  more: boolean;
}

/** Keys of one site, for ever: collectors hold each of them in memory. A new one every month lasts for eight years. */
export const SITE_KEYS_MAX = 100;

/** Every method may throw `StoreUnavailable`. */
export interface Registry extends People {
  /** @throws RegistryConflict `email-taken` (compared without case) */
  createAccount(account: NewAccount): Promise<Account>;
  /** Makes the account only while there is no other one, in one transaction. Null where there is. */
  createFirstAccount(account: NewAccount): Promise<Account | null>;
  /** The oldest account there is, whose owner runs the installation; of two of one instant, the one whose id sorts first. */
  oldestAccount(): Promise<Account | null>;
  accountByEmail(email: string): Promise<Account | null>;
  accountById(id: string): Promise<Account | null>;
  /** @param timeZone an IANA name that `Intl` knows. Null where there is no such account. */
  setTimeZone(accountId: string, timeZone: string): Promise<Account | null>;
  /** Removes the account and its sites. Its API keys stay known, as keys of an account that no longer exists. */
  removeAccount(id: string): Promise<boolean>;

  /**
   * @param limit most sites the account may have, null for no limit; checked and inserted in one transaction
   * @throws RegistryConflict `domain-taken` (within the account) or `site-limit`
   */
  createSite(site: NewSite, limit: number | null): Promise<Site>;
  /** Oldest first; sites of the same instant in the order they were added. */
  sitesOf(accountId: string): Promise<Site[]>;
  siteById(id: string): Promise<Site | null>;
  /** Removes a site. Its keys are forgotten by collectors; its events are deleted by `Events.remove`. */
  removeSite(siteId: string): Promise<boolean>;
  /** Ids of sites that were removed, in order, after the one named, a bounded number at a time. */
  removedSites(afterId: string): Promise<string[]>;
  /** Null where there is no such site. */
  setHostRules(siteId: string, rules: HostRules): Promise<Site | null>;
  /** Null where there is no such site. */
  setRetention(siteId: string, days: number | null): Promise<Site | null>;
  /** @param timeZone an IANA name that `Intl` knows. Null where there is no such site. */
  setSiteTimeZone(siteId: string, timeZone: string | null): Promise<Site | null>;
  /** Null where there is no such site. */
  setExclusions(siteId: string, exclusions: Exclusions | null): Promise<Site | null>;
  /**
   * Sites in a stable order, after the one named, a bounded number at a time.
   *
   * @param options.ownRetention only those that say themselves how long events are kept
   */
  sitesAfter(siteId: string | null, options?: { ownRetention: boolean }): Promise<Site[]>;

  /**
   * Adds a key to a site and makes it the site's current one. The keys before it go on counting until they are retired.
   * Null where there is no such site.
   * @throws RegistryConflict `key-limit` where the site has `SITE_KEYS_MAX`, retired ones included
   */
  addSiteKey(siteId: string, key: string, atMs: number): Promise<SiteKey | null>;
  /**
   * Retires a key. Null where there is no such key.
   * @throws RegistryConflict `last-key` for the site's current one: a site without a key would lose everything silently
   */
  retireSiteKey(key: string): Promise<SiteKey | null>;
  /** Newest first. */
  siteKeysOf(siteId: string): Promise<SiteKey[]>;

  createApiKey(key: NewApiKey): Promise<ApiKey>;
  /** The key with this hash, revoked or not; null where there never was one. */
  apiKeyByHash(hash: string): Promise<ApiKey | null>;
  /** Revoked ones too, newest first. */
  apiKeysOf(accountId: string): Promise<ApiKey[]>;
  /** Notes when a key was used; never moves back. For an unknown key nothing happens. */
  noteApiKeyUse(id: string, atMs: number): Promise<void>;
  /** Revokes once: a second call answers the first time again. Null where there is no such key. */
  revokeApiKey(id: string, atMs: number): Promise<ApiKey | null>;

  /**
   * Grows whenever an account, a site or an API key was added, changed or removed, by any process: what was read of them
   * stands while this is the same. When a key was used last is no change. Cheap; absent where asking would cost a trip.
   */
  changes?(): number;

  /** Site keys that were added or changed after `version` (0 for all), oldest change first, a bounded number at a time. */
  siteKeysSince(version: number): Promise<SiteKeyChanges>;
  /**
   * Calls back soon after site keys were added or changed, by any process, and when notices may have been missed. A hint to
   * ask `siteKeysSince`, no promise: where it is absent, or its connection is lost, asking now and then is all there is.
   *
   * @returns what ends it
   */
  onSiteKeysChanged?(listener: () => void): () => void;

  /**
   * The secret salt of a UTC day, made at random when first asked for and the same for every process. Salts of days
   * before `keepFromDay` are destroyed: no file of the store holds them any more. Asked again, does what another reader
   * was in the way of.
   */
  saltOf(day: number, keepFromDay: number): Promise<Uint8Array>;
}

// ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The properties of an event, as sent. */
export type Props = Readonly<Record<string, string | number | boolean>>;

interface Arrival {
  siteId: string;
  /** The site key that was sent; null where none was needed. */
  siteKey: string | null;
  /** When the server received it. The only clock that counts. */
  receivedAtMs: number;
  /** Host of the page, normalised. */
  host: string;
}

/** A counted thing. */
export interface EventEntry extends Arrival {
  kind: 'event';
  /** Made in the page. The same id on the same site within 48 hours is a duplicate. Null: never one. */
  id: string | null;
  name: string;
  /** Path and query of the page. */
  path: string;
  /** Where the visitor came from: another site's host and path. */
  referrer: string | null;
  /** Pseudonym of the visitor, good for one UTC day: a signed 64-bit hash. */
  visitor: bigint;
  nav: string | null;
  props: Props | null;
  value: number | null;
  currency: string | null;
  /** Pseudonym of the page view that the event belongs to: a signed 64-bit hash of its id. */
  view: bigint | null;
  /** Viewport width, CSS pixels. */
  width: number | null;
  /** IANA time zone of the browser. */
  timeZone: string | null;
  /** `phone`, `tablet`, `desktop`; null where it cannot be told. */
  device: string | null;
  browser: string | null;
  os: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string | null;
  /** Where the visitor came from, by name: `Google`, `ChatGPT`, a host. Null for a direct visit. */
  source: string | null;
  channel: Channel;
  /** `utm_campaign` of the page's address. */
  campaign: string | null;
}

/** How a visitor came. `ai`: sent by a language-model assistant, a *referral* in the API's terms. */
export type Channel = 'direct' | 'search' | 'social' | 'email' | 'campaign' | 'referral' | 'ai';

/** The note that a view has ended. Stored, never counted. */
export interface LeaveEntry extends Arrival {
  kind: 'leave';
  id: string | null;
  path: string;
  visitor: bigint;
  view: bigint | null;
  engagedMs: number | null;
  /** Per cent of the page. */
  scroll: number | null;
  vitals: Readonly<Record<string, number>> | null;
}

/** A request by a declared crawler. Recorded, never counted as an event. */
export interface BotEntry extends Arrival {
  kind: 'bot';
  /** As an event's; null or absent: never a duplicate. */
  id?: string | null;
  bot: string;
  company: string | null;
  /** `ai-training`, `ai-search`, `ai-user`, `seo`, `monitor`, `headless`, `search`, `other`. */
  botClass: string;
  path: string;
}

export type Entry = EventEntry | LeaveEntry | BotEntry;

export type AppendOutcome = 'stored' | 'duplicate';

/** In place of a site: beacons that name no site of ours, kept for the operator. */
export const NO_SITE = '';

/** Something that was received and not kept, for the ledger. */
export interface Refusal {
  /** The site it concerns, or `NO_SITE`. */
  siteId: string;
  /** The site key that was sent, where it is one that was once given out. */
  siteKey: string | null;
  receivedAtMs: number;
  reason: string;
  /** Host that was seen, normalised; empty where none was. */
  host: string;
}

/** Stands in the ledger for the hosts beyond those that are kept apart. */
export const OTHER_HOST = 'other';

/** One line of the ledger: what became of a site's beacons on a day. */
export interface LedgerLine {
  day: number;
  /** `stored`, `duplicate`, `bot`, or the reason of a refusal. */
  outcome: string;
  /** Host seen; `OTHER_HOST` once a site and day has too many different ones; empty where none was seen. */
  host: string;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
}

/** What a site key has brought. */
export interface KeyUse {
  key: string;
  /** Events counted that carried it. */
  events: number;
  /** When a beacon last carried it, whether it was counted or not. */
  lastSeenAtMs: number;
}

/** What an engine tells of its own work since it was opened. */
export interface EngineStats {
  /** Entries of a commit, one observation each. */
  commitEntries: Distribution;
  /** Seconds from handing a commit over until it is on disk: the flush is nearly all of a small one. */
  commitSeconds: Distribution;
  /** Commits that failed; nothing of them was kept. */
  commitFailures: number;
  /** Of an engine that keeps events on its own disk first and ships them on. */
  spool?: {
    /** 0 empty, 1 full. */
    fill: number;
    /** Entries that wait to be shipped. */
    entries: number;
    /** How long the oldest of them has been waiting; 0 where none is. */
    lagSeconds: number;
  };
}

/** Whether the engine can take events now; `note` says what is wrong all the same. */
export type Health = { ok: true; note?: string } | { ok: false; reason: string };

/**
 * A stored event as read back. What is known of its visitor (width, time zone, device to campaign) is that of the first event
 * of its visit: a later page view of the same visit is no direct one.
 */
export interface StoredEvent extends Omit<EventEntry, 'kind' | 'id' | 'siteKey'> {
  /** Position within the site, later is larger: the cursor to page with. */
  cursor: string;
}

export interface EventPage {
  /** Newest first. */
  events: StoredEvent[];
  /** Where the next page starts, null after the last. */
  nextCursor: string | null;
}

// ── Reports ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What events and visits can be split and filtered by, properties aside. */
export const EVENT_DIMENSIONS = [
  'page',
  'entry',
  'exit',
  'host',
  'source',
  'channel',
  'campaign',
  'country',
  'device',
  'browser',
  'os',
  'event',
] as const;

/**
 * What numbers can be split by. `prop:NAME` is the value of a property of events. `entry` and `exit` are the first and last
 * page of a visit; `bot` splits bot visits and nothing else.
 */
export type Dimension = (typeof EVENT_DIMENSIONS)[number] | 'bot' | `prop:${string}`;

/** Keeps what has one of the values, or with `negated` what has none of them. Null stands for "not known". */
export interface Filter {
  by: Exclude<Dimension, 'bot'>;
  values: readonly (string | null)[];
  negated: boolean;
}

/** A site's receipts from an instant up to, not including, another. */
export interface Scope {
  siteId: string;
  fromMs: number;
  toMs: number;
  filters: readonly Filter[];
}

/**
 * The numbers of a span. A visitor is counted once per UTC day, since that is how long a pseudonym lives; a visit belongs to
 * the span in which it began.
 */
export interface Measures {
  visitors: number;
  /** A visitor's views without a 30-minute gap. */
  visits: number;
  pageviews: number;
  /** Page views and conversions: what `events_this_month` counts. */
  events: number;
  /** Events that are no page view. */
  conversions: number;
  /** Visits that a language-model assistant sent. */
  referrals: number;
  /** Visits of one page view, no other event, and less than ten seconds of engaged time. */
  bounces: number;
  engagedMs: number;
  botVisits: number;
}

export interface BreakdownRow extends Measures {
  /** Null for "not known". */
  value: string | null;
  /** For `bot`: who runs it. */
  company?: string | null;
}

/** One thing that happened, as the list of single events shows it. */
export type Happening =
  | { type: 'event'; event: StoredEvent }
  | {
      type: 'bot';
      cursor: string;
      receivedAtMs: number;
      bot: string;
      company: string | null;
      botClass: string;
      host: string;
      path: string;
    };

/** Questions about what happened. Answered off the writer's thread; every method may throw `StoreUnavailable`. */
export interface Reports {
  totals(scope: Scope): Promise<Measures>;
  /** One answer per bucket: bucket i goes from boundary i up to boundary i + 1. The scope's own span is the whole of them. */
  series(scope: Omit<Scope, 'fromMs' | 'toMs'>, boundariesMs: readonly number[]): Promise<Measures[]>;
  /** Largest first (visitors, then events, then value); `cursor` from the page before. */
  breakdown(
    scope: Scope,
    by: Dimension,
    options: { limit: number; cursor?: string },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }>;
  /** Single happenings, newest first. `referral`: page views that began a visit sent by an assistant. */
  happenings(
    scope: Omit<Scope, 'filters'>,
    options: { type: 'event' | 'bot' | 'referral' | 'conversion' | null; limit: number; cursor?: string },
  ): Promise<{ happenings: Happening[]; nextCursor: string | null }>;
  /** Visitors with an event since an instant, and the pages they saw last: the hundred with most visitors. */
  realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }>;
  /**
   * Makes questions about UTC days before one quick to answer. Changes no answer. Ends early when the signal says so.
   *
   * @returns days of sites made quick
   */
  prepare(beforeDay: number, signal?: AbortSignal): Promise<number>;
}

/** What is wrong with the stored numbers; empty lists where nothing is. Days that retention has reached are left out. */
export interface Audit {
  /** Sites and days whose counter differs from the rows. */
  counters: { siteId: string; day: number; counted: number; rows: number }[];
  /** Sites and days whose counter differs from the `stored` lines of the ledger. */
  ledger: { siteId: string; day: number; counted: number; stored: number }[];
  /** Numbers kept for reports that differ from what the rows say: which, of which site and day. */
  rollups: { siteId: string; day: number; what: string; kept: number; rows: number }[];
  /** The engine's own integrity complaints. */
  integrity: string[];
}

export type OnCommitted = (entry: Entry, outcome: AppendOutcome) => void;

/** Every method may throw `StoreUnavailable`. */
export interface Events {
  /**
   * Settles after the commit that holds the entry, its deduplication key, its site's counter and its line of the ledger,
   * flushed to disk. Entries that arrive together share a commit.
   *
   * @throws StoreBusy when the bounded queue is full, StoreUnavailable when the commit failed: nothing was kept then
   */
  append(entry: Entry): Promise<AppendOutcome>;
  /** Tells of every entry that was committed from now on, in their order, and what became of it. */
  onCommitted(listener: OnCommitted): void;
  /** Adds a refusal to the ledger, with the next commit and within a second. Memory is bounded; the count is exact. */
  refuse(refusal: Refusal): void;
  /** Settles when all refusals handed over so far are committed. */
  flush(): Promise<void>;

  /**
   * Events counted per site over a range of receipt days. Every site asked for is in the answer, 0 included. Who asks with the
   * very same list again may get the very same answer, if it stands.
   */
  countBySite(siteIds: readonly string[], range: DayRange): Promise<ReadonlyMap<string, number>>;
  /** By day, outcome and host. */
  ledger(siteId: string, range: DayRange): Promise<LedgerLine[]>;
  /** Keys of a site that were ever seen, most recently seen first. */
  keyUse(siteId: string): Promise<KeyUse[]>;
  /** Tries a write where the last one failed. */
  health(): Promise<Health>;
  /** How full the queue in front of the engine is: 0 empty, 1 full. */
  fill(): number;
  /** Cheap; absent where an engine has nothing to tell. */
  stats?(): EngineStats;
  /**
   * Deletes events, leaves and bot visits of a site received before an instant, in small steps between commits. Counters
   * and ledger stay as they are. Ends early, with nothing wrong, when the signal says so. @returns rows deleted
   */
  expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number>;
  /**
   * Deletes all that is kept of a removed site besides its counters and its ledger, in small steps between commits. Cheap
   * where nothing is left. Ends early, as `expire` does. @returns rows of events, leaves and bot visits deleted
   */
  remove(siteId: string, signal?: AbortSignal): Promise<number>;
  /**
   * Where the engine keeps strings apart from rows: deletes those that no row refers to any more, at most once a day, in small
   * steps between commits, and overwrites them in the file. Ends early, with nothing wrong, when the signal says so.
   *
   * @returns strings deleted
   */
  collectTexts?(signal: AbortSignal): Promise<number>;

  /** Stable while events arrive: no event of the first page's time is shown twice or left out. `limit` 1 to 1000. */
  page(siteId: string, options: { limit: number; cursor?: string }): Promise<EventPage>;
  /** Recounts rows against counters and checks the engine's files. Slow: reads everything. */
  audit(): Promise<Audit>;
}
