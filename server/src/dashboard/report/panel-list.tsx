import type { VNode } from 'preact';
import { type Dimension, dimensionLabel } from '../../domain/dimensions.ts';
import { valueName } from '../../domain/value-names.ts';
import type { BreakdownRow } from '../../store/contract/store.ts';
import { percent, short } from '../kit/format.ts';
import type { PanelData, ReportData } from './data.ts';
import type { Links } from './links.ts';
import { sumsText } from './money.ts';
import { PanelFoot } from './panel-foot.tsx';
import { weightName, weightOf } from './panels.ts';
import { REPORT_TEXT } from './text.ts';

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
          <nav aria-label={REPORT_TEXT.tabs(plan.title)}>
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
      <Rows by={tab.by} heading={dimensionLabel(tab.by)} rows={rows} links={links} />
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

function Value({ by, row, links }: { by: Dimension; row: BreakdownRow; links: Links | null }): VNode {
  const name = valueName(by, row.value);
  if (by === 'bot' || links === null)
    return (
      <span class="value">
        {name}
        {row.company != null && <span class="hint"> {row.company}</span>}
      </span>
    );
  return (
    <a class="value" href={links.withValue(by, row.value)} title={REPORT_TEXT.filterByValue(name)}>
      {name}
    </a>
  );
}

export function AiPanel({ data, links, apiUrl }: Shared): VNode {
  return (
    <section class="card panel panel-wide" aria-labelledby="panel-ai" id="ai">
      <div class="panel-head">
        <h2 id="panel-ai">{REPORT_TEXT.ai}</h2>
      </div>
      <div class="two-even">
        <div>
          <h3>{REPORT_TEXT.aiReferrals}</h3>
          <Rows by="source" heading={REPORT_TEXT.assistant} rows={data.assistants} links={links} />
        </div>
        <div>
          <h3>{REPORT_TEXT.crawlers}</h3>
          <Rows by="bot" heading={REPORT_TEXT.crawler} rows={data.crawlers} links={null} />
        </div>
      </div>
      <PanelFoot
        {...{ data, links, apiUrl }}
        id="ai"
        by="bot"
        title={REPORT_TEXT.ai}
        definition={REPORT_TEXT.aiHint}
      />
    </section>
  );
}

export function GoalsPanel({ data, links, apiUrl }: Shared): VNode {
  const { goals, totals } = data;
  const hasRevenue = goals.some(({ revenue }) => revenue.size > 0);
  return (
    <section class="card panel" aria-labelledby="panel-goals" id="goals">
      <div class="panel-head">
        <h2 id="panel-goals">{REPORT_TEXT.goals}</h2>
      </div>
      <table class="goals">
        <thead>
          <tr>
            <th scope="col">{REPORT_TEXT.goal}</th>
            <th scope="col" class="number">
              {REPORT_TEXT.visitors}
            </th>
            <th scope="col" class="number">
              {REPORT_TEXT.rate}
            </th>
            {hasRevenue && (
              <th scope="col" class="number">
                {REPORT_TEXT.revenue}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {goals.map(({ goal, visitors, revenue }) => (
            <tr>
              <th scope="row">{goal.kind === 'page' ? REPORT_TEXT.visitPage(goal.pattern) : goal.pattern}</th>
              <td class="number">{short(visitors)}</td>
              <td class="number">{totals.visitors === 0 ? '–' : percent(visitors / totals.visitors, 1)}</td>
              {hasRevenue && <td class="number">{revenue.size === 0 ? '–' : sumsText(revenue)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      <PanelFoot
        {...{ data, links, apiUrl }}
        id="goals"
        by="event"
        title={REPORT_TEXT.goals}
        definition={REPORT_TEXT.goalsHint}
      />
    </section>
  );
}
