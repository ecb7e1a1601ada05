import { dimensionLabel } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueName } from '../../domain/value-names.ts';
import type { Goal } from '../../store/contract/store.ts';
import { isolated } from '../kit/format.ts';
import { operatorName } from './filters.ts';
import { goalName } from './goal-name.ts';
import { REPORT_TEXT } from './text.ts';

/** Returns how a filter's value is shown. */
export function valueNameIn(filter: ReportFilter, value: string | null, goals: readonly Goal[]): string {
  if (filter.operator === 'contains') return value ?? '';
  const goal =
    filter.by === 'goal' ? goals.find(({ id, pattern }) => id === value || pattern === value) : undefined;
  return goal === undefined ? valueName(filter.by, value) : goalName(goal);
}

/** Returns a filter in words: `Country is Germany or France`. */
export function filterName(filter: ReportFilter, goals: readonly Goal[]): string {
  const values = filter.values.map((value) => isolated(valueNameIn(filter, value, goals)));
  return `${dimensionLabel(filter.by)} ${operatorName(filter)} ${values.join(` ${REPORT_TEXT.or} `)}`;
}
