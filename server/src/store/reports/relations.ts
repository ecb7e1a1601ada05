import { DIMENSIONS, type Dimension, listedDimension } from '../../domain/dimensions.ts';
import { VITALS } from '../../domain/vitals.ts';

/**
 * The relations that every report is a question to. They are the same in every engine:
 *
 * - `events`: a row an event, with the columns of its visit repeated on it. Visits are the rows where `begins` holds.
 * - `bots`: a row a request by a declared crawler.
 * - `rollups`: a row a site, UTC day, dimension and value, for days that are over.
 * - `quarter_hours`: a row a site and quarter of an hour of a UTC day, for days that are over.
 * - `views`: a row a view that ended, with the columns of its visit. It is made when it is asked for.
 *
 * A visitor, and so a visit, belongs to one UTC day. That is why numbers of days add up, visitors included.
 */
export type Relation = 'events' | 'bots' | 'rollups' | 'quarter_hours';
/** The relations that a statement may read: those above, whose rows are stored, and `views`. */
export type AskedRelation = Relation | 'views';

/** The types of columns, as engines spell them. A `map` is from the names of properties to their values as text. */
export type ColumnType = 'integer' | 'number' | 'text' | 'flag' | 'map';
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

const columns = (type: ColumnType, ...names: readonly string[]): Column[] =>
  names.map((name) => ({ name, type }));

/** The columns that are not named like their dimension. `referrer` is that of an event, `visit_referrer` that of the first one. */
const OTHER_COLUMNS: Readonly<Partial<Record<string, string>>> = {
  event: 'name',
  referrer: 'visit_referrer',
  utm_campaign: 'campaign',
};

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
  ...columns('number', 'value'),
  ...columns('text', 'currency'),
  // Numbers that no other visit and visitor of the site has.
  ...columns('integer', 'visit_no', 'visitor_no'),
  ...columns('integer', 'visit_start', 'visit_end', 'engaged'),
  // `lone`: the visitor has no other visit that day.
  ...columns('flag', 'bounce', 'lone', 'begins'),
  ...columns('flag', ...EVENT_COLUMNS.map(firstWith)),
  ...columns('text', ...VISIT_COLUMNS),
];

/** Above all numbers of visits and visitors, whatever their day: two to the power of 52, days being less than 2 ** 20. */
const NUMBERS_OF_SITE = 2n ** 52n;

/**
 * Returns the query for `events` of several sites, whose numbers of visits and visitors differ from those of the other sites.
 *
 * @param events a query for the events of these sites, whose numbers differ within each
 */
export function ownNumbers(
  events: string,
  siteIds: readonly string[],
  literal: (text: string) => string,
): string {
  if (siteIds.length === 1) return events;
  const places = siteIds.map((siteId, i) => `WHEN ${literal(siteId)} THEN ${NUMBERS_OF_SITE * BigInt(i)}`);
  const columns = EVENTS.map(({ name }) =>
    name === 'visit_no' || name === 'visitor_no'
      ? `single.${name} + CASE single.site ${places.join(' ')} ELSE 0 END AS ${name}`
      : `single.${name} AS ${name}`,
  );
  return `SELECT ${columns.join(', ')} FROM (${events}) AS single`;
}

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

/**
 * `received_at` is when its end was last reported. `page` never is unknown; `scroll` and vitals are, where they were not measured.
 * The columns of the visit are unknown if the visitor had none before the view ended.
 */
export const VIEWS: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day', 'received_at'),
  ...columns('text', 'page'),
  ...columns('integer', 'scroll'),
  ...columns('number', ...VITALS.map(({ name }) => name)),
  ...columns('text', ...VISIT_COLUMNS),
];

export const RELATIONS: Readonly<Record<Relation, readonly Column[]>> = {
  events: EVENTS,
  bots: BOTS,
  rollups: ROLLUPS,
  quarter_hours: QUARTER_HOURS,
};

/** Whether a dimension is the same for all events of a visit. */
export function isOfVisits(by: Dimension): boolean {
  return listedDimension(by)?.of === 'visit';
}

/** Returns the column of a dimension of events or visits; null for a property. */
export function columnOf(by: Exclude<Dimension, 'bot'>): string | null {
  const name = listedDimension(by)?.name ?? null;
  return (name === null ? null : OTHER_COLUMNS[name]) ?? name;
}

/** Returns the name of a dimension in `rollups`; null if it has none. */
export function rollupOf(by: Exclude<Dimension, 'bot'>): string | null {
  const name = listedDimension(by)?.name ?? null;
  return name === 'utm_campaign' ? 'campaign' : name;
}

/** The dimensions of which days that were sealed by an earlier release have no rollups. */
export const LATER_DIMENSIONS: readonly Dimension[] = [
  ...(['referrer', 'utm_source', 'utm_medium', 'utm_content', 'utm_term', 'region', 'city'] as const),
  ...(['screen', 'browser_version', 'os_version', 'language'] as const),
];
