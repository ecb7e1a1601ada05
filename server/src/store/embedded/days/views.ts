import { VITALS } from '../../../domain/vitals.ts';
import { VIEWS, VISIT_COLUMNS } from '../../reports/relations.ts';

/** The queries that make the relation `views` of what is stored: what was reported when views ended, and the visits. */

/** The columns of the file of leaves that `views` needs. */
export const LEAVES_IN_FILES = [
  'site',
  'day',
  'visit_no',
  'received_at',
  'page',
  'scroll',
  'vitals',
] as const;

/** Returns the query for leaves with each web vital in a column, from a query for rows of files. */
export function leavesOfFiles(leaves: string): string {
  const vitals = VITALS.map(({ name }, i) => `TRY_CAST(found[${i + 1}] AS DOUBLE) AS ${name}`);
  const paths = VITALS.map(({ name }) => `'$.${name}'`);
  // All at once, so that each text is parsed once.
  return `SELECT *, ${vitals.join(', ')} FROM (
      SELECT *, json_extract_string(vitals, [${paths.join(', ')}]) AS found FROM (${leaves}))`;
}

/**
 * Returns the query for `views`.
 *
 * @param leaves a query with the columns of `views` that are not of the visit, and `visit_no`
 * @param visits a query with one row a visit, `site`, `visit_no` and the columns of visits; null if there are no visits
 */
export function viewsOf(leaves: string, visits: string | null): string {
  const ofVisit = (name: string) => VISIT_COLUMNS.some((column) => column === name);
  const selected = VIEWS.map(({ name }) => {
    if (!ofVisit(name)) return `l.${name} AS ${name}`;
    return `${visits === null ? 'NULL::VARCHAR' : `v.${name}`} AS ${name}`;
  });
  const join =
    visits === null ? '' : `LEFT JOIN (${visits}) AS v ON v.site = l.site AND v.visit_no = l.visit_no`;
  return `SELECT ${selected.join(', ')} FROM (${leaves}) AS l ${join}`;
}
