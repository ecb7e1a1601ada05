import { DAY_MS } from '../../../domain/clock.ts';
import type { Cell } from '../../drivers/duckdb.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { GrownVisit } from '../tables/visit-rows.ts';
import type { Columns, SiteDay } from './rows.ts';

/**
 * The rows of a site's UTC day as they are in the events file: with numbers of sites and strings. Times are
 * milliseconds of the day.
 */

const columns = (...names: readonly string[]): Columns =>
  Object.fromEntries(names.map((name) => [name, 'number32' as const]));

export const ROW_COLUMNS = {
  events: {
    ...columns('site', 'visit', 'ms', 'n', 'name', 'host', 'page', 'query', 'referrer', 'nav', 'props'),
    ...{ value: 'number', currency: 'number32', view: 'number32' },
  },
  visits: {
    ...columns('site', 'visit', 'first', 'start_at', 'start_n', 'end_at', 'channel', 'profile', 'width'),
    ...columns('entry', 'exit', 'pageviews', 'events'),
    ...{ engaged: 'integer', visitor: 'integer' },
  },
  leaves: {
    ...columns('site', 'visit', 'view', 'ms', 'page'),
    ...{ engaged: 'integer', scroll: 'number32', vitals: 'number32' },
  },
  bots: columns('site', 'ms', 'n', 'crawler', 'host', 'page'),
} as const satisfies Readonly<Record<string, Columns>>;

/** The numbers of strings that rows name, and of views. */
export class UsedTexts {
  readonly texts = new Set<number>();
  readonly profiles = new Set<number>();
  readonly crawlers = new Set<number>();
  readonly props = new Set<number>();
  /** The views that events of a site name, by visit. */
  readonly views = new Map<number, Map<string, number>>();
}

type Rows = Generator<readonly Cell[], void, void>;
type NumberRow = (number | null)[];

/** Reads the events of a day. */
export function* eventRows(db: Database, { site, day }: SiteDay, used: UsedTexts): Rows {
  used.views.clear();
  const startMs = day * DAY_MS;
  const select = prepared(
    db,
    `SELECT site, visit, at - ${startMs}, n, name, host, path, query, referrer, nav, props, value, currency, CAST(view AS TEXT)
     FROM events WHERE site = ? AND at >= ? AND at < ? ORDER BY at, n`,
  );
  select.setReturnArrays(true);
  // With arrays switched on, rows are arrays of the columns, which are all numbers or null, but for the last one.
  for (const row of select.iterate(site, startMs, startMs + DAY_MS) as unknown as Iterable<NumberRow>) {
    for (const i of [4, 5, 6, 7, 8, 9, 12]) use(used.texts, row[i]);
    use(used.props, row[10]);
    const view = row[13] as unknown as string | null;
    if (view !== null) row[13] = numberOf(viewsOf(used, row[1] ?? 0), view);
    yield row;
  }
}

/** Reads the visits of a day. The state of a visit that grew is in the log, not in its row. */
export function* visitRows(
  db: Database,
  { site, day }: SiteDay,
  grown: ReadonlyMap<number, GrownVisit> | undefined,
  used: UsedTexts,
): Rows {
  const select = prepared(
    db,
    `SELECT site, no, first, start_at, start_n, end_at, channel, profile, width, entry, exit, pageviews, events, engaged,
       CAST(visitor AS TEXT) FROM visits WHERE site = ? AND day = ?`,
  );
  select.setReturnArrays(true);
  for (const row of select.iterate(site, day) as unknown as Iterable<(number | bigint | null)[]>) {
    const visit = grown?.get(Number(row[1]));
    // In the order of the columns.
    if (visit !== undefined) row.splice(3, 3, ...visit.slice(3, 6));
    if (visit !== undefined) row.splice(9, 5, ...visit.slice(6, 11));
    use(used.profiles, row[7] as number);
    use(used.texts, row[9] as number);
    use(used.texts, row[10] as number);
    row[14] = BigInt(row[14] as unknown as string);
    yield row;
  }
}

/** Reads what was reported when views ended. The views get numbers in place of their hashes. Events must be read before. */
export function* leaveRows(db: Database, { site, day }: SiteDay, used: UsedTexts): Rows {
  const select = prepared(
    db,
    `SELECT site, visit, CAST(view AS TEXT), at - ${day * DAY_MS}, path, engaged, scroll, vitals FROM leaves
     WHERE site = ? AND day = ? ORDER BY visit, view`,
  );
  select.setReturnArrays(true);
  let visit = -1;
  let views = new Map<string, number>();
  for (const row of select.iterate(site, day) as unknown as Iterable<NumberRow>) {
    if (row[1] !== visit) {
      visit = row[1] ?? 0;
      views = used.views.get(visit) ?? new Map();
    }
    const view = row[2] as unknown as string;
    row[2] = view === '0' ? null : numberOf(views, view);
    use(used.texts, row[4]);
    use(used.texts, row[7]);
    yield row;
  }
}

/** Reads the bots' requests of a day. */
export function* botRows(db: Database, { site, day }: SiteDay, used: UsedTexts): Rows {
  const startMs = day * DAY_MS;
  const select = prepared(
    db,
    `SELECT site, at - ${startMs}, n, crawler, host, path FROM bots WHERE site = ? AND at >= ? AND at < ? ORDER BY at, n`,
  );
  select.setReturnArrays(true);
  for (const row of select.iterate(site, startMs, startMs + DAY_MS) as unknown as Iterable<NumberRow>) {
    use(used.crawlers, row[3]);
    use(used.texts, row[4]);
    use(used.texts, row[5]);
    yield row;
  }
}

function use(ids: Set<number>, id: number | null | undefined): void {
  if (id !== null && id !== undefined) ids.add(id);
}

function viewsOf(used: UsedTexts, visit: number): Map<string, number> {
  const known = used.views.get(visit) ?? new Map<string, number>();
  used.views.set(visit, known);
  return known;
}

/** Returns the number of a view among those of its visit. */
function numberOf(views: Map<string, number>, view: string): number {
  const number = views.get(view) ?? views.size + 1;
  views.set(view, number);
  return number;
}
