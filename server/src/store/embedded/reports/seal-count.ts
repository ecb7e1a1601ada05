import { DAY_MS } from '../../../domain/clock.ts';
import { prepared } from '../../drivers/sqlite.ts';
import {
  type DimensionRollup,
  FACETS,
  NO_MEASURES,
  SEALED_FROM_CHANGES,
} from '../tables/dimension-rollups.ts';
import { conditionsOf } from './filters.ts';
import type { Reading } from './reading.ts';
import { scan } from './scan.ts';
import { daysOf } from './visit-days.ts';

/** A site's day that is over and worth a rollup. */
export interface SealableDay {
  siteId: string;
  day: number;
}

/** Days before one that are not sealed yet: large ones, or all of them for a site whose rows are about to go. */
export function sealableDays(
  { db }: Reading,
  { beforeDay, siteId }: { beforeDay: number; siteId: string | null },
): SealableDay[] {
  return prepared(
    db,
    `SELECT s.site, c.day FROM counters c JOIN sites s ON s.id = c.site
     WHERE c.day < :beforeDay AND c.changes >= :changes AND (:siteId IS NULL OR s.site = :siteId)
       AND NOT EXISTS (SELECT 1 FROM sealed x WHERE x.site = c.site AND x.day = c.day)
       AND NOT EXISTS (SELECT 1 FROM expired x WHERE x.site = c.site AND x.before_at > c.day * ${DAY_MS})
     ORDER BY c.day`,
  )
    .all({ beforeDay, changes: siteId === null ? SEALED_FROM_CHANGES : 0, siteId })
    .map((row) => ({ siteId: String(row.site), day: Number(row.day) }));
}

/** Counts a day in every way it is split by. */
export function countDimensionRollups(
  reading: Reading,
  { siteId, day }: SealableDay,
): { rows: DimensionRollup[]; changes: number } {
  const site = reading.texts.site(siteId);
  const [stored] = site === null ? [] : daysOf(reading.db, { site, firstDay: day, lastDay: day });
  if (site === null || stored === undefined) return { rows: [], changes: 0 };
  const boundariesMs = [day * DAY_MS, (day + 1) * DAY_MS];
  const conditions = conditionsOf([], reading.texts);
  const rows: DimensionRollup[] = [];
  for (const [dimension, by] of FACETS.entries()) {
    if (by === 'bot') continue;
    for (const [value, { index: _, ...numbers }] of scan(reading, { site, boundariesMs, conditions, by })
      .byKey) {
      rows.push({ dimension, value, ...numbers });
    }
  }
  return { rows: [...rows, ...countBots(reading, site, boundariesMs)], changes: stored.changes };
}

function countBots(
  { db }: Reading,
  site: number,
  [fromMs = 0, toMs = 0]: readonly number[],
): DimensionRollup[] {
  return prepared(
    db,
    'SELECT crawler, count(*) AS bots FROM bots WHERE site = ? AND at >= ? AND at < ? GROUP BY crawler',
  )
    .all(site, fromMs, toMs)
    .map((row) => ({
      dimension: FACETS.indexOf('bot'),
      value: Number(row.crawler),
      ...NO_MEASURES,
      bots: Number(row.bots),
    }));
}
