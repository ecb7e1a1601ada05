import type { VNode } from 'preact';
import type { ReportData } from './data.ts';
import type { Links } from './links.ts';
import { CONVERSIONS, changeOf, type Figure } from './measures.ts';
import { sumsText } from './money.ts';
import { REPORT_TEXT } from './text.ts';

/** The figures at the top of a report. A click on one selects it for the chart. */
export function Figures({ data, links }: { data: ReportData; links: Links }): VNode {
  return (
    <ul class="figures">
      {data.figures.map((figure) => (
        <li>
          <Tile figure={figure} data={data} to={links.with({ metric: figure.id })} />
        </li>
      ))}
    </ul>
  );
}

function Tile({ figure, data, to }: { figure: Figure; data: ReportData; to: string }): VNode {
  const { totals, earlier, revenue } = data;
  const value = figure.of(totals);
  const isChosen = figure.id === data.figure.id;
  return (
    <a class="figure-tile" href={to} aria-current={isChosen ? 'true' : undefined} title={figure.definition}>
      <span class="figure-name">{figure.name}</span>
      <strong>{figure.text(value)}</strong>
      {earlier !== null && <Change figure={figure} value={value} before={figure.of(earlier)} />}
      {figure.id === CONVERSIONS && revenue.length > 0 && <span class="revenue">{sumsText(revenue)}</span>}
    </a>
  );
}

/** The change of a figure. An arrow, and a text for screen readers, show its direction, so it does not depend on color. */
export function Change({
  figure,
  value,
  before,
}: {
  figure: Pick<Figure, 'text' | 'lessIsBetter'>;
  value: number;
  before: number;
}): VNode {
  const change = changeOf(value, before);
  if (change === null) return <span class="change">{REPORT_TEXT.previously(figure.text(before))}</span>;
  const percent = Math.round(change * 100);
  const isGood = figure.lessIsBetter === true ? percent < 0 : percent > 0;
  const kind = percent === 0 ? '' : isGood ? ' change-good' : ' change-bad';
  return (
    <span class={`change${kind}`} title={REPORT_TEXT.previouslyTitle(figure.text(before))}>
      <span aria-hidden="true">{percent > 0 ? '▲' : percent < 0 ? '▼' : '●'}</span>
      <span class="visually-hidden">
        {percent > 0 ? REPORT_TEXT.up : percent < 0 ? REPORT_TEXT.down : REPORT_TEXT.unchanged}
      </span>{' '}
      {Math.abs(percent)}%
    </span>
  );
}
