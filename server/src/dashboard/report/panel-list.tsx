import type { VNode } from 'preact';
import type { GoalResult } from '../../app/goals.ts';
import { type Dimension, dimensionLabel } from '../../domain/dimensions.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { valueName } from '../../domain/value-names.ts';
import type { BreakdownRow, Site } from '../../store/contract/store.ts';
import { BarTable, TableHead } from '../kit/elements.tsx';
import { isolated, percent, short } from '../kit/format.ts';
import type { PanelData, ReportData, SiteRow } from './data.ts';
import { goalName } from './goal-name.ts';
import type { Links } from './links.ts';
import { sumsText } from './money.ts';
import { PanelTabs } from './panel-tabs.tsx';
import { weightName, weightOf } from './panels.ts';
import { TablePanel } from './table-panel.tsx';
import { REPORT_TEXT } from './text.ts';
import { ValueIcon } from './value-icon.tsx';

/** The tables of a report. */

interface Shared {
  data: ReportData;
  links: Links;
  apiUrl: string | null;
}

export function Panel({ panel, links, data, apiUrl }: Shared & { panel: PanelData }): VNode {
  const { plan, tabs, tab, rows, more } = panel;
  return (
    <TablePanel
      {...{ data, links, apiUrl, more }}
      id={plan.id}
      by={tab.by}
      title={plan.title}
      definition={plan.definition}
      head={
        tabs.length > 1 && (
          <PanelTabs id={plan.id} title={plan.title} tabs={tabs} current={tab.by} links={links} />
        )
      }
    >
      <Rows by={tab.by} heading={dimensionLabel(tab.by)} rows={rows} links={links} />
      {tab.by === 'country' && rows.length > 0 && (
        <p class="map-link">
          <a href={links.with({}, '/map')}>{REPORT_TEXT.worldMap}</a>
        </p>
      )}
    </TablePanel>
  );
}

/** The rows of a table. Each value links to the report filtered by it, if possible. */
function Rows({
  by,
  heading,
  rows,
  links,
}: {
  by: Dimension;
  heading: string;
  rows: readonly BreakdownRow[];
  links: Links | null;
}): VNode {
  if (rows.length === 0) return <p class="hint empty">{REPORT_TEXT.noData}</p>;
  const most = Math.max(...rows.map((row) => weightOf(by, row)), 1);
  return (
    <BarTable
      heading={<bdi>{heading}</bdi>}
      columns={[weightName(by)]}
      rows={rows.map((row) => ({
        percent: (100 * weightOf(by, row)) / most,
        value: <Value by={by} row={row} links={links} />,
        numbers: [short(weightOf(by, row))],
      }))}
    />
  );
}

function Value({ by, row, links }: { by: Dimension; row: BreakdownRow; links: Links | null }): VNode {
  const name = valueName(by, row.value);
  if (by === 'bot' || links === null)
    return (
      <span class="value">
        <ValueIcon by={by} row={row} />
        <bdi>{name}</bdi>
        {row.company != null && <span class="hint"> {row.company}</span>}
      </span>
    );
  return (
    <a class="value" href={links.withValue(by, row.value)} title={REPORT_TEXT.filterByValue(isolated(name))}>
      <ValueIcon by={by} row={row} />
      <bdi>{name}</bdi>
    </a>
  );
}

/** The sites of a roll-up. Each leads to its own report. */
export function SitesPanel({ data, links, apiUrl }: Shared): VNode {
  const rows = data.bySite ?? [];
  const most = Math.max(...rows.map(({ measures }) => measures.visitors), 1);
  const [shown, others] = [rows.slice(0, SITES_SHOWN), rows.slice(SITES_SHOWN)];
  const table = (some: readonly SiteRow[]) => (
    <BarTable
      heading={REPORT_TEXT.site}
      columns={[REPORT_TEXT.visitors]}
      rows={some.map(({ site, measures: { visitors } }) => ({
        percent: (100 * visitors) / most,
        value: <SiteLink site={site} links={links} />,
        numbers: [short(visitors)],
      }))}
    />
  );
  return (
    <TablePanel
      {...{ data, links, apiUrl }}
      id="sites"
      by="site"
      title={REPORT_TEXT.sites}
      definition={REPORT_TEXT.sitesHint}
    >
      {table(shown)}
      {others.length > 0 && (
        <details>
          <summary>{REPORT_TEXT.moreSites(others.length)}</summary>
          {table(others)}
        </details>
      )}
    </TablePanel>
  );
}

/** The sites of a roll-up that are shown at first. */
const SITES_SHOWN = 10;

function SiteLink({ site: { id, domain }, links }: { site: Site; links: Links }): VNode {
  const name = shownDomain(domain);
  return (
    <a class="value" href={links.ofSite(id)} title={REPORT_TEXT.reportOf(isolated(name))}>
      <bdi>{name}</bdi>
    </a>
  );
}

/** The AI assistants that sent visitors. */
export function AssistantsPanel({ data, links, apiUrl }: Shared): VNode {
  return (
    <TablePanel
      {...{ apiUrl, links, data: { ...data, asked: links.narrowed('channel', 'ai').filters } }}
      id="ai"
      by="source"
      table="ai"
      title={REPORT_TEXT.assistants}
      definition={REPORT_TEXT.assistantsHint}
    >
      <Rows by="source" heading={REPORT_TEXT.assistant} rows={data.assistants} links={links} />
    </TablePanel>
  );
}

/** The crawlers and other programs that say what they are. */
export function CrawlersPanel({ data, links, apiUrl }: Shared): VNode {
  return (
    <TablePanel
      {...{ data, links, apiUrl }}
      id="crawlers"
      by="bot"
      title={REPORT_TEXT.crawlers}
      definition={REPORT_TEXT.crawlersHint}
    >
      <Rows by="bot" heading={REPORT_TEXT.crawler} rows={data.crawlers} links={null} />
    </TablePanel>
  );
}

export function GoalsPanel({ data, links, apiUrl }: Shared): VNode {
  const { goals } = data;
  const hasRevenue = goals.some(({ revenue }) => revenue.length > 0);
  const columns = [
    REPORT_TEXT.visitors,
    REPORT_TEXT.conversions,
    REPORT_TEXT.rate,
    ...(hasRevenue ? [REPORT_TEXT.revenue] : []),
  ];
  return (
    <TablePanel
      {...{ data, links, apiUrl }}
      id="goals"
      by="goal"
      title={REPORT_TEXT.goals}
      definition={REPORT_TEXT.goalsHint}
    >
      <section
        class="scrolls"
        aria-label={REPORT_TEXT.goalsTable}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard.
        tabIndex={0}
      >
        <table class="goals">
          <TableHead heading={REPORT_TEXT.goal} columns={columns} />
          <tbody>
            {goals.map((result) => (
              <GoalRow result={result} hasRevenue={hasRevenue} links={links} />
            ))}
          </tbody>
        </table>
      </section>
    </TablePanel>
  );
}

function GoalRow({
  result: { goal, visitors, conversions, rate, revenue },
  hasRevenue,
  links,
}: {
  result: GoalResult;
  hasRevenue: boolean;
  links: Links;
}): VNode {
  const name = goalName(goal);
  return (
    <tr>
      <th scope="row">
        <a
          class="value"
          href={links.withValue('goal', goal.id)}
          title={REPORT_TEXT.filterByValue(isolated(name))}
        >
          <bdi>{name}</bdi>
        </a>
      </th>
      <td class="number">{short(visitors)}</td>
      <td class="number">{short(conversions)}</td>
      <td class="number">{rate === null ? '–' : percent(rate, 1)}</td>
      {hasRevenue && <td class="number">{revenue.length === 0 ? '–' : sumsText(revenue)}</td>}
    </tr>
  );
}
