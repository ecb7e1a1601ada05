import { type Column, type ColumnType, RELATIONS, type Relation } from '../../reports/relations.ts';
import { PROFILE_COLUMNS } from '../../shared/profile.ts';

/**
 * The files of a day: the relations of reports with more columns, and `leaves`, so that nothing known of an event is lost.
 * `leaves` has what was reported when a view ended; `visit_no` is null if the visitor had no visit that day.
 */
export type FileRelation = Relation | 'leaves';

const columns = (type: ColumnType, ...names: readonly string[]): Column[] =>
  names.map((name) => ({ name, type }));

/** The columns of an event that no report asks about. */
const EVENT_DETAILS: readonly Column[] = [
  ...columns('text', 'query', 'referrer', 'nav', 'props_json'),
  // The number of the view among those of its visit. Its hash would take most of the file.
  ...columns('integer', 'view'),
  ...columns('flag', 'interactive'),
];

/** The columns of a visit that no report asks about. */
const VISIT_DETAILS: readonly Column[] = [
  ...columns('integer', 'visitor', 'width'),
  ...columns(
    'text',
    ...Object.values(PROFILE_COLUMNS).filter(
      (column) => !RELATIONS.events.some(({ name }) => name === column),
    ),
  ),
];

export const LEAVES: readonly Column[] = [
  ...columns('text', 'site'),
  ...columns('integer', 'day', 'visit_no', 'view', 'received_at'),
  ...columns('text', 'page'),
  ...columns('integer', 'engaged', 'scroll'),
  ...columns('text', 'vitals'),
  ...columns('integer', 'view_bits'),
];

/**
 * How many bits of a view's hash are kept. With the visit, they identify a row of `leaves`, so that it is moved with the same id
 * before and after its day is archived.
 * Two views of a visit of 1,000 views share them once in two million such visits.
 */
export const VIEW_BITS = 40;

export const FILE_COLUMNS: Readonly<Record<FileRelation, readonly Column[]>> = {
  ...RELATIONS,
  events: [...RELATIONS.events, ...EVENT_DETAILS, ...VISIT_DETAILS],
  leaves: LEAVES,
};

/** The format of the files that are written. Format 1 lacks the columns of `SINCE_FORMAT_2`. */
export const FILE_FORMAT = 2;

/** The columns of events that files of format 1 lack. What they would say is unknown. */
const SINCE_FORMAT_2: ReadonlySet<string> = new Set([
  ...[
    'interactive',
    'visit_referrer',
    'utm_source',
    'utm_medium',
    'utm_content',
    'utm_term',
    'region',
    'city',
  ],
  ...['browser_version', 'os_version', 'language', 'screen'],
]);

/** Whether files of a format have a column. */
export function hasColumn(relation: FileRelation, format: number, column: string): boolean {
  return relation !== 'events' || format >= 2 || !SINCE_FORMAT_2.has(column);
}
