import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DAY_MS } from '../../src/domain/clock.ts';
import { type Dimension, EVENT_DIMENSIONS } from '../../src/domain/dimensions.ts';
import type { ActivityItem, Filter, Scope, Store, StoredEvent } from '../../src/store/contract/store.ts';
import { DuckDb, type Row } from '../../src/store/drivers/duckdb.ts';
import { literal } from '../../src/store/drivers/duckdb-text.ts';
import { filePath } from '../../src/store/embedded/days/segment-files.ts';
import { FILE_COLUMNS, type FileRelation, hasColumn } from '../../src/store/embedded/tables/file-columns.ts';
import type { SegmentFiles } from '../../src/store/embedded/tables/segments.ts';
import { openStore } from '../../src/store/open.ts';
import { LATER_DIMENSIONS } from '../../src/store/reports/relations.ts';
import { temporaryFolder } from './paths.ts';

/** Days that are over: everything that reports say about them, and the files they are in. */

/** Opens the embedded engine; no test may corrupt its files without saying so. */
export function openEmbedded(dataDir: string): Promise<Store> {
  return openStore({
    dataDir,
    onBroken: (error) => {
      throw error;
    },
  });
}

const ACTIVITY_TYPES = [null, 'event', 'conversion', 'referral', 'bot'] as const;
const DIMENSIONS: readonly Dimension[] = [...EVENT_DIMENSIONS, 'prop:plan', 'bot'];

export interface Span {
  siteId: string;
  fromMs: number;
  toMs: number;
}

/** Numbers that come from rollups where there are some, and the same numbers from rows. */
export async function numbersOf(
  store: Store,
  span: Span,
  dimensions = DIMENSIONS,
): Promise<Record<string, unknown>> {
  return {
    ...(await numbersOfRollups(store, span, dimensions)),
    rows: await numbersWith(store, { ...span, filters: [EVERYTHING] }, dimensions),
  };
}

/** Numbers of whole days, which outlive the rows. */
export async function numbersOfRollups(
  store: Store,
  span: Span,
  dimensions = DIMENSIONS,
): Promise<Record<string, unknown>> {
  const days = Array.from(
    { length: (span.toMs - span.fromMs) / DAY_MS + 1 },
    (_, i) => span.fromMs + i * DAY_MS,
  );
  return {
    ...(await numbersWith(store, { ...span, filters: [] }, dimensions)),
    series: await store.reports.series({ siteId: span.siteId, filters: [] }, days),
  };
}

/** A filter that every page passes, which forces the answer to come from the rows. */
const EVERYTHING: Filter = { by: 'page', values: ['/nowhere'], negated: true };

async function numbersWith(
  store: Store,
  scope: Scope,
  dimensions: readonly Dimension[],
): Promise<Record<string, unknown>> {
  const numbers: Record<string, unknown> = { totals: await store.reports.totals(scope) };
  // Properties have no rollups.
  for (const by of dimensions.filter((each) => scope.filters.length > 0 || !each.startsWith('prop:')))
    numbers[by] = await store.reports.breakdown(scope, by, { limit: 1_000 });
  return numbers;
}

/** All items of the activity list of each type, and all pages of events, each page by page. */
export async function listsOf(store: Store, span: Span, limit: number): Promise<Record<string, unknown>> {
  const lists: Record<string, unknown> = {};
  for (const type of ACTIVITY_TYPES) {
    const items: ActivityItem[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.reports.listActivity(span, {
        type,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      items.push(...page.items);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    lists[String(type)] = withViewsNumbered(items.map((item) => (item.type === 'event' ? item.event : item)));
  }
  const events: StoredEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.events.page(span.siteId, { limit, ...(cursor === undefined ? {} : { cursor }) });
    events.push(...page.events);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  lists.pages = withViewsNumbered(events);
  return lists;
}

/** Replaces views by numbers in the order of the list: files keep which events are of one view, but not its hash. */
function withViewsNumbered<T extends object>(items: readonly T[]): unknown[] {
  const numbers = new Map<string, number>();
  return items.map((item) => {
    if (!('view' in item) || item.view === null) return item;
    const view = `${'visitor' in item ? item.visitor : ''} ${item.view}`;
    numbers.set(view, numbers.get(view) ?? numbers.size);
    return { ...item, view: numbers.get(view) };
  });
}

/** Everything that can be asked about a span, with lists in pages of a length. */
export async function answersOf(store: Store, span: Span, limit = 100): Promise<Record<string, unknown>> {
  return { ...(await numbersOf(store, span)), lists: await listsOf(store, span, limit) };
}

/** Dimensions of each kind: of events, of visits, of each file, and those that are computed. */
const SOME_DIMENSIONS: readonly Dimension[] = [
  ...(['page', 'exit', 'source', 'country', 'browser', 'event', 'prop:plan', 'bot'] as const),
];

/** Answers from each file of a span, for tests that ask often and change files as a whole. */
export async function someAnswersOf(store: Store, span: Span): Promise<Record<string, unknown>> {
  return { ...(await numbersOf(store, span, SOME_DIMENSIONS)), lists: await listsOf(store, span, 100) };
}

/** Makes the files of sealed days what an earlier release wrote: without the columns and rollups that came since. */
export async function asWrittenEarlier(dataDir: string): Promise<void> {
  const duck = await DuckDb.open({ ...{ memoryMib: 128, threads: 1 }, spillFolder: await temporaryFolder() });
  const db = new DatabaseSync(join(dataDir, 'events.db'));
  const later = LATER_DIMENSIONS.map(literal).join(', ');
  try {
    for (const { no, day, files } of db.prepare('SELECT no, day, files FROM segments').all()) {
      const written = JSON.parse(String(files)) as SegmentFiles;
      for (const relation of Object.keys(written) as FileRelation[]) {
        const file = join(dataDir, 'days', filePath({ no: Number(no), day: Number(day) }, relation));
        const columns = FILE_COLUMNS[relation].map(({ name }) => name);
        const kept = columns.filter((column) => hasColumn(relation, 1, column));
        const [copied] = await duck.rows(
          `COPY (SELECT ${kept.join(', ')} FROM read_parquet(${literal(file)})
             ${relation === 'rollups' ? `WHERE dimension NOT IN (${later})` : ''})
           TO ${literal(`${file}.earlier`)} (FORMAT parquet)`,
        );
        renameSync(`${file}.earlier`, file);
        const content = readFileSync(file);
        written[relation] = {
          ...{ bytes: content.length, rows: Number(copied?.Count) },
          sha256: hash('sha256', content),
        };
      }
      db.prepare('UPDATE segments SET files = ? WHERE no = ?').run(JSON.stringify(written), no ?? null);
    }
  } finally {
    db.close();
    duck.close();
  }
}

/** Lists the Parquet files of a data folder, by their paths within `days/`. */
export function dayFiles(dataDir: string): string[] {
  const folder = join(dataDir, 'days');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .sort();
}

/** Reads all rows with all columns of a data folder's Parquet files, by their paths within `days/`. */
export async function dayRows(dataDir: string): Promise<Map<string, Row[]>> {
  const duck = await DuckDb.open({
    ...{ memoryMib: 128, threads: 1 },
    spillFolder: await temporaryFolder(),
  });
  try {
    const rows = new Map<string, Row[]>();
    for (const name of dayFiles(dataDir))
      rows.set(name, await duck.rows(`FROM read_parquet(${literal(join(dataDir, 'days', name))})`));
    return rows;
  } finally {
    duck.close();
  }
}

/** Returns the text of all cells of a data folder's Parquet files, to search. */
export async function dayTexts(dataDir: string): Promise<Record<string, Buffer>> {
  const text = (rows: readonly Row[]) =>
    Buffer.from(
      JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    );
  return Object.fromEntries(
    [...(await dayRows(dataDir))].map(([name, rows]) => [`days/${name}`, text(rows)]),
  );
}
