import type { VNode } from 'preact';
import { type Comparison, neighborOf, RANGES } from '../../app/reports/spans.ts';
import { civilDay, writeDate } from '../../domain/calendar.ts';
import { DIMENSIONS } from '../../domain/dimensions.ts';
import { dateRange } from '../kit/format.ts';
import { Menu } from '../kit/menu.tsx';
import type { SavedData } from '../saved/data.ts';
import { SavedMenu } from '../saved/menu.tsx';
import type { ReportData } from './data.ts';
import { FilterFields } from './filter-fields.tsx';
import { OPERATORS } from './filters.ts';
import type { Links } from './links.ts';
import { spanName } from './span-name.ts';
import { REPORT_TEXT } from './text.ts';

/** The controls of a report: the menus at its top, and links for keyboard shortcuts. */

interface Shared {
  data: ReportData;
  links: Links;
}

const COMPARISONS: readonly { id: Comparison; name: string; short: string }[] = [
  { id: 'previous', name: REPORT_TEXT.previous, short: REPORT_TEXT.vsPrevious },
  { id: 'year', name: REPORT_TEXT.year, short: REPORT_TEXT.vsYear },
  { id: 'none', name: REPORT_TEXT.none, short: REPORT_TEXT.noComparison },
];

/**
 * The controls at the top of a report.
 *
 * @param livePath the path of the live numbers; null if they are not available
 * @param segments null if the viewer has none
 */
export function Controls({
  data,
  links,
  livePath,
  segments,
}: Shared & { livePath: string | null; segments: SavedData | null }): VNode {
  return (
    <div class="controls">
      <LiveNow visitors={data.live} livePath={livePath} />
      <FilterMenu data={data} links={links} />
      {segments !== null && <SavedMenu {...segments} />}
      <ComparisonMenu data={data} links={links} />
      <div class="period">
        <Step data={data} links={links} direction={-1} />
        <TimeMenu data={data} links={links} />
        <Step data={data} links={links} direction={1} />
      </div>
      <KeyLinks data={data} links={links} />
    </div>
  );
}

function LiveNow({ visitors, livePath }: { visitors: number; livePath: string | null }): VNode {
  const number = (
    <>
      <span class="dot" aria-hidden="true" />
      <strong data-live-count>{visitors}</strong> {REPORT_TEXT.online}
    </>
  );
  return (
    <p class="live-now" data-live-now={livePath ?? undefined} title={REPORT_TEXT.onlineHint}>
      {livePath === null ? number : <a href={`${livePath}/activity`}>{number}</a>}
    </p>
  );
}

/** Hidden fields that keep the other parameters of the URL. */
export function Carried({ links, except }: { links: Links; except: readonly string[] }): VNode {
  return (
    <>
      {links.hidden(except).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** The form of a filter. @param data the goals of the site, and the names of properties */
export function FilterMenu({
  data,
  links,
}: {
  data: Pick<ReportData, 'properties'> & { goals: readonly unknown[] };
  links: Links;
}): VNode {
  const { properties } = data;
  return (
    <Menu name={REPORT_TEXT.filter}>
      <form method="get" action={links.base} class="filter-form" data-suggest={links.suggestions}>
        <Carried links={links} except={[]} />
        <div class="field">
          <label for="filter-by">{REPORT_TEXT.filterBy}</label>
          <select id="filter-by" name="add">
            {DIMENSIONS.map(({ name, label }) => (
              <option value={name}>{label}</option>
            ))}
            {data.goals.length > 0 && <option value="goal">{REPORT_TEXT.goal}</option>}
            {properties.length > 0 && (
              <optgroup label={REPORT_TEXT.properties}>
                {properties.map((name) => (
                  <option value={`prop:${name}`}>{name}</option>
                ))}
              </optgroup>
            )}
          </select>
        </div>
        <FilterFields id="filter" kind={OPERATORS[0]} values={[]} hint={REPORT_TEXT.valueHint} shortcut="/" />
        <button type="submit" class="primary small">
          {REPORT_TEXT.applyFilter}
        </button>
      </form>
    </Menu>
  );
}

function ComparisonMenu({ data, links }: Shared): VNode {
  return (
    <Menu what={REPORT_TEXT.comparison} name={COMPARISONS.find(({ id }) => id === data.comparison)?.short}>
      <ul>
        {COMPARISONS.map(({ id, name }) => (
          <li>
            <a href={links.with({ compare: id })} aria-current={id === data.comparison ? 'true' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </Menu>
  );
}

export function TimeMenu({ data: { span }, links }: { data: Pick<ReportData, 'span'>; links: Links }): VNode {
  return (
    <Menu what={REPORT_TEXT.period} name={spanName(span)}>
      <ul class="ranges">
        {RANGES.map(({ id, name, key }) => (
          <li>
            <a
              href={links.with({ range: id, from: null, to: null, interval: null })}
              aria-current={id === span.range ? 'true' : undefined}
              data-key={key}
            >
              {name}
              <span class="kbd" aria-hidden="true">
                {key.toUpperCase()}
              </span>
            </a>
          </li>
        ))}
      </ul>
      <form method="get" action={links.base} class="dates">
        <Carried links={links} except={['range', 'from', 'to', 'interval']} />
        <input type="hidden" name="range" value="custom" />
        <label>
          {REPORT_TEXT.from}{' '}
          <input type="date" name="from" value={writeDate(span.firstDay)} required data-key-focus="c" />
        </label>
        <label>
          {REPORT_TEXT.to} <input type="date" name="to" value={writeDate(span.lastDay)} required />
        </label>
        <button type="submit" class="small">
          {REPORT_TEXT.apply}
        </button>
      </form>
    </Menu>
  );
}

function KeyLinks({ data, links }: Shared): VNode {
  const { comparison, asked } = data;
  return (
    <span hidden>
      <a href={links.with({ compare: comparison === 'none' ? null : 'none' })} data-key="x">
        {REPORT_TEXT.toggleComparison}
      </a>
      {asked.length > 0 && (
        <a href={links.with({ f: null })} data-key="Escape">
          {REPORT_TEXT.clearFilters}
        </a>
      )}
    </span>
  );
}

/** The link to the period before or after. A period that has not begun has none. */
function Step({
  data: { span, zone, nowMs },
  links,
  direction,
}: Shared & { direction: 1 | -1 }): VNode | null {
  const { firstDay, lastDay } = neighborOf(span, direction);
  if (firstDay > civilDay(zone, nowMs)) return null;
  const label = `${direction < 0 ? REPORT_TEXT.earlier : REPORT_TEXT.later}: ${dateRange(firstDay, lastDay)}`;
  const days = { from: writeDate(firstDay), to: writeDate(lastDay) };
  return (
    <a
      class="button step"
      href={links.with({ range: 'custom', ...days, interval: null })}
      data-key={direction < 0 ? 'ArrowLeft' : 'ArrowRight'}
      title={label}
    >
      <span aria-hidden="true">{direction < 0 ? '‹' : '›'}</span>
      <span class="visually-hidden">{label}</span>
    </a>
  );
}
