import type { VNode } from 'preact';
import { VALUES_SEARCHED_MAX } from '../../app/reports/filters.ts';
import { dimensionLabel } from '../../domain/dimensions.ts';
import type { ReportFilter } from '../../domain/filters.ts';
import { valueName } from '../../domain/value-names.ts';
import { whole } from '../kit/format.ts';
import type { ReportData } from './data.ts';
import { operatorName } from './filters.ts';
import type { Links } from './links.ts';
import { REPORT_TEXT } from './text.ts';

/** The active filters. Each can be negated or removed. */
export function Chips({ data: { cut }, links }: { data: ReportData; links: Links }): VNode | null {
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
                <Value filter={filter} value={value} links={links} />
              </>
            ))}
          </li>
        ))}
      </ul>
      {values > 1 && <a href={links.with({ f: null })}>{REPORT_TEXT.clearAll}</a>}
      {cut.map((filter) => (
        <p class="hint">
          {REPORT_TEXT.cut(
            `${dimensionLabel(filter.by)} ${operatorName(filter)}`,
            whole(VALUES_SEARCHED_MAX),
          )}
        </p>
      ))}
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
  value,
  links,
}: {
  filter: ReportFilter;
  value: string | null;
  links: Links;
}): VNode {
  return (
    <a class="chip-value" href={links.withoutValue(filter, value)}>
      <strong>{filter.operator === 'contains' ? value : valueName(filter.by, value)}</strong>
      <span aria-hidden="true">✕</span>
      <span class="visually-hidden">{REPORT_TEXT.removeFilter}</span>
    </a>
  );
}
