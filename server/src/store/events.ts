import type { DayRange } from '../plans.ts';
import type { Distribution } from '../tally.ts';

/** The events, their counters and the ledger. `store.ts` has the meaning of times and ids. */

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
   * Deletes all that is kept of a removed site besides its counters and its ledger, in small steps between commits. Ends
   * early, as `expire` does. @returns rows of events, leaves and bot visits deleted
   */
  remove(siteId: string, signal?: AbortSignal): Promise<number>;
  /** Those of some sites of which there is anything that `remove` would delete. Cheap, and changes nothing. */
  holding(siteIds: readonly string[]): Promise<string[]>;
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
