import type { VNode } from 'preact';
import type { ReportData } from '../../report/data.ts';
import { type Chip, chipText, groupsOf, nameOf, operatorName } from '../../report/filters.ts';
import type { Links } from '../../report/links.ts';
import { valueName } from '../../report/panels.ts';

/** The filters in force. Each can be turned round and taken away. */
export function Chips({ data: { chips }, links }: { data: ReportData; links: Links }): VNode | null {
  if (chips.length === 0) return null;
  return (
    <div class="chips">
      <ul aria-label="Filters">
        {groupsOf(chips).map(([first, ...rest]) => (
          <li class="chip">
            <span>{nameOf(first.by)}</span>{' '}
            {rest.length === 0 ? <Operator chip={first} links={links} /> : <span>{operatorName(first)}</span>}{' '}
            {[first, ...rest].map((chip, i) => (
              <>
                {i > 0 && <span> or </span>}
                <Value chip={chip} links={links} />
              </>
            ))}
          </li>
        ))}
      </ul>
      {chips.length > 1 && <a href={links.with({ f: null })}>Clear all</a>}
    </div>
  );
}

function Operator({ chip, links }: { chip: Chip; links: Links }): VNode {
  const turned = { negated: !chip.negated, match: chip.match };
  return (
    <a
      class="chip-how"
      href={links.withTurned(chip.text, chipText(chip.by, chip.value, turned))}
      title={`Turn to “${operatorName(turned)}”`}
    >
      {operatorName(chip)}
    </a>
  );
}

function Value({ chip, links }: { chip: Chip; links: Links }): VNode {
  return (
    <a class="chip-value" href={links.withoutFilter(chip.text)}>
      <strong>{chip.match === 'part' ? chip.value : valueName(chip.by, chip.value)}</strong>
      <span aria-hidden="true">✕</span>
      <span class="visually-hidden">, take this filter away</span>
    </a>
  );
}
