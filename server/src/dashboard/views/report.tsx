import type { VNode } from 'preact';
import type { Measures } from '../../store/store.ts';
import type { ReportData } from '../report/data.ts';
import { nameOf } from '../report/filters.ts';
import type { Links } from '../report/links.ts';
import { changeOf, FIGURES, type Figure } from '../report/measures.ts';
import { valueName } from '../report/panels.ts';
import { type Interval, RANGES } from '../report/span.ts';
import { isoDay } from '../report/zones.ts';
import { Chart } from './chart.tsx';
import { AiPanel, GoalsPanel, Panel } from './panels.tsx';

export interface ReportProps {
  data: ReportData;
  links: Links;
  /** Address for the live numbers; null where nobody may listen. */
  livePath: string | null;
  /** For “copy as curl”; null where there is no key to speak of. */
  apiUrl: string | null;
}

/** The numbers of one site. Works without script: every change of view is a link or a form. */
export function Report({ data, links, livePath, apiUrl }: ReportProps): VNode {
  const { figure, series, earlierSeries, span } = data;
  return (
    <div class="report">
      <Controls data={data} links={links} livePath={livePath} />
      <Chips data={data} links={links} />
      <Figures data={data} links={links} />
      <section class="card" aria-label={`${figure.name} over time`}>
        <Chart
          figure={figure}
          labels={series.map((_, i) => labelOf(span.boundariesMs[i] ?? 0, span.interval, data.zone))}
          values={series.map((measures) => figure.of(measures))}
          earlier={earlierSeries?.map((measures) => figure.of(measures)) ?? null}
          interval={span.interval}
        />
      </section>
      <div class="panels">
        {data.panels.map((panel) => (
          <Panel panel={panel} data={data} links={links} apiUrl={apiUrl} />
        ))}
        {data.goals.length > 0 && <GoalsPanel data={data} />}
        <AiPanel data={data} links={links} apiUrl={apiUrl} />
      </div>
      <Footnotes data={data} apiUrl={apiUrl} />
    </div>
  );
}

function Controls({ data, links, livePath }: Omit<ReportProps, 'apiUrl'>): VNode {
  const { span, comparison, live } = data;
  return (
    <div class="controls">
      <p class="live-now" data-live-now={livePath ?? undefined} title="Visitors in the last five minutes">
        <span class="dot" aria-hidden="true" />
        <strong data-live-count>{live}</strong> online now
      </p>
      <details class="menu" data-menu>
        <summary class="button">
          <span class="visually-hidden">Time: </span>
          {span.name}
        </summary>
        <div class="menu-body">
          <ul>
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
            {links.hidden(['range', 'from', 'to']).map(([name, value]) => (
              <input type="hidden" name={name} value={value} />
            ))}
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
        </div>
      </details>
      <details class="menu" data-menu>
        <summary class="button">
          <span class="visually-hidden">Comparison: </span>
          {comparison === 'none'
            ? 'No comparison'
            : comparison === 'year'
              ? 'vs a year before'
              : 'vs the time before'}
        </summary>
        <div class="menu-body">
          <ul>
            <li>
              <a
                href={links.with({ compare: 'previous' })}
                aria-current={comparison === 'previous' ? 'true' : undefined}
              >
                The same time before
              </a>
            </li>
            <li>
              <a
                href={links.with({ compare: 'year' })}
                aria-current={comparison === 'year' ? 'true' : undefined}
              >
                A year before, same weekdays
              </a>
            </li>
            <li>
              <a
                href={links.with({ compare: 'none' })}
                aria-current={comparison === 'none' ? 'true' : undefined}
              >
                None
              </a>
            </li>
          </ul>
        </div>
      </details>
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
        {data.chips.length > 0 && (
          <a href={links.with({ f: null })} data-key="Escape">
            Clear the filters
          </a>
        )}
      </span>
    </div>
  );
}

/** The same number of days, next to these. */
function moved({ span }: ReportData, links: Links, direction: 1 | -1): string {
  const days = (span.lastDay - span.firstDay + 1) * direction;
  return links.with({ range: 'custom', from: isoDay(span.firstDay + days), to: isoDay(span.lastDay + days) });
}

function Chips({ data: { chips }, links }: Pick<ReportProps, 'data' | 'links'>): VNode | null {
  if (chips.length === 0) return null;
  return (
    <div class="chips">
      <ul aria-label="Filters">
        {chips.map(({ text, by, value, negated }) => (
          <li>
            <a class="chip" href={links.withoutFilter(text)}>
              <span>
                {nameOf(by)} {negated ? 'is not' : 'is'} <strong>{valueName(by, value)}</strong>
              </span>
              <span aria-hidden="true">✕</span>
              <span class="visually-hidden">, take this filter away</span>
            </a>
          </li>
        ))}
      </ul>
      {chips.length > 1 && <a href={links.with({ f: null })}>Clear all</a>}
    </div>
  );
}

function Figures({ data, links }: Pick<ReportProps, 'data' | 'links'>): VNode {
  return (
    <ul class="figures">
      {FIGURES.map((figure) => (
        <li>
          <FigureTile
            figure={figure}
            totals={data.totals}
            earlier={data.earlier}
            chosen={figure.id === data.figure.id}
            to={links.with({ metric: figure.id })}
          />
        </li>
      ))}
    </ul>
  );
}

function FigureTile({
  figure,
  totals,
  earlier,
  chosen,
  to,
}: {
  figure: Figure;
  totals: Measures;
  earlier: Measures | null;
  chosen: boolean;
  to: string;
}): VNode {
  const value = figure.of(totals);
  return (
    <a class="figure-tile" href={to} aria-current={chosen ? 'true' : undefined} title={figure.definition}>
      <span class="figure-name">{figure.name}</span>
      <strong>{figure.text(value)}</strong>
      {earlier !== null && <Change figure={figure} value={value} before={figure.of(earlier)} />}
    </a>
  );
}

/** Direction by sign and arrow; colour only underlines it. */
function Change({ figure, value, before }: { figure: Figure; value: number; before: number }): VNode {
  const change = changeOf(value, before);
  if (change === null) return <span class="change">before: {figure.text(before)}</span>;
  const percent = Math.round(change * 100);
  const isGood = figure.lessIsBetter === true ? percent < 0 : percent > 0;
  const kind = percent === 0 ? '' : isGood ? ' change-good' : ' change-bad';
  return (
    <span class={`change${kind}`} title={`Before: ${figure.text(before)}`}>
      <span aria-hidden="true">{percent > 0 ? '▲' : percent < 0 ? '▼' : '●'}</span>
      <span class="visually-hidden">{percent > 0 ? 'up' : percent < 0 ? 'down' : 'unchanged,'}</span>{' '}
      {Math.abs(percent)} %
    </span>
  );
}

function Footnotes({ data: { zone, site, span }, apiUrl }: Pick<ReportProps, 'data' | 'apiUrl'>): VNode {
  return (
    <details class="footnotes">
      <summary>What the numbers mean, and keys</summary>
      <dl>
        {FIGURES.map(({ name, definition }) => (
          <>
            <dt>{name}</dt>
            <dd>{definition}</dd>
          </>
        ))}
        <dt>Time</dt>
        <dd>
          Days begin in {zone}. Receipt by the server decides, never a visitor’s clock. From{' '}
          {new Date(span.fromMs).toISOString()} to {new Date(span.toMs).toISOString()}.
        </dd>
        <dt>Not in these numbers</dt>
        <dd>Crawlers, repeats, and what was refused: see “Not counted” of {site.domain}.</dd>
        {apiUrl !== null && (
          <>
            <dt>The same through the API</dt>
            <dd>
              <code>
                curl -H "Authorization: Bearer sk_…" "{apiUrl}/stats?start={isoDay(span.firstDay)}&end=
                {isoDay(span.lastDay)}"
              </code>
            </dd>
          </>
        )}
      </dl>
      <h3 id="keys">Keys</h3>
      <ul class="key-list" data-keys>
        {RANGES.map(({ key, name }) => (
          <li>
            <kbd>{key.toUpperCase()}</kbd> {name}
          </li>
        ))}
        <li>
          <kbd>C</kbd> Dates of your own
        </li>
        <li>
          <kbd>←</kbd> <kbd>→</kbd> Earlier, later
        </li>
        <li>
          <kbd>X</kbd> Comparison on or off
        </li>
        <li>
          <kbd>Esc</kbd> Clear the filters
        </li>
        <li>
          <kbd>?</kbd> This list
        </li>
      </ul>
    </details>
  );
}

function labelOf(atMs: number, interval: Interval, zone: string): string {
  const options: Record<Interval, Intl.DateTimeFormatOptions> = {
    hour: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    day: { day: 'numeric', month: 'short' },
    week: { day: 'numeric', month: 'short' },
    month: { month: 'short', year: 'numeric' },
  };
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options[interval] }).format(atMs);
}
