import { DIMENSIONS, type Dimension } from '../../domain/dimensions.ts';

/**
 * The relations that every report is a question to. They are the same in every engine:
 *
 * - `events`: a row an event, with the columns of its visit repeated on it. Visits are the rows where `begins` holds.
 * - `bots`: a row a request by a declared crawler.
 * - `rollups`: a row a site, UTC day, dimension and value, for days that are over.
 * - `quarter_hours`: a row a site and quarter of an hour of a UTC day, for days that are over.
 *
 * A visitor, and so a visit, belongs to one UTC day. That is why numbers of days add up, visitors included.
 */
export type Relation = 'events' | 'bots' | 'rollups' | 'quarter_hours';

/** The types of columns, as engines spell them. A `map` is from the names of properties to their values as text. */
export type ColumnType = 'integer' | 'number' | 'text' | 'flag' | 'map';
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

const columns = (type: ColumnType, ...names: readonly string[]): Column[] =>
  names.map((name) => ({ name, type }));

/** The dimensions that may differ between the events of a visit, as columns. */
export const EVENT_COLUMNS = DIMENSIONS.filter((each) => each.of === 'event').map(
  ({ name }) => columnOf(name) ?? name,
);
/** The dimensions that are the same for all events of a visit, as columns. */
export const VISIT_COLUMNS = DIMENSIONS.filter((each) => each.of === 'visit').map(
  ({ name }) => columnOf(name) ?? name,
);

/** The column that marks the first row of its visit with the row's value in another column. */
export const firstWith = (column: string) => `first_${column}`;

/** Maximum visits of a day. The numbers of visits and visitors of a day begin at its multiple, so that days share none. */
export const NUMBERS_PER_DAY = 2 ** 32;

/** `received_at`, `visit_start` and `visit_end` are epoch milliseconds, `day` is days since 1970-01-01. */
export const EVENTS: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day', 'received_at', 'ordinal'),
  ...columns('text', ...EVENT_COLUMNS),
  ...columns('map', 'props'),
  // Numbers that no other visit and visitor of the site has.
  ...columns('integer', 'visit_no', 'visitor_no'),
  ...columns('integer', 'visit_start', 'visit_end', 'engaged'),
  // `lone`: the visitor has no other visit that day.
  ...columns('flag', 'bounce', 'lone', 'begins'),
  ...columns('flag', ...EVENT_COLUMNS.map(firstWith)),
  ...columns('text', ...VISIT_COLUMNS),
];

export const BOTS: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day', 'received_at', 'ordinal'),
  ...columns('text', 'bot', 'company', 'class', 'host', 'page'),
];

/** What is counted of every value. Visits, referrals, bounces and engaged time count where the visit began. */
export const MEASURES = [
  'visitors',
  'events',
  'pageviews',
  'visits',
  'referrals',
  'bounces',
  'engaged',
  'bots',
] as const;

export const ROLLUPS: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day'),
  ...columns('text', 'dimension', 'value', 'company'),
  ...columns('integer', ...MEASURES),
];

/** `first_seen` and `last_seen` count the visitors of the day whose first and last event the quarter has. */
export const QUARTER_MEASURES = [
  ...MEASURES.filter((name) => name !== 'visitors'),
  'first_seen',
  'last_seen',
] as const;

/** `quarter` is the instant at which the quarter of an hour begins. */
export const QUARTER_HOURS: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day', 'quarter', ...QUARTER_MEASURES),
];

export const RELATIONS: Readonly<Record<Relation, readonly Column[]>> = {
  events: EVENTS,
  bots: BOTS,
  rollups: ROLLUPS,
  quarter_hours: QUARTER_HOURS,
};

/** Whether a dimension is the same for all events of a visit. */
export function isOfVisits(by: Dimension): boolean {
  return DIMENSIONS.some(({ name, of }) => name === by && of === 'visit');
}

/** Returns the column of a dimension of events or visits; null for a property. */
export function columnOf(by: Exclude<Dimension, 'bot'>): string | null {
  if (by === 'event') return 'name';
  return DIMENSIONS.some(({ name }) => name === by) ? by : null;
}
