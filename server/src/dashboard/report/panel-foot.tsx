import type { VNode } from 'preact';
import { Copyable } from '../kit/elements.tsx';
import { curlOf } from './curl.ts';
import type { ReportData } from './data.ts';
import type { Links } from './links.ts';
import { spanName } from './span-name.ts';
import { REPORT_TEXT } from './text.ts';

export interface FootProps {
  data: ReportData;
  links: Links;
  /** The URL of the site in the API; null if no curl command is shown. */
  apiUrl: string | null;
  /** The id of the panel, unique on the page. */
  id: string;
  title: string;
  definition: string;
  /** The dimension of the table; `time` for the chart, `goal` for the goals. */
  by: string;
  /** What the table is of, if not of visitors and events. */
  table?: 'vitals' | 'ai' | undefined;
  /** Whether there are more rows than shown. */
  more?: boolean;
}

/** The link to a table with all rows, which opens over the report. */
export function DetailsLink({
  links,
  title,
  by,
  table,
}: Pick<FootProps, 'links' | 'title' | 'by' | 'table'>): VNode {
  return (
    <a class="details-link" href={links.details({ by, table: table ?? null })} data-details>
      {REPORT_TEXT.details}
      <span class="visually-hidden"> {REPORT_TEXT.detailsOf(title)}</span>
    </a>
  );
}

/** The end of a panel: the link to its details, and about it: its definition, its time zone, the CSV download and the curl command. */
export function PanelFoot({
  data,
  links,
  apiUrl,
  id,
  title,
  definition,
  by,
  table,
  more = false,
}: FootProps): VNode {
  const { span, asked: filters, zone } = data;
  const endpoint =
    table === 'vitals' ? table : by === 'time' ? 'timeseries' : by === 'goal' ? 'goals' : 'breakdown';
  const asked = { endpoint, span, filters: by === 'bot' ? [] : filters } as const;
  const isBy = endpoint === 'breakdown' || endpoint === 'vitals';
  const curl = apiUrl === null ? null : curlOf({ apiUrl, ...asked, ...(isBy ? { by } : {}) });
  return (
    <div class="panel-end">
      {/* The chart has its own table, and all sites of a roll-up are in the panel. */}
      {by !== 'time' && by !== 'site' && <DetailsLink {...{ links, title, by, table }} />}
      <details class="panel-foot">
        <summary>
          {REPORT_TEXT.about}
          <span class="visually-hidden"> {title}</span>
        </summary>
        <p>{definition}</p>
        <p class="hint">{REPORT_TEXT.panelTime(spanName(span), zone)}</p>
        <p>
          <a href={links.with({ by, ...(table === undefined ? {} : { table }) }, '/rows.csv')} download>
            {more ? REPORT_TEXT.csvAllRows : REPORT_TEXT.csv}
          </a>
        </p>
        {curl !== null && <Copyable id={`curl-${id}`} text={curl} label={REPORT_TEXT.apiRequest(title)} />}
        {curl === null && apiUrl !== null && <p class="hint">{REPORT_TEXT.tooLong}</p>}
      </details>
    </div>
  );
}
