import { DAY_MS } from '../../../domain/clock.ts';
import type { Measures } from '../../../domain/measures.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import { prepared } from '../../drivers/sqlite.ts';
import { SLOT_MS, SLOTS_PER_DAY } from '../tables/profile.ts';
import { emptyCell, toMeasures } from './accumulator.ts';
import type { Reading } from './reading.ts';
import { daysOf, visitorsWithin } from './visit-days.ts';

/** Whether a question can be answered from the rollup by quarters of an hour. */
export function fitsQuarterHours(boundariesMs: readonly number[]): boolean {
  return boundariesMs.every((boundary) => boundary % SLOT_MS === 0);
}

/** What is summed up over slots, in the order of the columns. */
export const SLOT_COLUMNS = [
  'events',
  'pageviews',
  'bots',
  'visits',
  'referrals',
  'bounces',
  'engaged',
  'first_seen',
  'last_seen',
] as const;
type Column = (typeof SLOT_COLUMNS)[number];

/** Sums from the first slot up to each slot, so that any stretch is a subtraction. */
class SlotSums {
  readonly firstSlot: number;
  readonly endSlot: number;
  readonly #sums: Readonly<Record<Column, Float64Array>>;

  constructor(
    { db }: Reading,
    { site, fromSlot, toSlot }: { site: number; fromSlot: number; toSlot: number },
  ) {
    const select = prepared(
      db,
      `SELECT slot, ${SLOT_COLUMNS.join(', ')} FROM slots WHERE site = ? AND slot >= ? AND slot < ? ORDER BY slot`,
    );
    select.setReturnArrays(true);
    // With arrays switched on, rows are arrays of the columns, which are all numbers.
    const rows = select.all(site, fromSlot, toSlot) as unknown as number[][];
    // From the first that holds anything: a range may begin in 1970.
    this.firstSlot = rows[0]?.[0] ?? fromSlot;
    this.endSlot = (rows.at(-1)?.[0] ?? fromSlot - 1) + 1;
    const size = this.endSlot - this.firstSlot + 1;
    this.#sums = Object.fromEntries(SLOT_COLUMNS.map((column) => [column, new Float64Array(size)])) as Record<
      Column,
      Float64Array
    >;
    for (const [i, column] of SLOT_COLUMNS.entries()) {
      const sums = this.#sums[column];
      for (const row of rows) sums[(row[0] ?? 0) - this.firstSlot + 1] = row[i + 1] ?? 0;
      for (let slot = 1; slot < size; slot++) sums[slot] = (sums[slot] ?? 0) + (sums[slot - 1] ?? 0);
    }
  }

  of(column: Column, fromSlot: number, toSlot: number): number {
    return this.#upTo(column, toSlot) - this.#upTo(column, fromSlot);
  }

  #upTo(column: Column, slot: number): number {
    const at = Math.min(Math.max(slot, this.firstSlot), this.endSlot) - this.firstSlot;
    return this.#sums[column][at] ?? 0;
  }
}

/** Numbers per bucket; boundaries must lie on quarters of an hour. */
export function seriesFromRollups(
  reading: Reading,
  { site, boundariesMs }: { site: number; boundariesMs: readonly number[] },
): Measures[] {
  const fromMs = boundariesMs[0] ?? 0;
  const toMs = boundariesMs.at(-1) ?? 0;
  // Whole days: visitors at the edges are told from what was seen in the rest of their days.
  const sums = new SlotSums(reading, {
    site,
    fromSlot: Math.floor(fromMs / DAY_MS) * SLOTS_PER_DAY,
    toSlot: Math.ceil(toMs / DAY_MS) * SLOTS_PER_DAY,
  });
  return boundariesMs.slice(1).map((endMs, i) => {
    const from = (boundariesMs[i] ?? 0) / SLOT_MS;
    const to = endMs / SLOT_MS;
    return toMeasures({
      ...emptyCell(),
      events: sums.of('events', from, to),
      pageviews: sums.of('pageviews', from, to),
      bots: sums.of('bots', from, to),
      visits: sums.of('visits', from, to),
      referrals: sums.of('referrals', from, to),
      bounces: sums.of('bounces', from, to),
      engaged: sums.of('engaged', from, to),
      visitors: visitors(reading, { site, sums, from, to }),
    });
  });
}

/** Visitors of a stretch of slots, once per UTC day. */
function visitors(
  reading: Reading,
  { site, sums, from, to }: { site: number; sums: SlotSums; from: number; to: number },
): number {
  let total = 0;
  const end = Math.min(to, sums.endSlot);
  for (let slot = Math.max(from, sums.firstSlot); slot < end; ) {
    const dayStart = Math.floor(slot / SLOTS_PER_DAY) * SLOTS_PER_DAY;
    const dayEnd = dayStart + SLOTS_PER_DAY;
    if (from <= dayStart) {
      // All whole days in one go, and the beginning of the last: who was seen by then was first seen by then.
      total += sums.of('first_seen', dayStart, end);
      return total;
    }
    if (to >= dayEnd) {
      // The rest of a day: all but those who were last seen before.
      total += sums.of('first_seen', dayStart, dayEnd) - sums.of('last_seen', dayStart, from);
      slot = dayEnd;
      continue;
    }
    return total + visitorsInside(reading, { site, day: dayStart / SLOTS_PER_DAY, from, to });
  }
  return total;
}

/** Visitors of a stretch in the middle of a day. */
function visitorsInside(
  { db, visitDays }: Reading,
  { site, day, from, to }: { site: number; day: number; from: number; to: number },
): number {
  const [stored] = daysOf(db, { site, firstDay: day, lastDay: day });
  if (stored === undefined) return 0;
  const visits = visitDays.get(site, stored);
  const [fromMs, toMs] = [from * SLOT_MS, to * SLOT_MS];
  if (toMs - fromMs >= VISIT_GAP_MS) return visitorsWithin(visits, fromMs, toMs);
  const seen = prepared(db, 'SELECT DISTINCT visit FROM events WHERE site = ? AND at >= ? AND at < ?').all(
    site,
    fromMs,
    toMs,
  );
  return new Set(seen.map(({ visit }) => visits.first[Number(visit)])).size;
}
