import type { VNode } from 'preact';
import type { ReportData } from '../../report/data.ts';
import type { Links } from '../../report/links.ts';
import { changeOf, FIGURES, type Figure } from '../../report/measures.ts';
import { sumsText, type Worth } from '../../report/worth.ts';

/** The numbers on top; a click draws one of them. */
export function Figures({ data, links }: { data: ReportData; links: Links }): VNode {
  return (
    <ul class="figures">
      {FIGURES.map((figure) => (
        <li>
          <Tile figure={figure} data={data} to={links.with({ metric: figure.id })} />
        </li>
      ))}
    </ul>
  );
}

function Tile({ figure, data, to }: { figure: Figure; data: ReportData; to: string }): VNode {
  const { totals, earlier, worth } = data;
  const value = figure.of(totals);
  const isChosen = figure.id === data.figure.id;
  return (
    <a class="figure-tile" href={to} aria-current={isChosen ? 'true' : undefined} title={figure.definition}>
      <span class="figure-name">{figure.name}</span>
      <strong>{figure.text(value)}</strong>
      {earlier !== null && <Change figure={figure} value={value} before={figure.of(earlier)} />}
      {figure.id === 'conversions' && worth !== null && <Value worth={worth} />}
    </a>
  );
}

function Value({ worth }: { worth: Worth }): VNode | null {
  if (worth.all.size === 0) return null;
  return (
    <span class="worth">
      {worth.complete ? '' : 'more than '}
      {sumsText(worth.all)}
    </span>
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
