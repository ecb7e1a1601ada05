import type { VNode } from 'preact';
import type { Granularity } from '../../domain/calendar.ts';
import type { Figure } from './measures.ts';
import { REPORT_TEXT } from './text.ts';

/** A line chart, with a paler line for comparison, and the same numbers as a table. */

export interface ChartProps {
  figure: Figure;
  labels: readonly string[];
  values: readonly number[];
  earlier: readonly number[] | null;
  interval: Granularity;
}

const HEIGHT = 220;
const TOP = 22;
const BOTTOM = 26;
const PLOT = HEIGHT - TOP - BOTTOM;
const LABELS_MAX = 8;

/** Rounds up to 1, 2, 4, 6 or 8 times a power of ten, so that half of it is a round number, too. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

export function Chart(props: ChartProps): VNode {
  const { figure, labels, values, earlier, interval } = props;
  const highest = Math.max(...values, ...(earlier ?? []), 0);
  // At least two, so that the label at half the height is a whole number.
  const top = figure.id === 'bounce' ? 1 : roundUp(Math.max(highest, 2));
  const shown = Math.ceil(labels.length / LABELS_MAX);
  const summary = REPORT_TEXT.chart(
    figure.name,
    interval,
    labels.length,
    figure.text(Math.max(...values, 0)),
  );
  return (
    <figure class="chart">
      <svg width="100%" height={HEIGHT} role="img" aria-label={summary}>
        {[1, 0.5, 0].map((share) => {
          const y = TOP + (1 - share) * PLOT;
          return <line class="chart-grid" x1="0" x2="100%" y1={y} y2={y} />;
        })}
        <svg
          x="0"
          y={TOP}
          width="100%"
          height={PLOT}
          viewBox={`0 0 1000 ${PLOT}`}
          preserveAspectRatio="none"
          class="chart-plot"
          aria-hidden="true"
        >
          {earlier !== null && <path class="chart-earlier" d={lineOf(earlier, labels.length, top)} />}
          <path class="chart-area" d={areaOf(values, labels.length, top)} />
          <path class="chart-line" d={lineOf(values, labels.length, top)} />
        </svg>
        {[1, 0.5].map((share) => (
          <text class="chart-label" x="0" y={TOP + (1 - share) * PLOT - 5}>
            {figure.text(top * share)}
          </text>
        ))}
        {labels.map((label, i) =>
          i % shown === 0 ? (
            <text
              class={`chart-label${(i / shown) % 2 === 1 ? ' wide-only' : ''}`}
              x={`${xOf(i, labels.length) / 10}%`}
              y={HEIGHT - 6}
              text-anchor={i === 0 ? 'start' : i === labels.length - 1 ? 'end' : 'middle'}
            >
              {label}
            </text>
          ) : null,
        )}
        {labels.map((label, i) => (
          <rect
            class="chart-hit"
            x={`${(i * 100) / labels.length}%`}
            y="0"
            width={`${100 / labels.length}%`}
            height={HEIGHT - BOTTOM}
          >
            <title>
              {REPORT_TEXT.point(
                label,
                figure.text(values[i] ?? 0),
                earlier === null ? null : figure.text(earlier[i] ?? 0),
              )}
            </title>
          </rect>
        ))}
      </svg>
      <ChartTable {...props} summary={summary} />
    </figure>
  );
}

/** The numbers of the chart as a table. */
function ChartTable({
  figure,
  labels,
  values,
  earlier,
  interval,
  summary,
}: ChartProps & { summary: string }): VNode {
  return (
    <details>
      <summary>{REPORT_TEXT.asTable}</summary>
      <table>
        <caption class="visually-hidden">{summary}</caption>
        <thead>
          <tr>
            <th scope="col">{REPORT_TEXT.intervals[interval]}</th>
            <th scope="col" class="number">
              {figure.name}
            </th>
            {earlier !== null && (
              <th scope="col" class="number">
                {REPORT_TEXT.before}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, i) => (
            <tr>
              <th scope="row">{label}</th>
              <td class="number">{figure.text(values[i] ?? 0)}</td>
              {earlier !== null && <td class="number">{figure.text(earlier[i] ?? 0)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function xOf(i: number, count: number): number {
  return count <= 1 ? 500 : (i * 1000) / (count - 1);
}

function points(values: readonly number[], count: number, top: number): string[] {
  return values
    .slice(0, count)
    .map((value, i) => `${xOf(i, count).toFixed(1)} ${(PLOT - (value / top) * PLOT).toFixed(1)}`);
}

function lineOf(values: readonly number[], count: number, top: number): string {
  const all = points(values, count, top);
  // A single bucket is drawn as a line, because a point would be invisible.
  return count === 1 ? `M 0 ${all[0]?.split(' ')[1] ?? PLOT} H 1000` : `M ${all.join(' L ')}`;
}

function areaOf(values: readonly number[], count: number, top: number): string {
  const last = xOf(Math.min(values.length, count) - 1, count);
  return count === 1
    ? `${lineOf(values, count, top)} V ${PLOT} H 0 Z`
    : `${lineOf(values, count, top)} L ${last.toFixed(1)} ${PLOT} L 0 ${PLOT} Z`;
}
