import { hash } from 'node:crypto';
import { utcDay } from '../../clock.ts';
import type { AppendOutcome, BotEntry, Entry, EventEntry, LeaveEntry } from '../store.ts';
import { Dictionary } from './dictionary.ts';
import { type Database, prepared, transaction } from './driver.ts';
import { EVENT_MIGRATIONS } from './schema.ts';

/** Counts to add to the ledger: what became of beacons of one site, day, outcome and host. */
export interface LedgerDelta {
  siteId: string;
  day: number;
  outcome: string;
  host: string;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
}

/** What to add to the use of a site key. */
export interface KeyUseDelta {
  siteId: string;
  key: string;
  events: number;
  lastSeenAtMs: number;
}

export interface Batch {
  entries: readonly Entry[];
  refusals: readonly LedgerDelta[];
  /** Keys that refused beacons carried. */
  refusedKeys: readonly KeyUseDelta[];
  /** Deduplication keys first seen before this day may go. */
  forgetKeysBeforeDay: number;
}

/** Different hosts kept per site, day and outcome; what comes after is counted under `other`. */
const LEDGER_HOSTS = 100;
const OTHER_HOST = 'other';

/** 96 bits: among a thousand million events of one window, two collide with a chance of 6 in 10^12. */
const DEDUPLICATION_KEY_BYTES = 12;
/** Days besides the current one whose keys are still looked at: the window is 48 hours. */
const DEDUPLICATION_DAYS_BACK = 2;
/** Rows deleted by retention per commit, so that ingestion between them goes on. */
export const EXPIRED_PER_COMMIT = 2_000;
/** Old deduplication keys deleted per commit, so that no commit gets long. */
const KEYS_FORGOTTEN_PER_COMMIT = 2_000;

/** Writes batches: each in one transaction that holds rows, deduplication keys, counters and ledger together. */
export class Committer {
  readonly #db: Database;
  readonly #dictionary: Dictionary;
  /** Days for which deduplication keys are stored: at most a few. */
  #daysSeen: Set<number>;

  constructor(db: Database) {
    this.#db = db;
    this.#dictionary = new Dictionary(db);
    this.#daysSeen = this.#readDaysSeen();
  }

  /** @returns what became of each entry, in their order, once all of it is on disk. Throws with nothing written. */
  commit(batch: Batch): AppendOutcome[] {
    return this.#transaction(() => {
      const ledger = new Map<string, LedgerDelta>();
      const keys = new Map<string, KeyUseDelta>();
      const outcomes = batch.entries.map((entry) => {
        const outcome = this.#write(entry, ledger);
        if (entry.siteKey !== null) addKeyUse(keys, keyUseOf(entry, entry.siteKey, outcome));
        return outcome;
      });
      for (const delta of ledger.values()) {
        if (delta.outcome === 'stored') this.#count(delta);
        this.#enter(delta);
      }
      for (const delta of batch.refusals) this.#enter(delta);
      for (const delta of keys.values()) this.#seeKey(delta);
      for (const delta of batch.refusedKeys) this.#seeKey(delta);
      this.#forgetKeys(batch.forgetKeysBeforeDay);
      return outcomes;
    });
  }

  /** After a rollback nothing remembered of the database can be trusted. */
  #transaction<T>(work: () => T): T {
    try {
      return transaction(this.#db, work);
    } catch (error) {
      this.#dictionary.forget();
      this.#daysSeen = this.#readDaysSeen();
      throw error;
    }
  }

  #write(entry: Entry, ledger: Map<string, LedgerDelta>): AppendOutcome {
    const { siteId, host, receivedAtMs } = entry;
    const day = utcDay(receivedAtMs);
    const note = (outcome: string) =>
      addToLedger(ledger, {
        siteId,
        day,
        outcome,
        host,
        count: 1,
        firstAtMs: receivedAtMs,
        lastAtMs: receivedAtMs,
      });
    if (entry.kind !== 'bot' && entry.id !== null && !this.#firstTime(siteId, entry.id, day)) {
      if (entry.kind === 'event') note('duplicate');
      return 'duplicate';
    }
    switch (entry.kind) {
      case 'event':
        this.#insertEvent(entry);
        note('stored');
        break;
      case 'bot':
        this.#insertBot(entry);
        note('bot');
        break;
      case 'leave':
        this.#insertLeave(entry);
        break;
    }
    return 'stored';
  }

  /** Remembers a deduplication key; false where it was there already. */
  #firstTime(siteId: string, id: string, day: number): boolean {
    // UTF-16, so that ids with unpaired surrogates stay different from each other.
    const key = hash('sha256', Buffer.from(`${siteId}\n${id}`, 'utf16le'), 'buffer').subarray(
      0,
      DEDUPLICATION_KEY_BYTES,
    );
    for (const dayBefore of this.#daysSeen) {
      // Later days too: the clock may have been set back.
      if (dayBefore === day || dayBefore < day - DEDUPLICATION_DAYS_BACK) continue;
      const found = prepared(this.#db, 'SELECT 1 FROM seen WHERE day = ? AND key = ?').get(dayBefore, key);
      if (found !== undefined) return false;
    }
    this.#daysSeen.add(day);
    return (
      prepared(this.#db, 'INSERT OR IGNORE INTO seen (day, key) VALUES (?, ?)').run(day, key).changes === 1
    );
  }

  #insertEvent(event: EventEntry): void {
    const texts = this.#dictionary;
    const site = texts.site(event.siteId);
    prepared(
      this.#db,
      `INSERT INTO events (site, at, n, name, host, path, referrer, visitor, nav, props, value, currency, view, width, time_zone)
       VALUES (?1, ?2, (SELECT coalesce(max(n) + 1, 0) FROM events WHERE site = ?1 AND at = ?2), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      site,
      event.receivedAtMs,
      texts.text(event.name),
      texts.text(event.host),
      texts.text(event.path),
      texts.textOrNull(event.referrer),
      event.visitor,
      texts.textOrNull(event.nav),
      event.props === null ? null : texts.text(JSON.stringify(event.props)),
      event.value,
      texts.textOrNull(event.currency),
      event.view,
      event.width,
      texts.textOrNull(event.timeZone),
    );
  }

  #insertLeave(leave: LeaveEntry): void {
    const texts = this.#dictionary;
    prepared(
      this.#db,
      `INSERT INTO leaves (site, at, n, host, path, visitor, view, engaged, scroll, vitals)
       VALUES (?1, ?2, (SELECT coalesce(max(n) + 1, 0) FROM leaves WHERE site = ?1 AND at = ?2), ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      texts.site(leave.siteId),
      leave.receivedAtMs,
      texts.text(leave.host),
      texts.text(leave.path),
      leave.visitor,
      leave.view,
      leave.engagedMs,
      leave.scroll,
      leave.vitals === null ? null : texts.text(JSON.stringify(leave.vitals)),
    );
  }

  #insertBot(bot: BotEntry): void {
    const texts = this.#dictionary;
    prepared(
      this.#db,
      `INSERT INTO bots (site, at, n, bot, host, path)
       VALUES (?1, ?2, (SELECT coalesce(max(n) + 1, 0) FROM bots WHERE site = ?1 AND at = ?2), ?, ?, ?)`,
    ).run(
      texts.site(bot.siteId),
      bot.receivedAtMs,
      texts.text(bot.bot),
      texts.text(bot.host),
      texts.text(bot.path),
    );
  }

  #count({ siteId, day, count }: LedgerDelta): void {
    prepared(
      this.#db,
      `INSERT INTO counters (site, day, events) VALUES (?, ?, ?)
       ON CONFLICT (site, day) DO UPDATE SET events = events + excluded.events`,
    ).run(this.#dictionary.site(siteId), day, count);
  }

  #enter({ siteId, day, outcome, host, count, firstAtMs, lastAtMs }: LedgerDelta): void {
    const site = this.#dictionary.site(siteId);
    const outcomeId = this.#dictionary.text(outcome);
    // A host that was never kept gets no number before there is room for it: hosts of refused beacons are anybody's.
    const hostId = this.#dictionary.find(host);
    const { changes } = prepared(
      this.#db,
      `UPDATE ledger SET count = count + ?, first_at = min(first_at, ?), last_at = max(last_at, ?)
       WHERE site = ? AND day = ? AND outcome = ? AND host = ?`,
    ).run(count, firstAtMs, lastAtMs, site, day, outcomeId, hostId);
    if (changes === 1) return;
    const { hosts } = prepared(
      this.#db,
      'SELECT count(*) AS hosts FROM ledger WHERE site = ? AND day = ? AND outcome = ?',
    ).get(site, day, outcomeId) as { hosts: number };
    prepared(
      this.#db,
      `INSERT INTO ledger (site, day, outcome, host, count, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (site, day, outcome, host) DO UPDATE SET count = count + excluded.count,
         first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
    ).run(
      site,
      day,
      outcomeId,
      this.#dictionary.text(hosts < LEDGER_HOSTS ? host : OTHER_HOST),
      count,
      firstAtMs,
      lastAtMs,
    );
  }

  #seeKey({ siteId, key, events, lastSeenAtMs }: KeyUseDelta): void {
    prepared(
      this.#db,
      `INSERT INTO key_use (site, key, events, last_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, key) DO UPDATE SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)`,
    ).run(this.#dictionary.site(siteId), key, events, lastSeenAtMs);
  }

  /** Deletes a bounded number of a site's oldest rows. @returns rows deleted; fewer than `EXPIRED_PER_COMMIT` means done */
  expire(siteId: string, beforeMs: number): number {
    return this.#transaction(() => {
      const site = this.#dictionary.site(siteId);
      prepared(
        this.#db,
        `INSERT INTO expired (site, before_at) VALUES (?, ?)
         ON CONFLICT (site) DO UPDATE SET before_at = max(before_at, excluded.before_at)`,
      ).run(site, beforeMs);
      let deleted = 0;
      for (const table of ['events', 'leaves', 'bots'] as const) {
        const { changes } = prepared(
          this.#db,
          `DELETE FROM ${table} WHERE (site, at, n) IN
             (SELECT site, at, n FROM ${table} WHERE site = ? AND at < ? ORDER BY at, n LIMIT ?)`,
        ).run(site, beforeMs, EXPIRED_PER_COMMIT - deleted);
        deleted += Number(changes);
      }
      return deleted;
    });
  }

  /** Writes something that changes nothing, to learn whether writing works. */
  probe(): void {
    this.#transaction(() => this.#db.exec(`PRAGMA user_version = ${EVENT_MIGRATIONS.length}`));
  }

  #forgetKeys(beforeDay: number): void {
    for (const day of this.#daysSeen) {
      if (day >= beforeDay) continue;
      const { changes } = prepared(
        this.#db,
        'DELETE FROM seen WHERE (day, key) IN (SELECT day, key FROM seen WHERE day = ? LIMIT ?)',
      ).run(day, KEYS_FORGOTTEN_PER_COMMIT);
      if (Number(changes) < KEYS_FORGOTTEN_PER_COMMIT) this.#daysSeen.delete(day);
      return;
    }
  }

  #readDaysSeen(): Set<number> {
    const days = new Set<number>();
    const next = prepared(this.#db, 'SELECT min(day) AS day FROM seen WHERE day > ?');
    for (let day = -1; ; ) {
      const found = next.get(day)?.day;
      if (typeof found !== 'number') return days;
      days.add(found);
      day = found;
    }
  }
}

function keyUseOf({ siteId, receivedAtMs, kind }: Entry, key: string, outcome: AppendOutcome): KeyUseDelta {
  return {
    siteId,
    key,
    events: kind === 'event' && outcome === 'stored' ? 1 : 0,
    lastSeenAtMs: receivedAtMs,
  };
}

/** Adds to the use of the same key kept in memory. */
export function addKeyUse(uses: Map<string, KeyUseDelta>, delta: KeyUseDelta): void {
  const use = uses.get(delta.key);
  if (use === undefined) {
    uses.set(delta.key, { ...delta });
    return;
  }
  use.events += delta.events;
  use.lastSeenAtMs = Math.max(use.lastSeenAtMs, delta.lastSeenAtMs);
}

/** Adds counts to the same line of a ledger kept in memory. */
export function addToLedger(ledger: Map<string, LedgerDelta>, delta: LedgerDelta): void {
  const key = `${delta.siteId}\n${delta.day}\n${delta.outcome}\n${delta.host}`;
  const line = ledger.get(key);
  if (line === undefined) {
    ledger.set(key, { ...delta });
    return;
  }
  line.count += delta.count;
  line.firstAtMs = Math.min(line.firstAtMs, delta.firstAtMs);
  line.lastAtMs = Math.max(line.lastAtMs, delta.lastAtMs);
}
