import type { Entry, KeyUse, LedgerLine } from './store.ts';

/**
 * Moving everything from a data folder into the databases of the scaled-out shape, beside a server that goes on accepting.
 *
 * Events go a site's day at a time. Each row has an id that is made of where it stood, so that sending it again changes
 * nothing; what was counted of the day is then set, not added. A day is remembered by a mark that changes with every change
 * of it: moving again sends only the days that changed. After the server was stopped the last time takes moments.
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
  checksum(siteId: string, day: number): Promise<Checksum>;
}

export interface CountTarget {
  /** Marks of the days that are there, by `dayName`. @throws MoveError where the counts are in use */
  begin(): Promise<ReadonlyMap<string, string>>;
  set(day: SourceDay, content: Pick<DayContent, 'ledger' | 'events'>): Promise<void>;
  finish(
    keyUse: readonly (KeyUse & { siteId: string })[],
    expired: readonly { siteId: string; beforeMs: number }[],
  ): Promise<void>;
}

/** Rows sent at once: one block of the server. */
const ROWS_AT_ONCE = 10_000;

export const dayName = ({ siteId, day }: { siteId: string; day: number }) => `${day} ${siteId}`;

/** What was moved. */
export interface Moved {
  days: number;
  /** Days that had not changed since they were moved. */
  unchanged: number;
  rows: number;
  events: number;
}

/**
 * @param toRow the row of an entry as a line of JSON
 * @param checksumOf what `RowTarget.checksum` answers for such rows
 * @throws MoveError where a day differs from what was sent
 */
export async function moveEvents({
  from,
  rows: target,
  counts,
  toRow,
  checksumOf,
  onProgress,
}: {
  from: EventSource;
  rows: RowTarget;
  counts: CountTarget;
  toRow: (entry: Entry, where: { eventId: string; ordinal: number }) => string;
  checksumOf: (row: string) => bigint;
  onProgress: (doneDays: number, allDays: number) => void;
}): Promise<Moved> {
  const there = await counts.begin();
  const expired = from.expired();
  for (const { siteId, beforeMs } of expired) await target.expire(siteId, beforeMs);
  const days = from.days();
  const moved = { days: 0, unchanged: 0, rows: 0, events: 0 };
  for (const [i, day] of days.entries()) {
    moved.events += day.events;
    if (there.get(dayName(day)) === day.mark) moved.unchanged += 1;
    else {
      moved.rows += await from.read(day, async (content) => {
        const sent = await sendRows(day, content.entries);
        const kept = await target.checksum(day.siteId, day.day);
        if (kept.rows !== sent.rows || kept.sum !== sent.sum)
          throw new MoveError(
            `Of the ${sent.rows} rows of ${day.siteId} on day ${day.day}, ClickHouse holds ${kept.rows}, or others.`,
          );
        await counts.set(day, content);
        return sent.rows;
      });
      moved.days += 1;
    }
    onProgress(i + 1, days.length);
  }
  await counts.finish(from.keyUse(), expired);
  return moved;

  async function sendRows(
    { siteId, day, mark }: SourceDay,
    entries: Iterable<MovedEntry>,
  ): Promise<Checksum> {
    const sent = { rows: 0, sum: 0n };
    let lines: string[] = [];
    const send = async () => {
      if (lines.length > 0)
        await target.insert({ id: `move.${siteId}.${day}.${mark}.${sent.rows}`, rows: lines.join('\n') });
      lines = [];
    };
    for (const { entry, ...where } of entries) {
      const row = toRow(entry, where);
      lines.push(row);
      sent.rows += 1;
      sent.sum ^= checksumOf(row);
      if (lines.length === ROWS_AT_ONCE) await send();
    }
    await send();
    return sent;
  }
}
