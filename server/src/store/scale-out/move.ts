import { hash } from 'node:crypto';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { DAY_MS } from '../../domain/clock.ts';
import type { Entry, KeyUse, SiteLimit } from '../contract/store.ts';
import type { StoredLine } from '../shared/ledger-delta.ts';
import { MoveError } from '../shared/move-schema.ts';

/**
 * Moves events from a data folder into the databases of a scale-out setup while a server keeps accepting.
 *
 * Events are read one site's day at a time and sent in batches of many days; one batch is read while the previous one is sent.
 * Each row's id is derived from its place in the source, so sending it again changes nothing. Once all rows of a day have
 * arrived and were compared, the day's counts are set, not added. Each day has a mark that differs after every change, so a
 * repeated move sends only changed days, and the final move, after the server has stopped, takes moments.
 *
 * Two things are not moved: the ids of the last 48 hours, so an event that is sent again to the new databases counts twice; and
 * the rollups of days whose rows retention has deleted, because the databases compute reports only from rows.
 */

export interface SourceDay {
  siteId: string;
  day: number;
  /** The number of counted events. */
  events: number;
  /** A mark that differs after each change of the day. */
  mark: string;
}

export interface MovedEntry {
  entry: Entry;
  eventId: string;
  ordinal: number;
}

export interface DayContent {
  entries: Iterable<MovedEntry> | AsyncIterable<MovedEntry>;
  ledger: StoredLine[];
  events: number;
}

export interface EventSource {
  /** Lists all days, grouped by month and within a month by site. */
  days(): SourceDay[];
  /** Calls `use` with a day's content as of one instant. */
  read<T>(day: SourceDay, use: (content: DayContent) => Promise<T>): Promise<T>;
  keyUse(): (KeyUse & { siteId: string })[];
  /** Returns for each site the instant before which retention has deleted rows. */
  expired(): SiteLimit[];
}

/** The number of rows of a day and a digest of them. */
export interface Checksum {
  rows: number;
  sum: bigint;
}

export interface RowTarget {
  insert(batch: { id: string; rows: string }): Promise<void>;
  expire(limits: readonly SiteLimit[]): Promise<number>;
  /** Returns the checksum of each day that has rows, by `dayName`. */
  checksums(days: readonly SourceDay[]): Promise<ReadonlyMap<string, Checksum>>;
}

/** A day and its counts. */
export type CountedDay = SourceDay & Pick<DayContent, 'ledger'>;

export interface CountTarget {
  /** Returns the marks of days already moved, by `dayName`. @throws MoveError if the counts are in use */
  begin(): Promise<ReadonlyMap<string, string>>;
  /** Sets the counts of all the given days, or of none if it fails. */
  set(days: readonly CountedDay[]): Promise<void>;
  finish(keyUse: readonly (KeyUse & { siteId: string })[], expired: readonly SiteLimit[]): Promise<void>;
}

/** Rows per batch. A batch is one block, small enough for a busy server. At most two batches are in memory. */
const ROWS_AT_ONCE = 20_000;
/** Maximum days completed per batch. They share a query and a transaction. */
const DAYS_AT_ONCE = 200;
/** Rows read before control returns to the event loop. */
const ROWS_IN_A_ROW = 500;

export const dayName = ({ siteId, day }: { siteId: string; day: number }) => `${day} ${siteId}`;

/** The totals of a move. */
export interface Moved {
  days: number;
  /** Days that had not changed since they were moved. */
  unchanged: number;
  rows: number;
  events: number;
}

/** Makes an entry's row as a line of JSON, and the number it adds to the `Checksum` of its day. */
export type ToMovedRow = (
  entry: Entry,
  where: { eventId: string; ordinal: number },
) => { line: string; checksum: bigint };

/** A day whose rows are all sent with this batch or earlier ones. */
interface SentDay extends CountedDay {
  sent: Checksum;
}

/** Rows of one month, and the days whose last row is among them. */
interface Batch {
  lines: string[];
  days: SentDay[];
}

/** Moves the events and counts of all changed days. @throws MoveError if a day differs from what was sent */
export async function moveEvents({
  from,
  rows: target,
  counts,
  toRow,
  onProgress,
}: {
  from: EventSource;
  rows: RowTarget;
  counts: CountTarget;
  toRow: ToMovedRow;
  onProgress: (doneDays: number, allDays: number) => void;
}): Promise<Moved> {
  const there = await counts.begin();
  const expired = from.expired();
  for (let i = 0; i < expired.length; i += DAYS_AT_ONCE)
    await target.expire(expired.slice(i, i + DAYS_AT_ONCE));
  const days = from.days();
  const changed = days.filter((day) => there.get(dayName(day)) !== day.mark);
  const unchanged = days.length - changed.length;
  const moved = { days: 0, rows: 0 };

  let underWay = Promise.resolve();
  let batch: Batch = { lines: [], days: [] };
  let month: string | null = null;
  for (const day of changed) {
    if (batch.days.length === DAYS_AT_ONCE || monthOf(day) !== month) await sendBatch();
    month = monthOf(day);
    await from.read(day, (content) => gather(day, content));
  }
  await sendBatch();
  await underWay;
  await counts.finish(from.keyUse(), expired);
  return { ...moved, unchanged, events: days.reduce((sum, { events }) => sum + events, 0) };

  async function gather(day: SourceDay, { entries, ledger, events }: DayContent): Promise<void> {
    const sent = { rows: 0, sum: 0n };
    for await (const { entry, ...where } of entries) {
      if (batch.lines.length === ROWS_AT_ONCE) await sendBatch();
      else if (batch.lines.length % ROWS_IN_A_ROW === 0) await yieldToEventLoop();
      const { line, checksum } = toRow(entry, where);
      batch.lines.push(line);
      sent.rows += 1;
      sent.sum ^= checksum;
    }
    batch.days.push({ ...day, events, ledger, sent });
  }

  /** Waits for the previous batch, then sends this one while the next is gathered. */
  async function sendBatch(): Promise<void> {
    const full = batch;
    batch = { lines: [], days: [] };
    await underWay;
    underWay = reconcile(full);
    // The next batch or the end of the move reports a failure.
    underWay.catch(() => undefined);
  }

  async function reconcile({ lines, days: ended }: Batch): Promise<void> {
    if (lines.length > 0) {
      const rows = lines.join('\n');
      await target.insert({ id: `move.${hash('sha256', rows)}`, rows });
    }
    if (ended.length === 0) return;
    const kept = await target.checksums(ended);
    for (const day of ended) compare(day, kept.get(dayName(day)) ?? { rows: 0, sum: 0n });
    await counts.set(ended);
    moved.days += ended.length;
    moved.rows += ended.reduce((sum, { sent }) => sum + sent.rows, 0);
    onProgress(unchanged + moved.days, days.length);
  }
}

function compare({ siteId, day, sent }: SentDay, kept: Checksum): void {
  if (kept.rows !== sent.rows || kept.sum !== sent.sum)
    throw new MoveError(
      `Of the ${sent.rows} rows of ${siteId} on day ${day}, ClickHouse holds ${kept.rows}, or others.`,
    );
}

/** Returns a day's month, which no batch crosses: a month is a partition, and servers refuse inserts into many. */
function monthOf({ day }: SourceDay): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 7);
}
