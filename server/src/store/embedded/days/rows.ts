import { CHANNELS } from '../../../domain/channels.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import { isBounce } from '../../../domain/visit-rules.ts';
import type { Props } from '../../contract/store.ts';
import type { Cell, ColumnType } from '../../drivers/duckdb.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { NUMBERS_PER_DAY, VISIT_COLUMNS } from '../../reports/relations.ts';
import { PROFILE_COLUMNS, type Profile, type ProfileField } from '../../shared/profile.ts';
import { PARTS, PROFILE_PARTS, type ProfilePart, readCrawler } from '../tables/profile.ts';
import type { GrownVisit } from '../tables/visit-rows.ts';
import type { Texts } from './texts.ts';

/** The rows of a site's UTC day in the events file, in the form in which they are copied into DuckDB. */

/** A site's UTC day. `site` is the number of the site in the events file. */
export interface SiteDay {
  siteId: string;
  site: number;
  day: number;
}

/** The events file, read inside one transaction so that all rows are of one state. */
export interface Source {
  db: Database;
  texts: Texts;
}

export type Columns = Readonly<Record<string, ColumnType>>;

const SHARED_COLUMNS = { site: 'text', day: 'integer', visit: 'integer' } as const;

const OWN_COLUMNS: Columns = {
  ...SHARED_COLUMNS,
  ...{ received_at: 'integer', ordinal: 'integer' },
  ...{ name: 'text', host: 'text', page: 'text', props: 'map', value: 'number', currency: 'text' },
};

const VISIT_ROW_COLUMNS: Columns = {
  ...SHARED_COLUMNS,
  ...{ visit_no: 'integer', visitor_no: 'integer', visit_start: 'integer', first_ordinal: 'integer' },
  ...{ visit_end: 'integer', engaged: 'integer', events: 'integer', bounce: 'flag', lone: 'flag' },
  ...Object.fromEntries(VISIT_COLUMNS.map((name) => [name, 'text' as const])),
};

const BOT_ROW_COLUMNS: Columns = {
  ...{ site: 'text', day: 'integer', received_at: 'integer', ordinal: 'integer' },
  ...{ bot: 'text', company: 'text', class: 'text', host: 'text', page: 'text' },
};

export const COLUMNS = { events: OWN_COLUMNS, visits: VISIT_ROW_COLUMNS, bots: BOT_ROW_COLUMNS } as const;

/** A position among a site's rows of a day. */
export interface Position {
  at: number;
  n: number;
}

/** Rows of a query, which holds them in memory. */
const ROWS_AT_ONCE = 5_000;

type Rows = Generator<readonly Cell[], void, void>;
type NumberRow = readonly (number | null)[];
type NamedRow = Readonly<Record<string, unknown>>;

const span = ({ site, day }: SiteDay) => [site, day * DAY_MS, (day + 1) * DAY_MS] as const;

/** Yields the rows of a query page by page. `readAfter` reads the page after a key. */
function* paged<Row, Key>(
  after: Key,
  readAfter: (after: Key) => readonly Row[],
  keyOf: (row: Row) => Key,
): Generator<Row, void, void> {
  for (let from = after; ; ) {
    const rows = readAfter(from);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_AT_ONCE) return;
    from = keyOf(last);
  }
}

const EVENT = 'at, n, visit, name, host, path, props, value, currency';

/** Reads the events after a position, and calls `onRow` with the position of each. */
export function* eventsAfter(
  { db, texts }: Source,
  of: SiteDay,
  after: Position,
  onRow: (at: Position) => void,
): Rows {
  const select = prepared(
    db,
    `SELECT ${EVENT} FROM events
     WHERE site = ? AND at >= ? AND at < ? AND (at, n) > (?, ?) ORDER BY at, n LIMIT ${ROWS_AT_ONCE}`,
  );
  select.setReturnArrays(true);
  // With arrays switched on, rows are arrays of the columns.
  const read = ({ at, n }: Position) => select.all(...span(of), at, n) as unknown as NumberRow[];
  const position = ([at, n]: NumberRow) => ({ at: Number(at), n: Number(n) });
  for (const row of paged(after, read, position)) {
    onRow(position(row));
    yield eventRow(texts, of, row);
  }
}

/** The instants from one to another (both inclusive) in which some visits have events. */
export interface VisitSpan {
  fromMs: number;
  toMs: number;
  visits: number[];
}

/** Reads the events of visits. */
export function* eventsOfVisits(
  { db, texts }: Source,
  of: SiteDay,
  spans: readonly Readonly<VisitSpan>[],
): Rows {
  const select = prepared(
    db,
    `SELECT ${EVENT} FROM events
     WHERE site = ? AND at BETWEEN ? AND ? AND visit IN (SELECT value FROM json_each(?)) ORDER BY at, n`,
  );
  select.setReturnArrays(true);
  for (const { fromMs, toMs, visits } of spans) {
    const rows = select.iterate(of.site, fromMs, toMs, JSON.stringify(visits));
    for (const row of rows as unknown as Iterable<NumberRow>) yield eventRow(texts, of, row);
  }
}

function eventRow(
  texts: Texts,
  { siteId, day }: SiteDay,
  [at, n, visit, name, host, path, props, value, currency]: NumberRow,
): readonly Cell[] {
  const text = (id: number | null | undefined) => (id === null || id === undefined ? null : texts.text(id));
  return [
    ...[siteId, day, Number(visit), Number(at), Number(n)],
    ...[text(name), text(host), text(path)],
    props === null || props === undefined ? null : mapOf(texts.text(props)),
    ...[value ?? null, text(currency)],
  ];
}

/** Returns properties as reports read them: all values as text. */
export function mapOf(json: string): Readonly<Record<string, string>> {
  const props = JSON.parse(json) as Props; // as the writer stores it
  return Object.fromEntries(Object.entries(props).map(([name, value]) => [name, String(value)]));
}

/** Reads the bots' requests after a position, and calls `onRow` with the position of each. */
export function* botsAfter(
  { db, texts }: Source,
  of: SiteDay,
  after: Position,
  onRow: (at: Position) => void,
): Rows {
  const select = prepared(
    db,
    `SELECT at, n, crawler, host, path FROM bots
     WHERE site = ? AND at >= ? AND at < ? AND (at, n) > (?, ?) ORDER BY at, n LIMIT ${ROWS_AT_ONCE}`,
  );
  const read = ({ at, n }: Position): NamedRow[] => select.all(...span(of), at, n);
  const position = ({ at, n }: NamedRow) => ({ at: Number(at), n: Number(n) });
  for (const row of paged(after, read, position)) {
    const at = position(row);
    onRow(at);
    const { bot, company, botClass } = readCrawler(texts.text(Number(row.crawler)));
    const [host, page] = [texts.text(Number(row.host)), texts.text(Number(row.path))];
    yield [of.siteId, of.day, at.at, at.n, bot, company, botClass, host, page];
  }
}

/**
 * Reads the visits after a number, and those that grew. The state of a visit that grew is in the log, not in its row.
 *
 * @param grown the newest logged states, by number
 */
export function* visitsAfter(
  { db, texts }: Source,
  of: SiteDay,
  after: number,
  grown: ReadonlyMap<number, GrownVisit>,
): Rows {
  const columns = `no, first, channel, profile, start_at, start_n, end_at, entry, exit, pageviews, events, engaged, passive, referrer,
    agent, place`;
  const one = prepared(db, `SELECT ${columns} FROM visits WHERE site = ? AND day = ? AND no = ?`);
  for (const no of grown.keys()) {
    const row = no <= after ? one.get(of.site, of.day, no) : undefined;
    if (row !== undefined) yield visitRow(texts, of, row, grown.get(no));
  }
  const select = prepared(
    db,
    `SELECT ${columns} FROM visits WHERE site = ? AND day = ? AND no > ? ORDER BY no LIMIT ${ROWS_AT_ONCE}`,
  );
  const read = (no: number): NamedRow[] => select.all(of.site, of.day, no);
  const numberOf = ({ no }: NamedRow) => Number(no);
  for (const row of paged(after, read, numberOf)) yield visitRow(texts, of, row, grown.get(numberOf(row)));
}

/** The parts and fields of profiles by column. */
const PLACE_OF: ReadonlyMap<string, { part: ProfilePart; field: ProfileField }> = new Map(
  PARTS.flatMap((part) =>
    PROFILE_PARTS[part].map((field) => [PROFILE_COLUMNS[field], { part, field }] as const),
  ),
);

function visitRow(
  texts: Texts,
  { siteId, site, day }: SiteDay,
  row: NamedRow,
  grown: GrownVisit | undefined,
): readonly Cell[] {
  const number = (column: string) => Number(row[column]);
  const [no, first] = [number('no'), number('first')];
  const stored: GrownVisit = [
    ...([site, day, no, number('start_at'), number('start_n'), number('end_at')] as const),
    ...([number('entry'), number('exit'), number('pageviews'), number('events')] as const),
    ...([number('engaged'), number('passive')] as const),
  ];
  const [, , , startAt, startN, endAt, entry, exit, pageviews, events, engaged, passive] = grown ?? stored;
  const parts: Readonly<Record<ProfilePart, Partial<Profile>>> = {
    profile: texts.part('profile', number('profile')),
    agent: row.agent === null ? {} : texts.part('agent', number('agent')),
    place: row.place === null ? {} : texts.part('place', number('place')),
  };
  const others: Readonly<Record<string, string | null>> = {
    channel: CHANNELS[number('channel')] ?? null,
    entry: texts.text(entry),
    exit: texts.text(exit),
    visit_referrer: row.referrer === null ? null : texts.text(number('referrer')),
  };
  const dimensions = VISIT_COLUMNS.map((column) => {
    const found = PLACE_OF.get(column);
    return (found === undefined ? others[column] : parts[found.part][found.field]) ?? null;
  });
  return [
    ...[siteId, day, no, numberOn(day, no), numberOn(day, first)],
    ...[day * DAY_MS + startAt, startN, day * DAY_MS + endAt],
    ...[engaged, events, isBounce({ pageviews, events, passive, engaged }), first === no, ...dimensions],
  ];
}

/** The number of a visit or visitor of a day, which no other of the site has. */
export function numberOn(day: number, no: number): number {
  return day * NUMBERS_PER_DAY + no;
}
