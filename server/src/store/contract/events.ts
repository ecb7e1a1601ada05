import type { Channel } from '../../domain/channels.ts';
import type { DayRange } from '../../domain/clock.ts';
import type { Outage } from '../../domain/outage.ts';
import type { RefusalReason } from '../../domain/outcomes.ts';

/** Events, their counters and the ledger. `store.ts` defines times and ids. */

/** The properties of an event, as sent. */
export type Props = Readonly<Record<string, string | number | boolean>>;

/** How much text each site may store per UTC day, on each server. */
export interface TextLimits {
  /** The most different texts: pages, referrers, properties and so on. */
  texts: number;
  /** The most bytes of text, beyond a few that every event may have. */
  bytes: number;
}

/** What stands in place of a text beyond the limits, and of all properties of an event. */
export const OTHER_TEXT = '(other)';
export const OTHER_PROPS: Props = { [OTHER_TEXT]: true };

interface Arrival {
  siteId: string;
  /** The site key that was sent; null if the sender needs none. */
  siteKey: string | null;
  /** When the server received it. The sender's clock is never used. */
  receivedAtMs: number;
  /** Normalized host of the page. */
  host: string;
}

/** An event, the only kind of entry that is counted. */
export interface EventEntry extends Arrival {
  kind: 'event';
  /** An id created by the page. A site's second event with the same id within 48 hours is a duplicate; null never is. */
  id: string | null;
  name: string;
  /** Whether the event ends a bounce. False for events that the visitor did not trigger, such as an error. */
  interactive: boolean;
  /** The page: path, kept query and kept hash. */
  path: string;
  /** Host and path of the other site that linked to the page. */
  referrer: string | null;
  /** Pseudonym of the visitor, valid for one UTC day: a signed 64-bit hash. */
  visitor: bigint;
  nav: string | null;
  props: Props | null;
  value: number | null;
  currency: string | null;
  /** Pseudonym of the page view that the event belongs to: a signed 64-bit hash of its id. */
  view: bigint | null;
  /** Viewport width in CSS pixels. Only events of earlier releases have it. */
  width: number | null;
  /** The browser's time zone, as an IANA name. Only events of earlier releases have it. */
  timeZone: string | null;
  /** `phone`, `tablet`, `desktop`; null if unknown. */
  device: string | null;
  browser: string | null;
  /** The browser with its major version, such as `Firefox 128`. */
  browserVersion: string | null;
  os: string | null;
  /** The operating system with its major version, such as `iOS 17`. */
  osVersion: string | null;
  /** The browser's language without its region, such as `de`. */
  language: string | null;
  /** The class of the screen's size. */
  screen: string | null;
  /** ISO 3166-1 alpha-2 code; null if unknown. */
  country: string | null;
  region: string | null;
  city: string | null;
  /** The name of the traffic source, such as `Google`, `ChatGPT` or a host; null for a direct visit. */
  source: string | null;
  channel: Channel;
  /** The `utm_campaign` parameter of the page's address. The others are named like their parameters. */
  campaign: string | null;
  utmSource: string | null;
  utmMedium: string | null;
  utmContent: string | null;
  utmTerm: string | null;
  /** Whether texts were replaced by `OTHER_TEXT`. Only the ledger tells afterwards. */
  isShortened?: boolean;
}

/** A report that a page view ended, which is stored but never counted. */
export interface LeaveEntry extends Arrival {
  kind: 'leave';
  id: string | null;
  path: string;
  visitor: bigint;
  view: bigint | null;
  engagedMs: number | null;
  /** The greatest scroll depth, as a percentage of the page. */
  scroll: number | null;
  vitals: Readonly<Record<string, number>> | null;
}

/** A request by a declared crawler, which is stored but never counted as an event. */
export interface BotEntry extends Arrival {
  kind: 'bot';
  /** Deduplicates like an event's id; null or absent is never a duplicate. */
  id?: string | null;
  bot: string;
  company: string | null;
  /** One of `ai-training`, `ai-search`, `ai-user`, `seo`, `monitor`, `headless`, `search`, `other`. */
  botClass: string;
  path: string;
}

export type Entry = EventEntry | LeaveEntry | BotEntry;

export type AppendOutcome = 'stored' | 'duplicate';

/** The site id of beacons with an unknown key. Only the operator sees their ledger. */
export const NO_SITE = '';

/** A beacon that was received but not stored. The ledger counts it. */
export interface Refusal {
  /** The site it concerns, or `NO_SITE`. */
  siteId: string;
  /** The site key that was sent; null if it is not one of the site's. */
  siteKey: string | null;
  receivedAtMs: number;
  reason: RefusalReason;
  /** Normalized host that the beacon named; empty if it named none. */
  host: string;
  /** The field that made the event malformed, which the ledger keeps instead of a host. */
  field?: string;
}

/** The ledger's name for all hosts, or fields, beyond the limit per site, day and outcome. */
export const OTHER_HOST = 'other';

/** One line of the ledger, which counts a site's beacons of one day with the same outcome, and host or field. */
export interface LedgerLine {
  day: number;
  /** `stored`, `duplicate`, `bot`, the reason for a refusal, or `SHORTENED`, which counts events that are also `stored`. */
  outcome: string;
  /** The host; `OTHER_HOST` once a site and day has too many different ones; empty if the beacon named none. */
  host: string;
  /** Of malformed events, the field that was wrong, such as `props.items`; `OTHER_HOST` as for hosts; empty if unknown. */
  field: string;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
}

/** The use of a site key. */
export interface KeyUse {
  key: string;
  /** The number of counted events with this key. */
  events: number;
  /** When a beacon with this key last arrived, counted or not. */
  lastSeenAtMs: number;
}

/** One commit of an engine. */
export interface CommitDone {
  /** The number of entries in the commit. */
  entries: number;
  /** The time it took to write to disk. For a small commit, nearly all of it is the flush. */
  seconds: number;
}

/** Statistics of an engine since it was opened. */
export interface EngineStats {
  /** The number of commits that failed. None of their entries were stored. */
  commitFailures: number;
  /** The number of sites' days that are over and wait to be sealed, for engines that seal days. */
  daysToSeal?: number;
  /** The number of sites' days that were not sealed because they are damaged, for engines that seal days. */
  damagedDays?: number;
  /** The state of the local spool, for engines that store events on local disk before shipping them to databases. */
  spool?: {
    /** How full the spool is, from 0 (empty) to 1 (full). */
    fill: number;
    /** The number of entries that wait to be shipped. */
    entries: number;
    /** The age of the oldest entry in the spool; 0 if the spool is empty. */
    lagSeconds: number;
  };
}

/** The events of a site that were refused since the engine could store the last one. */
export interface RefusedInOutage {
  /** When the first one arrived. */
  sinceMs: number;
  events: number;
}

/** Whether the engine can accept events now. `note` names a problem that does not prevent it. */
export type Health = { ok: true; note?: string } | { ok: false; reason: string };

/**
 * A stored event as readers see it. The visitor's properties (width, time zone, device to `utmTerm`) come from the first event
 * of the visit, so that later page views of the same visit do not appear as direct traffic.
 */
export interface StoredEvent extends Omit<EventEntry, 'kind' | 'id' | 'siteKey' | 'isShortened'> {
  /** A paging cursor: the event's position within the site. Later events have larger positions. */
  cursor: string;
}

export interface EventPage {
  /** The events, newest first. */
  events: StoredEvent[];
  /** The cursor of the next page; null on the last page. */
  nextCursor: string | null;
}

/** A site's day whose counter of events differs from the rows. */
export interface DamagedDay {
  siteId: string;
  day: number;
  counted: number;
  rows: number;
}

/** Discrepancies in the stored numbers. Days whose rows retention has deleted are left out. */
export interface Audit {
  counters: DamagedDay[];
  /** Sites and days whose counter differs from the `stored` lines of the ledger. */
  ledger: { siteId: string; day: number; counted: number; stored: number }[];
  /** Rollups that differ from the rows. */
  rollups: { siteId: string; day: number; what: string; kept: number; rows: number }[];
  /** Problems that the engine's own integrity check found. */
  integrity: string[];
}

/** How long events of a site are kept. */
export interface SiteLimit {
  siteId: string;
  /** The instant before which events are deleted. */
  beforeMs: number;
}

export type OnEntry = (entry: Entry, outcome: AppendOutcome) => void;

/** The events half of the store. Every method may throw `StoreUnavailable`. */
export interface Events {
  /**
   * Stores an entry with its deduplication key, its site's counter and its ledger line in one commit, and resolves once that
   * is flushed to disk. Entries that arrive together share a commit.
   *
   * @throws StoreBusy if the bounded queue is full, StoreUnavailable if the commit failed; neither stores anything
   */
  append(entry: Entry): Promise<AppendOutcome>;
  /** Calls the listener for every entry committed from now on, in order, with its outcome. */
  onEntry(listener: OnEntry): void;
  /** Calls the listener for every commit from now on. */
  onCommit(listener: (commit: CommitDone) => void): void;
  /** Reports the start and the end of each outage of background work. A current outage is reported at once. */
  onOutage?(listener: (outage: Outage) => void): void;
  /** Adds a refusal to the ledger with the next commit, within a second. Memory is bounded, and the count is exact. */
  refuse(refusal: Refusal): void;
  /** Returns the refusals of a site in the current outage; null if there are none. On a full disk, the ledger lacks them. */
  refusedInOutage(siteId: string): RefusedInOutage | null;
  /** Settles once all refusals reported so far are committed. */
  flush(): Promise<void>;

  /** Counts events per site over a range of receipt days. Requested sites without events have 0. */
  countBySite(siteIds: readonly string[], range: DayRange): Promise<ReadonlyMap<string, number>>;
  /** Returns a site's ledger, one line per day, outcome and host. */
  ledger(siteId: string, range: DayRange): Promise<LedgerLine[]>;
  /** Returns the use of every key that a site's beacons carried, most recently seen first. */
  keyUse(siteId: string): Promise<KeyUse[]>;
  /** Reports whether the engine can accept events. After a failed commit, it cannot until another one has succeeded. */
  health(): Promise<Health>;
  /** Returns how full the queue in front of the engine is, from 0 (empty) to 1 (full). */
  fill(): number;
  /** Returns statistics. Cheap to call; absent if an engine has none. */
  stats?(): EngineStats;
  /**
   * Deletes events, leaves and bot visits that were received before the limit of their site, in small steps between commits.
   * An engine may keep those of the UTC day in which the limit lies. Cheap if nothing is due. Counters and ledger do not
   * change. When aborted, it ends early in a consistent state. @returns rows deleted
   */
  expire(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number>;
  /**
   * Deletes everything of a removed site except its counters and its ledger, in small steps between commits. Ends
   * early, as `expire` does. @returns rows of events, leaves and bot visits deleted
   */
  remove(siteId: string, signal?: AbortSignal): Promise<number>;
  /** Returns the given sites that have data for `remove` to delete. Cheap, and read-only. */
  holding(siteIds: readonly string[]): Promise<string[]>;
  /**
   * Deletes strings that no row refers to and overwrites them in the file, at most once a day, in small steps between commits.
   * When aborted, it ends early in a consistent state. Absent if an engine stores strings in the rows themselves.
   *
   * @returns strings deleted
   */
  collectTexts?(signal: AbortSignal): Promise<number>;

  /** Returns a page of events. Events that arrive between pages cause no repeats or gaps. `limit` is 1 to 1000. */
  page(siteId: string, options: { limit: number; cursor?: string }): Promise<EventPage>;
  /** Recounts rows against counters and checks the engine's files. Slow: reads everything. */
  audit(): Promise<Audit>;
}
