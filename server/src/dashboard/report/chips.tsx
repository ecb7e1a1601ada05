import type { VNode } from 'preact';
import type { GoalResult } from '../../app/goals.ts';
import { dimensionLabel } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueNameIn } from './filter-name.ts';
import { operatorName } from './filters.ts';
import type { Links } from './links.ts';
import { REPORT_TEXT } from './text.ts';

/** The active filters. Each can be negated or removed. */
export function Chips({
  data,
  links,
}: {
  data: { goals: readonly Pick<GoalResult, 'goal'>[] };
  links: Links;
}): VNode | null {
  const goals = data.goals.map(({ goal }) => goal);
  if (links.filters.length === 0) return null;
  const values = links.filters.reduce((sum, filter) => sum + filter.values.length, 0);
  return (
    <div class="chips">
      <ul aria-label={REPORT_TEXT.filters}>
        {links.filters.map((filter) => (
          <li class="chip">
            <span>{dimensionLabel(filter.by)}</span> <Operator filter={filter} links={links} />{' '}
            {filter.values.map((value, i) => (
              <>
                {i > 0 && <span> {REPORT_TEXT.or} </span>}
                <Value filter={filter} name={valueNameIn(filter, value, goals)} value={value} links={links} />
              </>
            ))}
          </li>
        ))}
      </ul>
      {values > 1 && <a href={links.with({ f: null })}>{REPORT_TEXT.clearAll}</a>}
    </div>
  );
}

function Operator({ filter, links }: { filter: ReportFilter; links: Links }): VNode {
  return (
    <a
      class="chip-how"
      href={links.withNegated(filter)}
      title={REPORT_TEXT.changeTo(operatorName({ ...filter, negated: !filter.negated }))}
    >
      {operatorName(filter)}
    </a>
  );
}

function Value({
  filter,
  name,
  value,
  links,
}: {
  filter: ReportFilter;
  name: string;
  value: string | null;
  links: Links;
}): VNode {
  return (
    <a class="chip-value" href={links.withoutValue(filter, value)}>
      <strong>
        <bdi>{name}</bdi>
      </strong>
      <span aria-hidden="true">✕</span>
      <span class="visually-hidden">{REPORT_TEXT.removeFilter}</span>
    </a>
  );
}
