import type { VNode } from 'preact';
import { TableHead } from '../kit/elements.tsx';
import type { ChartProps } from './chart-data.ts';
import { changeText, exactText } from './measures.ts';
import { REPORT_TEXT } from './text.ts';

/** The numbers of the chart as a table, with all figures. */
export function ChartTable({
  figures,
  buckets,
  interval,
  periods,
  valuesOf,
  summary,
}: ChartProps & { summary: string }): VNode {
  return (
    <details>
      <summary>{REPORT_TEXT.asTable}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must have the focus to be scrolled by keyboard */}
      <section class="scrolls" tabIndex={0} aria-label={summary}>
        <table>
          <TableHead heading={REPORT_TEXT.intervals[interval]} columns={figures.map(({ name }) => name)} />
          <tbody>
            {buckets.map(({ name, zoom }, i) => (
              <tr>
                <th scope="row">{zoom === null ? name : <a href={zoom}>{name}</a>}</th>
                {figures.map((figure) => {
                  const { value, earlier } = valuesOf(figure, i);
                  const change = earlier === null ? null : changeText(value, earlier);
                  return (
                    <td class="number">
                      {exactText(figure, value)}
                      {change !== null && <small> {change}</small>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {periods.earlier !== null && <p class="hint">{REPORT_TEXT.changeHint(periods.earlier)}</p>}
    </details>
  );
}
