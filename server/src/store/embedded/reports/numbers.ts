import type { Measures } from '../../../domain/measures.ts';
import type { Scope } from '../../contract/store.ts';
import { prepared } from '../../drivers/sqlite.ts';
import { SLOT_MS } from '../tables/profile.ts';
import { addCell, emptyCell, toMeasures } from './accumulator.ts';
import { conditionsOf } from './filters.ts';
import type { Reading } from './reading.ts';
import { fitsQuarterHours, seriesFromRollups } from './rollup-series.ts';
import { scan } from './scan.ts';

/** Totals are a series of one bucket. */
export function totals(reading: Reading, { fromMs, toMs, ...scope }: Scope): Measures {
  return series(reading, scope, [fromMs, toMs])[0] ?? toMeasures(emptyCell());
}

export function series(
  reading: Reading,
  { siteId, filters }: Pick<Scope, 'siteId' | 'filters'>,
  boundariesMs: readonly number[],
): Measures[] {
  const nothing = boundariesMs.slice(1).map(() => toMeasures(emptyCell()));
  const site = reading.texts.site(siteId);
  if (site === null) return nothing;
  if (filters.length === 0) {
    const rounded = roundedUp(reading, site, boundariesMs);
    if (fitsQuarterHours(rounded)) return seriesFromRollups(reading, { site, boundariesMs: rounded });
  }
  const conditions = conditionsOf(filters, reading.texts);
  const cells = scan(reading, { site, boundariesMs, conditions, by: null });
  return nothing.map((_, bucket) => {
    const cell = emptyCell();
    addCell(cell, cells.at(bucket));
    // Filters are about people.
    if (!conditions.any)
      cell.bots = botVisits(reading, site, boundariesMs[bucket] ?? 0, boundariesMs[bucket + 1] ?? 0);
    return toMeasures(cell);
  });
}

/** Boundaries with the last one at the end of its quarter of an hour, where nothing came in between: the end is mostly now. */
function roundedUp({ db }: Reading, site: number, boundariesMs: readonly number[]): readonly number[] {
  const endMs = boundariesMs.at(-1) ?? 0;
  const roundMs = Math.ceil(endMs / SLOT_MS) * SLOT_MS;
  if (roundMs === endMs) return boundariesMs;
  const between = prepared(
    db,
    `SELECT 1 FROM events WHERE site = :site AND at >= :endMs AND at < :roundMs
     UNION ALL SELECT 1 FROM bots WHERE site = :site AND at >= :endMs AND at < :roundMs LIMIT 1`,
  ).get({ site, endMs, roundMs });
  return between === undefined ? [...boundariesMs.slice(0, -1), roundMs] : boundariesMs;
}

function botVisits({ db }: Reading, site: number, fromMs: number, toMs: number): number {
  return Number(
    prepared(db, 'SELECT count(*) AS bots FROM bots WHERE site = ? AND at >= ? AND at < ?').get(
      site,
      fromMs,
      toMs,
    )?.bots,
  );
}
