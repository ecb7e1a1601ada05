import type { VNode } from 'preact';
import type { ReportData } from '../../report/data.ts';
import type { Links } from '../../report/links.ts';
import type { Interval } from '../../report/span.ts';
import { isoDay } from '../../report/zones.ts';
import { Chart } from './chart.tsx';
import { Chips } from './chips.tsx';
import { Controls } from './controls.tsx';
import { Figures } from './figures.tsx';
import { Notes } from './notes.tsx';
import { PanelFoot } from './panel-foot.tsx';
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
      <p class="on-paper">
        {span.name}: {isoDay(span.firstDay)} to {isoDay(span.lastDay)}, days of {data.zone}
      </p>
      <Chips data={data} links={links} />
      <Figures data={data} links={links} />
      <section class="card chart-card" aria-label={`${figure.name} over time`}>
        <Chart
          figure={figure}
          labels={series.map((_, i) => labelOf(span.boundariesMs[i] ?? 0, span.interval, data.zone))}
          values={series.map((measures) => figure.of(measures))}
          earlier={earlierSeries?.map((measures) => figure.of(measures)) ?? null}
          interval={span.interval}
        />
        <PanelFoot
          {...{ data, links, apiUrl }}
          id="time"
          by="time"
          title={figure.name}
          definition={figure.definition}
        />
      </section>
      <div class="panels">
        {data.panels.map((panel) => (
          <Panel panel={panel} data={data} links={links} apiUrl={apiUrl} />
        ))}
        {data.goals.length > 0 && <GoalsPanel data={data} links={links} apiUrl={apiUrl} />}
        <AiPanel data={data} links={links} apiUrl={apiUrl} />
      </div>
      <Notes data={data} />
    </div>
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
