import { DAY_MS } from '../../../domain/clock.ts';
import type { Dimension } from '../../../domain/dimensions.ts';
import type { BreakdownRow, Scope } from '../../contract/store.ts';
import { prepared } from '../../drivers/sqlite.ts';
import { rank } from '../../shared/rank.ts';
import { FACETS } from '../tables/dimension-rollups.ts';
import { readCrawler } from '../tables/profile.ts';
import { Accumulator, addCell, type Key, toMeasures } from './accumulator.ts';
import { type Conditions, conditionsOf } from './filters.ts';
import type { Reading } from './reading.ts';
import { scan } from './scan.ts';

/** Dimensions whose keys are numbers of texts; the keys of the others are the texts themselves. */
const KEYED_BY_NUMBER: readonly Dimension[] = ['page', 'entry', 'exit', 'host', 'event'];

export function breakdown(
  reading: Reading,
  { siteId, fromMs, toMs, filters }: Scope,
  by: Dimension,
  options: { limit: number; cursor?: string },
): { rows: BreakdownRow[]; nextCursor: string | null } {
  const site = reading.texts.site(siteId);
  if (site === null || fromMs >= toMs) return { rows: [], nextCursor: null };
  const conditions = conditionsOf(filters, reading.texts);
  const span = { site, fromMs, toMs };
  if (by === 'bot') return rank(conditions.any ? [] : bots(reading, span), textOf(reading, by), options);
  const counted = cellsOf(reading, { ...span, by, conditions });
  return rank(
    [...counted.byKey].map(([key, cell]) => ({ key, measures: toMeasures(cell) })),
    textOf(reading, by),
    options,
  );
}

function textOf({ texts }: Reading, by: Dimension): (key: Key) => string | null {
  const isNumbered = KEYED_BY_NUMBER.includes(by);
  return (key) => (isNumbered && typeof key === 'number' ? texts.text(key) : (key as string | null)); // see KEYED_BY_NUMBER
}

interface Span {
  site: number;
  fromMs: number;
  toMs: number;
}

function cellsOf(
  reading: Reading,
  { site, fromMs, toMs, by, conditions }: Span & { by: Exclude<Dimension, 'bot'>; conditions: Conditions },
): Accumulator {
  const dimension = (FACETS as readonly string[]).indexOf(by);
  const sealed = dimension === -1 || conditions.any ? [] : sealedDays(reading, { site, fromMs, toMs });
  const cells = scan(reading, {
    site,
    boundariesMs: [fromMs, toMs],
    conditions,
    by,
    skipDays: new Set(sealed),
  });
  for (const { firstDay, lastDay } of runsOf(sealed)) {
    const isNumbered = KEYED_BY_NUMBER.includes(by);
    for (const row of reading.facetSums.get({ site, dimension, firstDay, lastDay })) {
      const known = isNumbered ? row.value : reading.texts.text(row.value);
      addCell(cells.at(row.value === 0 ? null : known), row);
    }
  }
  return cells;
}

/** Days of a span that are sealed and wholly in it, oldest first. */
function sealedDays({ db }: Reading, { site, fromMs, toMs }: Span): number[] {
  return prepared(db, 'SELECT day FROM sealed WHERE site = ? AND day >= ? AND day < ? ORDER BY day')
    .all(site, Math.ceil(fromMs / DAY_MS), Math.floor(toMs / DAY_MS))
    .map(({ day }) => Number(day));
}

/** Days that follow each other, as ranges. */
function runsOf(days: readonly number[]): { firstDay: number; lastDay: number }[] {
  const runs: { firstDay: number; lastDay: number }[] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.lastDay === day - 1) run.lastDay = day;
    else runs.push({ firstDay: day, lastDay: day });
  }
  return runs;
}

/** Bot visits by name and company. */
function bots(reading: Reading, { site, fromMs, toMs }: Span) {
  const sealed = sealedDays(reading, { site, fromMs, toMs });
  const runs = runsOf(sealed);
  const found = runs.flatMap(({ firstDay, lastDay }) =>
    reading.facetSums
      .get({ site, dimension: FACETS.indexOf('bot'), firstDay, lastDay })
      .map(({ value, bots }) => ({ crawler: value, visits: bots })),
  );
  const select = prepared(
    reading.db,
    'SELECT crawler, count(*) AS visits FROM bots WHERE site = ? AND at >= ? AND at < ? GROUP BY crawler',
  );
  for (const { from, to } of gapsBetween(runs, fromMs, toMs)) {
    for (const row of select.all(site, from, to)) {
      found.push({ crawler: Number(row.crawler), visits: Number(row.visits) });
    }
  }
  const cells = new Accumulator();
  const companies = new Map<string, string | null>();
  for (const { crawler, visits } of found) {
    const { bot, company } = readCrawler(reading.texts.text(crawler));
    companies.set(bot, company ?? companies.get(bot) ?? null);
    cells.at(bot).bots += visits;
  }
  return [...cells.byKey].map(([key, cell]) => ({
    key,
    measures: toMeasures(cell),
    company: companies.get(String(key)) ?? null,
  }));
}

/** The rest of a span beside the runs of days in it. */
function gapsBetween(
  runs: readonly { firstDay: number; lastDay: number }[],
  fromMs: number,
  toMs: number,
): { from: number; to: number }[] {
  const starts = [fromMs, ...runs.map(({ lastDay }) => (lastDay + 1) * DAY_MS)];
  const ends = [...runs.map(({ firstDay }) => firstDay * DAY_MS), toMs];
  return starts.map((from, i) => ({ from, to: ends[i] ?? toMs })).filter(({ from, to }) => from < to);
}
