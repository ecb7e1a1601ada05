import type { ViewDimension } from '../../domain/dimensions.ts';
import { VITALS, type ViewFigures, type VitalName } from '../../domain/vitals.ts';
import { type RowPaging, type Scope, sitesIn, type ViewsRow } from '../contract/store.ts';
import { keptBy, keyOf } from './conditions.ts';
import { idsOf, type StoredDay, spanOf } from './questions.ts';
import { type Ranking, ranked } from './ranking.ts';
import { type Statement, Values } from './statement.ts';

/** The question about views that ended: how far visitors scrolled, and web vitals. */

/** Returns the expression of the 75th percentile by nearest rank of a group's known values of a column. */
export type P75 = (column: string) => string;

const BY_VIEWS: Ranking = { size: 'ended', more: 'scrolled', isListed: 'ended > 0' };

/** Counts views by the values of a dimension, and returns one page; or all of them in one row, if there is no dimension. */
export function countViews(
  scope: Scope,
  by: ViewDimension | null,
  { paging, days, p75 }: { paging: RowPaging; days: readonly StoredDay[]; p75: P75 },
): Statement | null {
  if (days.length === 0) return null;
  const values = new Values();
  const figures = VITALS.flatMap(({ name, good, poor }) => [
    `count(${name}) AS ${name}_samples`,
    `count(*) FILTER (WHERE ${name} <= ${good}) AS ${name}_good`,
    `count(*) FILTER (WHERE ${name} > ${poor}) AS ${name}_poor`,
    `${p75(name)} AS ${name}_p75`,
  ]);
  const counted = `SELECT ${by === null ? '' : `${keyOf(by, sitesIn(scope), values)} AS key, `}count(*) AS ended, count(scroll) AS scrolled,
      sum(scroll) AS scroll_sum, ${figures.join(', ')}
    FROM views WHERE ${keptBy(scope, values)} AND ${spanOf(scope, values)('received_at')}`;
  return {
    siteIds: idsOf(scope),
    from: { views: days },
    sql: by === null ? counted : ranked(`${counted} GROUP BY key`, paging, values, { by, ranking: BY_VIEWS }),
    values: values.all,
  };
}

/** Converts a row of the answer. */
export function viewsRow(row: Readonly<Record<string, unknown>>): ViewsRow {
  return {
    value: row.key === null || row.key === undefined ? null : String(row.key),
    ...viewFigures(row),
  };
}

/** The figures of no views. */
const NO_VIEWS = viewFigures({});

/** Converts the only row of the answer without a dimension. */
export function allViews([row]: readonly Readonly<Record<string, unknown>>[]): ViewsRow {
  return { value: null, ...(row === undefined ? NO_VIEWS : viewFigures(row)) };
}

function viewFigures(row: Readonly<Record<string, unknown>>): ViewFigures {
  const number = (column: string) => Number(row[column] ?? 0);
  const vitals = VITALS.map(({ name }) => {
    const [samples, good, poor] = [number(`${name}_samples`), number(`${name}_good`), number(`${name}_poor`)];
    const p75 = samples === 0 ? null : number(`${name}_p75`);
    return [name, { p75, samples, good, needsImprovement: samples - good - poor, poor }];
  });
  return {
    ...{ views: number('ended'), scrolled: number('scrolled'), scrollSum: number('scroll_sum') },
    vitals: Object.fromEntries(vitals) as Record<VitalName, ViewFigures['vitals'][VitalName]>, // one for each of `VITALS`
  };
}
