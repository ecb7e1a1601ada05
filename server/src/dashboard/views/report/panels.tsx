import type { VNode } from 'preact';
import type { BreakdownRow } from '../../../store/store.ts';
import type { PanelData, ReportData } from '../../report/data.ts';
import { chipText } from '../../report/filters.ts';
import type { Links } from '../../report/links.ts';
import { short } from '../../report/measures.ts';
import { type PanelPlan, type PanelTab, valueName, weightName, weightOf } from '../../report/panels.ts';
import { sumsText } from '../../report/worth.ts';
import { PanelFoot } from './panel-foot.tsx';

/** The tables of a report. */

interface Shared {
  data: ReportData;
  links: Links;
  apiUrl: string | null;
}

export function Panel({ panel, links, data, apiUrl }: Shared & { panel: PanelData }): VNode {
  const { plan, tabs, tab, rows, more } = panel;
  const id = `panel-${plan.id}`;
  return (
    <section class="card panel" aria-labelledby={id} id={plan.id}>
      <div class="panel-head">
        <h2 id={id}>{plan.title}</h2>
        {tabs.length > 1 && (
          <nav aria-label={`${plan.title} by`}>
            <ul>
              {tabs.map(({ by, name }) => (
                <li>
                  <a
                    href={links.with({ [plan.id]: by }, '', `#${plan.id}`)}
                    aria-current={by === tab.by ? 'true' : undefined}
                  >
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </div>
      <Rows by={tab.by} heading={headingOf(plan, tab)} rows={rows} links={links} />
      <PanelFoot
        {...{ data, links, apiUrl, more }}
        id={plan.id}
        by={tab.by}
        title={plan.title}
        definition={plan.definition}
      />
    </section>
  );
}

function headingOf(plan: PanelPlan, tab: PanelTab): string {
  if (tab.name === 'Top') return 'Page';
  return plan.tabs.length === 1 && tab === plan.tabs[0] ? plan.title : tab.name;
}

/** What can be filtered by is a link that does it. */
export function Rows({
  by,
  heading,
  rows,
  links,
}: {
  by: string;
  heading: string;
  rows: readonly BreakdownRow[];
  links: Links | null;
}): VNode {
  if (rows.length === 0) return <p class="hint empty">Nothing in this time.</p>;
  const most = Math.max(...rows.map((row) => weightOf(by, row)), 1);
  return (
    <table class="bars">
      <thead>
        <tr>
          <th scope="col">{heading}</th>
          <th scope="col" class="number">
            {weightName(by)}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row">
              <svg class="bar" aria-hidden="true" preserveAspectRatio="none">
                <rect width={`${((100 * weightOf(by, row)) / most).toFixed(1)}%`} height="100%" rx="4" />
              </svg>
              <Value by={by} row={row} links={links} />
            </th>
            <td class="number">{short(weightOf(by, row))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ by, row, links }: { by: string; row: BreakdownRow; links: Links | null }): VNode {
  const name = valueName(by, row.value);
  if (by === 'bot' || links === null)
    return (
      <span class="value">
        {name}
        {row.company != null && <span class="hint"> {row.company}</span>}
      </span>
    );
  return (
    <a class="value" href={links.withFilter(chipText(by, row.value))} title={`Only ${name}`}>
      {name}
    </a>
  );
}

export function AiPanel({ data, links, apiUrl }: Shared): VNode {
  return (
    <section class="card panel panel-wide" aria-labelledby="panel-ai" id="ai">
      <div class="panel-head">
        <h2 id="panel-ai">AI</h2>
      </div>
      <div class="two-even">
        <div>
          <h3>Assistants that sent visitors</h3>
          <Rows by="source" heading="Assistant" rows={data.assistants} links={links} />
        </div>
        <div>
          <h3>Crawlers that came</h3>
          <Rows by="bot" heading="Crawler" rows={data.crawlers} links={null} />
        </div>
      </div>
      <PanelFoot
        {...{ data, links, apiUrl }}
        id="ai"
        by="bot"
        title="AI"
        definition="Assistants are language models that linked to you and were clicked. Crawlers are programs that say who they are; they are recorded here, and in no other number. Filters are about people, so crawlers do not follow them."
      />
    </section>
  );
}

export function GoalsPanel({ data, links, apiUrl }: Shared): VNode {
  const { goals, totals } = data;
  const hasWorth = goals.some(({ worth }) => worth.size > 0);
  return (
    <section class="card panel" aria-labelledby="panel-goals" id="goals">
      <div class="panel-head">
        <h2 id="panel-goals">Goals</h2>
      </div>
      <table class="goals">
        <thead>
          <tr>
            <th scope="col">Goal</th>
            <th scope="col" class="number">
              Visitors
            </th>
            <th scope="col" class="number">
              Share
            </th>
            {hasWorth && (
              <th scope="col" class="number">
                Value
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {goals.map(({ goal, visitors, worth }) => (
            <tr>
              <th scope="row">{goal.kind === 'page' ? `Visit ${goal.pattern}` : goal.pattern}</th>
              <td class="number">{short(visitors)}</td>
              <td class="number">
                {totals.visitors === 0 ? '–' : `${((100 * visitors) / totals.visitors).toFixed(1)} %`}
              </td>
              {hasWorth && <td class="number">{worth.size === 0 ? '–' : sumsText(worth)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      <PanelFoot
        {...{ data, links, apiUrl }}
        id="goals"
        by="event"
        title="Goals"
        definition="Visitors who did what you set as a goal in the settings, their share of all visitors, and what the events were worth."
      />
    </section>
  );
}
