import { DAY_MS } from '../../../domain/clock.ts';
import type { Cell } from '../../drivers/duckdb.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import type { ProfilePart } from '../tables/profile.ts';
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
    ...{ value: 'number', currency: 'number32', view: 'integer', interactive: 'number32' },
  },
  visits: {
    ...columns('site', 'visit', 'first', 'start_at', 'start_n', 'end_at', 'channel', 'profile', 'width'),
    ...columns('entry', 'exit', 'pageviews', 'events'),
    ...{
      engaged: 'integer',
      passive: 'number32',
      visit_referrer: 'number32',
      agent: 'number32',
      place: 'number32',
    },
    visitor: 'integer',
  },
  leaves: {
    ...columns('site', 'visit', 'ms', 'page', 'scroll', 'vitals'),
    ...{ engaged: 'integer', view: 'integer' },
  },
  bots: columns('site', 'ms', 'n', 'crawler', 'host', 'page'),
} as const satisfies Readonly<Record<string, Columns>>;

/** The numbers of strings that rows name. */
export class UsedTexts {
  readonly texts = new Set<number>();
  readonly parts: Readonly<Record<ProfilePart, Set<number>>> = {
    profile: new Set(),
    agent: new Set(),
    place: new Set(),
  };
  readonly crawlers = new Set<number>();
  readonly props = new Set<number>();
}

type Rows = Generator<readonly Cell[], void, void>;
type Row = (number | bigint | string | null)[];

/** Reads the events of a day. */
export function* eventRows(db: Database, { site, day }: SiteDay, used: UsedTexts): Rows {
  const startMs = day * DAY_MS;
  const select = prepared(
    db,
    `SELECT site, visit, at - ${startMs}, n, name, host, path, query, referrer, nav, props, value, currency, CAST(view AS TEXT),
       interactive
     FROM events WHERE site = ? AND at >= ? AND at < ? ORDER BY at, n`,
  );
  select.setReturnArrays(true);
  // With arrays switched on, rows are arrays of the columns.
  for (const row of select.iterate(site, startMs, startMs + DAY_MS) as unknown as Iterable<Row>) {
    for (const i of [4, 5, 6, 7, 8, 9, 12]) use(used.texts, row[i]);
    use(used.props, row[10]);
    row[13] = large(row[13]);
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
       passive, referrer, agent, place, CAST(visitor AS TEXT) FROM visits WHERE site = ? AND day = ?`,
  );
  select.setReturnArrays(true);
  for (const row of select.iterate(site, day) as unknown as Iterable<Row>) {
    const visit = grown?.get(Number(row[1]));
    // In the order of the columns.
    if (visit !== undefined) row.splice(3, 3, ...visit.slice(3, 6));
    if (visit !== undefined) row.splice(9, 6, ...visit.slice(6, 12));
    use(used.parts.profile, row[7]);
    use(used.texts, row[9]);
    use(used.texts, row[10]);
    use(used.texts, row[15]);
    use(used.parts.agent, row[16]);
    use(used.parts.place, row[17]);
    row[18] = large(row[18]);
    yield row;
  }
}

/** Reads what was reported when views ended. */
export function* leaveRows(db: Database, { site, day }: SiteDay, used: UsedTexts): Rows {
  const select = prepared(
    db,
    `SELECT site, visit, at - ${day * DAY_MS}, path, scroll, vitals, engaged, CAST(view AS TEXT) FROM leaves
     WHERE site = ? AND day = ? ORDER BY visit, view`,
  );
  select.setReturnArrays(true);
  for (const row of select.iterate(site, day) as unknown as Iterable<Row>) {
    use(used.texts, row[3]);
    use(used.texts, row[5]);
    row[7] = large(row[7]);
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
  for (const row of select.iterate(site, startMs, startMs + DAY_MS) as unknown as Iterable<Row>) {
    use(used.crawlers, row[3]);
    use(used.texts, row[4]);
    use(used.texts, row[5]);
    yield row;
  }
}

function use(ids: Set<number>, id: Row[number] | undefined): void {
  if (typeof id === 'number') ids.add(id);
}

/** Converts an integer of 64 bits, which is read as text since not every one fits in a number. */
function large(text: Row[number] | undefined): bigint | null {
  return typeof text === 'string' ? BigInt(text) : null;
}
