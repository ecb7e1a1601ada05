import type { VNode } from 'preact';
import { curlOf } from '../../report/curl.ts';
import type { ReportData } from '../../report/data.ts';
import type { Links } from '../../report/links.ts';
import { Copyable } from '../parts.tsx';

export interface FootProps {
  data: ReportData;
  links: Links;
  /** Of the site in the API; null where there is no key to speak of. */
  apiUrl: string | null;
  /** Of the panel, unique on the page. */
  id: string;
  title: string;
  definition: string;
  /** What the question to the API is: a breakdown by this, or the chart's. */
  by: string | 'time';
  /** Whether there are more rows than shown. */
  more?: boolean;
}

/** What every panel says of itself: definition, time zone, and how to take its numbers along. */
export function PanelFoot({
  data,
  links,
  apiUrl,
  id,
  title,
  definition,
  by,
  more = false,
}: FootProps): VNode {
  const { span, filters, zone } = data;
  const endpoint = by === 'time' ? 'timeseries' : 'breakdown';
  const asked = { endpoint, span, filters: by === 'bot' ? [] : filters } as const;
  const curl = apiUrl === null ? null : curlOf({ apiUrl, ...asked, ...(by === 'time' ? {} : { by }) });
  return (
    <details class="panel-foot">
      <summary>
        About<span class="visually-hidden"> {title}</span>
        {more && ', and all rows'}
      </summary>
      <p>{definition}</p>
      <p class="hint">
        {span.name}. Days begin in {zone}.
      </p>
      <p>
        <a href={links.with({ by }, '/rows.csv')} download>
          All rows as CSV
        </a>
      </p>
      {curl !== null && (
        <Copyable id={`curl-${id}`} text={curl} label={`the question of ${title} to the API`} />
      )}
      {curl === null && apiUrl !== null && (
        <p class="hint">These filters stand for too many values to be one question to the API.</p>
      )}
    </details>
  );
}
