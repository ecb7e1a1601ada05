import type { VNode } from 'preact';
import type { ChartProps } from './chart-data.ts';
import { ChartTable } from './chart-table.tsx';
import { REPORT_TEXT } from './text.ts';

/**
 * The chart of a figure over time: bars for a few buckets, else a line, with a paler one for comparison. It is drawn on the
 * server. Each bucket is a link to its own days; `island-chart.ts` shows the row of the table under it.
 */

const HEIGHT = 220;
const TOP = 22;
const BOTTOM = 26;
const PLOT = HEIGHT - TOP - BOTTOM;
/** The width of the plot in its own units; it is stretched to that of the page. */
const WIDTH = 1000;
/** The most buckets that are bars. */
const BARS_MAX = 14;

export function Chart(props: ChartProps): VNode {
  const { figure, buckets, interval, ticks } = props;
  const highest = Math.max(0, ...buckets.map(({ value }) => value));
  const opensPeriods = buckets.every(({ zoom }) => zoom !== null);
  const summary = REPORT_TEXT.chart(figure.name, interval, buckets.length, figure.text(highest));
  return (
    <figure class="chart" data-chart={REPORT_TEXT.useArrows(figure.name, opensPeriods)}>
      <div class="chart-plot">
        <svg width="100%" height={HEIGHT} role="img" aria-label={summary}>
          <Grid ticks={ticks} />
          {buckets.length <= BARS_MAX ? <Bars {...props} /> : <Lines {...props} />}
          <Values figure={figure} ticks={ticks} />
          <Times buckets={buckets} />
          <NoteMarks buckets={buckets} />
        </svg>
        <div class="chart-hits" aria-hidden="true">
          {buckets.map((bucket) => (
            <a
              class="chart-hit"
              {...(bucket.zoom === null ? {} : { href: bucket.zoom })}
              tabIndex={-1}
              title={REPORT_TEXT.point(
                bucket.name,
                figure.text(bucket.value),
                bucket.earlier === null ? null : figure.text(bucket.earlier),
                bucket.notes,
              )}
            />
          ))}
        </div>
      </div>
      <Legend {...props} />
      <ChartTable {...props} summary={summary} />
    </figure>
  );
}

/** The lines of the axis of values. */
function Grid({ ticks }: Pick<ChartProps, 'ticks'>): VNode {
  return (
    <>
      {ticks.map((tick) => {
        const y = TOP + yOf(tick, topOf(ticks));
        return <line class="chart-grid" x1="0" x2="100%" y1={y} y2={y} />;
      })}
    </>
  );
}

/** The labels of the axis of values, over what is drawn. */
function Values({ figure, ticks }: Pick<ChartProps, 'figure' | 'ticks'>): VNode {
  return (
    <>
      {ticks.slice(1).map((tick) => (
        <text class="chart-label" x="0" y={TOP + yOf(tick, topOf(ticks)) - 5}>
          {figure.text(tick)}
        </text>
      ))}
    </>
  );
}

/** The labels of the axis of time. A narrow chart shows every second one. */
function Times({ buckets }: Pick<ChartProps, 'buckets'>): VNode {
  const labelled = buckets.flatMap(({ label }, i) => (label === null ? [] : [{ label, i }]));
  const placeOf = (i: number) => (100 * (i + 0.5)) / buckets.length;
  return (
    <>
      {labelled.map(({ label, i }, n) => (
        <text
          class={`chart-label${n % 2 === 1 ? ' wide-only' : ''}`}
          x={`${placeOf(i).toFixed(2)}%`}
          y={HEIGHT - 6}
          text-anchor={placeOf(i) < 4 ? 'start' : placeOf(i) > 96 ? 'end' : 'middle'}
        >
          {label}
        </text>
      ))}
    </>
  );
}

/** The marks of annotations, above the plot. The list under the chart has their texts. */
function NoteMarks({ buckets }: Pick<ChartProps, 'buckets'>): VNode {
  return (
    <>
      {buckets.map(
        ({ notes }, i) =>
          notes.length > 0 && (
            <circle
              class="chart-note"
              cx={`${((100 * (i + 0.5)) / buckets.length).toFixed(2)}%`}
              cy={TOP - 10}
              r="4"
            />
          ),
      )}
    </>
  );
}

function Bars({ buckets, ticks, isOpen }: ChartProps): VNode {
  const top = topOf(ticks);
  const width = 100 / buckets.length;
  const bar = (kind: string, value: number, i: number, from: number, share: number) => (
    <rect
      class={kind}
      x={`${(width * (i + from)).toFixed(2)}%`}
      y={(TOP + yOf(value, top)).toFixed(1)}
      width={`${(width * share).toFixed(2)}%`}
      height={(PLOT - yOf(value, top)).toFixed(1)}
    />
  );
  return (
    <>
      {buckets.map(({ value, earlier }, i) => {
        const kind = isOpen && i === buckets.length - 1 ? 'chart-bar chart-open' : 'chart-bar';
        return (
          <>
            {earlier !== null && bar('chart-bar-earlier', earlier, i, 0.1, 0.35)}
            {earlier === null ? bar(kind, value, i, 0.2, 0.6) : bar(kind, value, i, 0.45, 0.45)}
          </>
        );
      })}
    </>
  );
}

function Lines({ buckets, ticks, isOpen }: ChartProps): VNode {
  const top = topOf(ticks);
  const pointsOf = (values: readonly (number | null)[]) =>
    values.flatMap((value, i) =>
      value === null
        ? []
        : [`${(((i + 0.5) * WIDTH) / values.length).toFixed(1)} ${yOf(value, top).toFixed(1)}`],
    );
  const points = pointsOf(buckets.map(({ value }) => value));
  const earlier = pointsOf(buckets.map((bucket) => bucket.earlier));
  const ended = isOpen ? points.slice(0, -1) : points;
  const area = `M ${xOf(ended[0])} ${PLOT} L ${ended.join(' L ')} L ${xOf(ended.at(-1))} ${PLOT} Z`;
  return (
    <svg
      x="0"
      y={TOP}
      width="100%"
      height={PLOT}
      viewBox={`0 0 ${WIDTH} ${PLOT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {earlier.length > 0 && <path class="chart-earlier" d={`M ${earlier.join(' L ')}`} />}
      <path class="chart-area" d={area} />
      <path class="chart-line" d={`M ${ended.join(' L ')}`} />
      {isOpen && <path class="chart-line chart-open" d={`M ${points.slice(-2).join(' L ')}`} />}
    </svg>
  );
}

function Legend({ isOpen, periods }: Pick<ChartProps, 'isOpen' | 'periods'>): VNode {
  return (
    <ul class="chart-legend">
      <li>
        <span class="swatch" aria-hidden="true" />
        {periods.now}
      </li>
      {periods.earlier !== null && (
        <li>
          <span class="swatch swatch-earlier" aria-hidden="true" />
          {periods.earlier}
        </li>
      )}
      {isOpen && (
        <li>
          <span class="swatch swatch-open" aria-hidden="true" />
          {REPORT_TEXT.isOpen}
        </li>
      )}
    </ul>
  );
}

const topOf = (ticks: readonly number[]): number => ticks.at(-1) ?? 1;
const yOf = (value: number, top: number): number => PLOT - (value / top) * PLOT;
const xOf = (point = '0 0'): string => point.slice(0, point.indexOf(' '));
