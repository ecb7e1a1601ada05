import type { VNode } from 'preact';
import type { Span } from '../../app/reports/spans.ts';
import { Card, Notice } from '../kit/elements.tsx';
import { dateRange, dateTime } from '../kit/format.ts';
import type { SavedData } from '../saved/data.ts';
import { Annotations, type AnnotationsProps } from './annotations.tsx';
import { appearanceOf } from './appearance.ts';
import { Chart } from './chart.tsx';
import { chartOf } from './chart-data.ts';
import { Chips } from './chips.tsx';
import { Controls } from './controls.tsx';
import type { ReportData } from './data.ts';
import { Figures } from './figures.tsx';
import type { Links } from './links.ts';
import { Notes } from './notes.tsx';
import { PanelFoot } from './panel-foot.tsx';
import { AssistantsPanel, CrawlersPanel, GoalsPanel, Panel, SitesPanel } from './panel-list.tsx';
import type { Invalid } from './problems.ts';
import { REPORT_TEXT } from './text.ts';
import { ViewPanels } from './views-panels.tsx';

export interface ReportProps {
  data: ReportData;
  links: Links;
  /** The path of the live numbers; null if they are not available. */
  livePath: string | null;
  /** The URL of the site in the API; null if no curl command is shown. */
  apiUrl: string | null;
  /** The path where goals are added; null if the viewer may not. */
  goalsPath: string | null;
  annotations: AnnotationsProps;
  /** Null if the viewer has none. */
  segments: SavedData | null;
  /** What is wrong with a form of the page. */
  problem?: string;
}

/** The report of a site. It works without JavaScript: every change of view is a link or a form. */
export function Report(props: ReportProps): VNode {
  const { data, links, livePath, apiUrl, annotations, segments, problem } = props;
  const { figure, span } = data;
  const { isBare, parts } = appearanceOf(data.query);
  const shows = (part: string) => parts === null || parts.has(part);
  return (
    <div class="report">
      {problem !== undefined && <Notice kind="wrong">{problem}</Notice>}
      {!isBare && <Controls {...{ data, links, livePath, segments }} />}
      <p class={isBare ? 'hint' : 'on-paper'}>
        {span.range === 'custom' ? '' : `${span.name}: `}
        {dateRange(span.firstDay, span.lastDay)}, {data.zone}
      </p>
      {data.eventsSinceMs !== null && (
        <Notice kind="note">{REPORT_TEXT.eventsSince(dateTime(data.eventsSinceMs, data.zone))}</Notice>
      )}
      {data.unknown.length > 0 && <Notice kind="note">{REPORT_TEXT.unknownParameters(data.unknown)}</Notice>}
      <Chips data={data} links={links} />
      {shows('figures') && <Figures data={data} links={links} />}
      {shows('chart') && (
        <section class="card chart-card" aria-label={`${figure.name} over time`}>
          <Intervals span={span} links={links} />
          <Chart {...chartOf(data, links, annotations.list)} />
          <Annotations {...annotations} />
          <PanelFoot
            {...{ data, links, apiUrl }}
            id="time"
            by="time"
            title={figure.name}
            definition={figure.definition}
          />
        </section>
      )}
      <div class="panels">
        {data.bySite !== null && <SitesPanel data={data} links={links} apiUrl={null} />}
        {data.panels
          .filter(({ plan }) => shows(plan.id))
          .map((panel) => (
            <Panel panel={panel} data={data} links={links} apiUrl={apiUrl} />
          ))}
        {shows('goals') && <Goals {...props} />}
        {shows('views') && data.views !== null && (
          <ViewPanels {...{ data, links, apiUrl }} views={data.views} />
        )}
        {shows('ai') && <AssistantsPanel data={data} links={links} apiUrl={apiUrl} />}
        {shows('crawlers') && <CrawlersPanel data={data} links={links} apiUrl={apiUrl} />}
      </div>
      {!isBare && <Notes data={data} />}
    </div>
  );
}

/** The goals, or, for those who may add one, what a goal is. */
function Goals({ data, links, apiUrl, goalsPath }: ReportProps): VNode | null {
  if (data.goals.length > 0) return <GoalsPanel data={data} links={links} apiUrl={apiUrl} />;
  return goalsPath === null ? null : <NoGoals path={goalsPath} />;
}

function NoGoals({ path }: { path: string }): VNode {
  return (
    <Card title={REPORT_TEXT.goals} id="goals">
      <p class="hint">{REPORT_TEXT.noGoals}</p>
      <a class="button" href={path}>
        {REPORT_TEXT.addGoal}
      </a>
    </Card>
  );
}

/** Links to the same report in other intervals. */
function Intervals({ span, links }: { span: Span; links: Links }): VNode | null {
  if (span.intervals.length < 2) return null;
  return (
    <ul class="intervals" aria-label={REPORT_TEXT.interval}>
      {span.intervals.map((interval) => (
        <li>
          <a href={links.with({ interval })} aria-current={interval === span.interval ? 'true' : undefined}>
            {REPORT_TEXT.intervalNames[interval]}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** What is wrong with the URL of a report, in place of the report. */
export function ReportProblems({ problems, without }: Invalid): VNode {
  return (
    <Notice kind="wrong">
      <p>{REPORT_TEXT.problemLead}</p>
      <ul>
        {problems.map((problem) => (
          <li>{problem}</li>
        ))}
      </ul>
      {without !== null && (
        <p>
          <a href={without}>{REPORT_TEXT.showDefault}</a>
        </p>
      )}
    </Notice>
  );
}
