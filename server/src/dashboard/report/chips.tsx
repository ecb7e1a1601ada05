import type { VNode } from 'preact';
import type { GoalResult } from '../../app/goals.ts';
import { dimensionLabel } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { FilterFields } from './filter-fields.tsx';
import { shownValues } from './filter-form.ts';
import { valueNameIn } from './filter-name.ts';
import { operatorName } from './filters.ts';
import type { Links } from './links.ts';
import { REPORT_TEXT } from './text.ts';

/** The active filters. Each can be changed in place, and each of its values can be removed. */
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
        {links.filters.map((filter, i) => {
          const names = filter.values.map((value) => valueNameIn(filter, value, goals));
          return (
            <li class="chip">
              <Editor position={i} filter={filter} names={names} links={links} />{' '}
              {filter.values.map((value, no) => (
                <>
                  {no > 0 && <span> {REPORT_TEXT.or} </span>}
                  <Value filter={filter} name={names[no] ?? ''} value={value} links={links} />
                </>
              ))}
            </li>
          );
        })}
      </ul>
      {values > 1 && <a href={links.with({ f: null })}>{REPORT_TEXT.clearAll}</a>}
    </div>
  );
}

/** The menu with the form that changes a filter. The rest of the URL stays as it is. */
function Editor({
  position,
  filter,
  names,
  links,
}: {
  position: number;
  filter: ReportFilter;
  names: readonly string[];
  links: Links;
}): VNode {
  return (
    <details class="menu chip-menu" name="filters" data-menu>
      <summary>
        <span class="visually-hidden">{REPORT_TEXT.editFilter} </span>
        <bdi>{dimensionLabel(filter.by)}</bdi> {operatorName(filter)}
      </summary>
      <div class="menu-body">
        <form method="get" action={links.base} class="filter-form" data-suggest={links.suggestions}>
          {links.hiddenWithout(filter).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <input type="hidden" name="add" value={filter.by} />
          <input type="hidden" name="edit" value={position} />
          <FilterFields
            id={`filter-${position}`}
            kind={filter}
            values={shownValues(filter, names)}
            hint={REPORT_TEXT.editHint}
          />
          <p class="chip-end">
            <button type="submit" class="primary small">
              {REPORT_TEXT.apply}
            </button>
            <a href={links.without(filter)}>{REPORT_TEXT.removeWholeFilter}</a>
          </p>
        </form>
      </div>
    </details>
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
      <span class="visually-hidden">
        {filter.values.length > 1 ? REPORT_TEXT.removeValue : REPORT_TEXT.removeFilter}
      </span>
    </a>
  );
}
