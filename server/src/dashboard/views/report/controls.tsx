import type { ComponentChildren, VNode } from 'preact';
import type { ReportData } from '../../report/data.ts';
import { FILTERABLE, nameOf, OPERATOR_CHOICES } from '../../report/filters.ts';
import type { Links } from '../../report/links.ts';
import { type Comparison, RANGES } from '../../report/span.ts';
import { isoDay } from '../../report/zones.ts';

/** What a report is about: the menus on top of it, and links that only the keyboard follows. */

interface Shared {
  data: ReportData;
  links: Links;
}

const COMPARISONS: readonly { id: Comparison; name: string; short: string }[] = [
  { id: 'previous', name: 'The same time before', short: 'vs the time before' },
  { id: 'year', name: 'A year before, same weekdays', short: 'vs a year before' },
  { id: 'none', name: 'None', short: 'No comparison' },
];

/** @param livePath address for the live numbers; null where nobody may listen */
export function Controls({ data, links, livePath }: Shared & { livePath: string | null }): VNode {
  return (
    <div class="controls">
      <LiveNow visitors={data.live} livePath={livePath} />
      <FilterMenu data={data} links={links} />
      <ComparisonMenu data={data} links={links} />
      <TimeMenu data={data} links={links} />
      <KeyLinks data={data} links={links} />
    </div>
  );
}

function LiveNow({ visitors, livePath }: { visitors: number; livePath: string | null }): VNode {
  const number = (
    <>
      <span class="dot" aria-hidden="true" />
      <strong data-live-count>{visitors}</strong> online now
    </>
  );
  return (
    <p class="live-now" data-live-now={livePath ?? undefined} title="Visitors in the last five minutes">
      {livePath === null ? number : <a href={`${livePath}/happening`}>{number}</a>}
    </p>
  );
}

function Menu({
  what,
  name,
  children,
}: {
  what: string;
  name: ComponentChildren;
  children: ComponentChildren;
}): VNode {
  return (
    <details class="menu" data-menu>
      <summary class="button">
        <span class="visually-hidden">{what}: </span>
        {name}
      </summary>
      <div class="menu-body">{children}</div>
    </details>
  );
}

/** Fields that a form carries along, so that it changes nothing besides its own. */
function Carried({ links, except }: { links: Links; except: readonly string[] }): VNode {
  return (
    <>
      {links.hidden(except).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

function FilterMenu({ data, links }: Shared): VNode {
  const properties = data.panels.flatMap(({ tabs }) => tabs).filter(({ by }) => by.startsWith('prop:'));
  return (
    <Menu what="Narrow down" name="Filter">
      <form method="get" action={links.base} class="filter-form">
        <Carried links={links} except={[]} />
        <div class="field">
          <label for="filter-by">Only where</label>
          <select id="filter-by" name="add">
            {FILTERABLE.map(({ by, name }) => (
              <option value={by}>{name}</option>
            ))}
            {properties.length > 0 && (
              <optgroup label="Properties of events">
                {properties.map(({ by }) => (
                  <option value={by}>{nameOf(by)}</option>
                ))}
              </optgroup>
            )}
          </select>
        </div>
        <div class="field">
          <label for="filter-how">Compare</label>
          <select id="filter-how" name="how">
            {OPERATOR_CHOICES.map(({ id, name }) => (
              <option value={id}>{name}</option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="filter-text">With</label>
          <textarea
            id="filter-text"
            name="text"
            rows={2}
            maxlength={2000}
            required
            spellcheck={false}
            aria-describedby="filter-hint"
            data-key-focus="/"
          />
          <p class="hint" id="filter-hint">
            Several, one a line: any of them. A click on a row of a table does the same.
          </p>
        </div>
        <button type="submit" class="primary small">
          Add the filter
        </button>
      </form>
    </Menu>
  );
}

function ComparisonMenu({ data, links }: Shared): VNode {
  return (
    <Menu what="Comparison" name={COMPARISONS.find(({ id }) => id === data.comparison)?.short}>
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

function TimeMenu({ data: { span }, links }: Shared): VNode {
  return (
    <Menu what="Time" name={span.name}>
      <ul class="ranges">
        {RANGES.map(({ id, name, key }) => (
          <li>
            <a
              href={links.with({ range: id, from: null, to: null })}
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
        <Carried links={links} except={['range', 'from', 'to']} />
        <input type="hidden" name="range" value="custom" />
        <label>
          From <input type="date" name="from" value={isoDay(span.firstDay)} required data-key-focus="c" />
        </label>
        <label>
          to <input type="date" name="to" value={isoDay(span.lastDay)} required />
        </label>
        <button type="submit" class="small">
          Show
        </button>
      </form>
    </Menu>
  );
}

function KeyLinks({ data, links }: Shared): VNode {
  const { comparison, chips } = data;
  return (
    <span hidden>
      <a href={links.with({ compare: comparison === 'none' ? null : 'none' })} data-key="x">
        Comparison on or off
      </a>
      <a href={moved(data, links, -1)} data-key="ArrowLeft">
        Earlier
      </a>
      <a href={moved(data, links, 1)} data-key="ArrowRight">
        Later
      </a>
      {chips.length > 0 && (
        <a href={links.with({ f: null })} data-key="Escape">
          Clear the filters
        </a>
      )}
    </span>
  );
}

/** The same number of days, next to these. */
function moved({ span }: ReportData, links: Links, direction: 1 | -1): string {
  const days = (span.lastDay - span.firstDay + 1) * direction;
  return links.with({ range: 'custom', from: isoDay(span.firstDay + days), to: isoDay(span.lastDay + days) });
}
