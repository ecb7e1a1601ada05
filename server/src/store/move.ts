import { hash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { DAY_MS } from '../clock.ts';
import type { Entry, KeyUse, LedgerLine } from './store.ts';

/**
 * Moving everything from a data folder into the databases of the scaled-out shape, beside a server that goes on accepting.
 *
 * Events are read a site's day at a time, and sent in batches of many days, one being read while the one before is on its way.
 * Each row has an id that is made of where it stood, so that sending it again changes nothing. When all rows of a day are there
 * and were compared, what was counted of the day is set, not added. A day is remembered by a mark that changes with every
 * change of it: moving again sends only the days that changed. After the server was stopped the last time takes moments.
 *
 * What does not come along: which ids were seen in the last 48 hours, so an event whose page sends it again to the new shape
 * counts again; and sums of days that retention has reached, since the databases answer reports from rows alone.
 */

/** The databases hold something that a move would destroy, or not what was sent to them. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
}

export interface SourceDay {
  siteId: string;
  day: number;
  /** Events counted. */
  events: number;
  /** Another one after each change of the day. */
  mark: string;
}

export interface MovedEntry {
  entry: Entry;
  eventId: string;
  ordinal: number;
}

export interface DayContent {
  entries: Iterable<MovedEntry>;
  ledger: LedgerLine[];
  events: number;
}

export interface EventSource {
  /** Days of the same month one after the other, and in it those of the same site. */
  days(): SourceDay[];
  /** Hands over a day as of one instant. */
  read<T>(day: SourceDay, use: (content: DayContent) => Promise<T>): Promise<T>;
  keyUse(): (KeyUse & { siteId: string })[];
  /** How far retention has deleted. */
  expired(): { siteId: string; beforeMs: number }[];
}

/** Rows and a number that is another one for other rows. */
export interface Checksum {
  rows: number;
  sum: bigint;
}

export interface RowTarget {
  insert(batch: { id: string; rows: string }): Promise<void>;
  expire(siteId: string, beforeMs: number): Promise<number>;
  /** Of each day that has rows, by `dayName`. */
  checksums(days: readonly SourceDay[]): Promise<ReadonlyMap<string, Checksum>>;
}

/** A day and what was counted of it. */
export type CountedDay = SourceDay & Pick<DayContent, 'ledger'>;

export interface CountTarget {
  /** Marks of the days that are there, by `dayName`. @throws MoveError where the counts are in use */
  begin(): Promise<ReadonlyMap<string, string>>;
  /** All of them or none. */
  set(days: readonly CountedDay[]): Promise<void>;
  finish(
    keyUse: readonly (KeyUse & { siteId: string })[],
    expired: readonly { siteId: string; beforeMs: number }[],
  ): Promise<void>;
}

/** Rows of a batch: one block of the server, and a time for it that a busy one keeps to. Two batches are in memory at most. */
const ROWS_AT_ONCE = 20_000;
/** Days that end in a batch: their names are in one question, their counts in one transaction. */
const DAYS_AT_ONCE = 200;
/** After so many rows read, whatever waits for the network has its turn. */
const ROWS_IN_A_ROW = 500;

export const dayName = ({ siteId, day }: { siteId: string; day: number }) => `${day} ${siteId}`;

/** What was moved. */
export interface Moved {
  days: number;
  /** Days that had not changed since they were moved. */
  unchanged: number;
  rows: number;
  events: number;
}

/** The row of an entry as a line of JSON, and what it adds to the `Checksum` of its day. */
export type ToMovedRow = (
  entry: Entry,
  where: { eventId: string; ordinal: number },
) => { line: string; checksum: bigint };

/** A day of which all rows were sent, with those of this batch or earlier ones. */
interface SentDay extends CountedDay {
  sent: Checksum;
}

/** Rows of one month, and the days whose last row is among them. */
interface Batch {
  lines: string[];
  days: SentDay[];
}

/** @throws MoveError where a day differs from what was sent */
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
  for (const { siteId, beforeMs } of expired) await target.expire(siteId, beforeMs);
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
    for (const { entry, ...where } of entries) {
      if (batch.lines.length === ROWS_AT_ONCE) await sendBatch();
      else if (batch.lines.length % ROWS_IN_A_ROW === 0) await breathe();
      const { line, checksum } = toRow(entry, where);
      batch.lines.push(line);
      sent.rows += 1;
      sent.sum ^= checksum;
    }
    batch.days.push({ ...day, events, ledger, sent });
  }

  /** Waits until the batch before is there, so that one is on its way and one is being gathered. */
  async function sendBatch(): Promise<void> {
    const full = batch;
    batch = { lines: [], days: [] };
    await underWay;
    underWay = settle(full);
    // Who sends the next batch, or is at the end, hears of a failure.
    underWay.catch(() => undefined);
  }

  async function settle({ lines, days: ended }: Batch): Promise<void> {
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

/** Rows of one month are one part of the table: an insert into many would be refused. */
function monthOf({ day }: SourceDay): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 7);
}
