import type { VNode } from 'preact';
import { dimensionLabel } from '../../domain/dimensions.ts';
import { Notice } from '../kit/elements.tsx';
import { dateTime } from '../kit/format.ts';
import type { SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { curlOf } from '../report/curl.ts';
import type { Links } from '../report/links.ts';
import { AboutAnswer, PageHead } from '../report/page-parts.tsx';
import { REPORT_TEXT } from '../report/text.ts';
import type { SavedData } from '../saved/data.ts';
import { SavedCard, SavedMenu } from '../saved/menu.tsx';
import type { FunnelData } from './data.ts';
import { FunnelForm } from './form.tsx';
import { FunnelSteps, FunnelTable, SplitTable } from './result.tsx';
import { FUNNELS_TEXT } from './text.ts';

export interface FunnelProps {
  data: FunnelData;
  links: Links;
  segments: SavedData;
  saved: SavedData;
  /** The URL of the site in the API. */
  apiUrl: string;
}

/** Creates the page of a site's funnels. */
export function funnelsPage(request: SitePageRequest, props: FunnelProps): string {
  return siteDocument(request, {
    title: FUNNELS_TEXT.title,
    here: 'funnels',
    children: <Funnels {...props} />,
  });
}

function Funnels({ data, links, segments, saved, apiUrl }: FunnelProps): VNode {
  const { zone, problems, result, split, by, eventsSinceMs } = data;
  return (
    <div class="report">
      <PageHead
        {...{ title: FUNNELS_TEXT.title, data, links }}
        menus={
          <>
            <SavedMenu {...segments} />
            <SavedMenu {...saved} />
          </>
        }
      >
        {problems.length > 0 && (
          <Notice kind="wrong">
            {problems.map((problem) => (
              <p>{problem}</p>
            ))}
          </Notice>
        )}
        {eventsSinceMs !== null && (
          <Notice kind="note">{FUNNELS_TEXT.eventsSince(dateTime(eventsSinceMs, zone))}</Notice>
        )}
      </PageHead>
      {result !== null && (
        <section class="card" aria-labelledby="funnel">
          <FunnelSteps steps={data.steps} result={result} />
          <Foot data={data} links={links} apiUrl={apiUrl} />
        </section>
      )}
      {split !== null && by !== null && (
        <section class="card" aria-labelledby="split">
          <h2 id="split">{FUNNELS_TEXT.splitTitle(dimensionLabel(by))}</h2>
          <p class="hint">{FUNNELS_TEXT.splitHint}</p>
          <SplitTable by={by} steps={data.steps} rows={split.rows} />
          <p>
            {!split.isFirst && <a href={links.with({})}>{FUNNELS_TEXT.firstRows}</a>}{' '}
            {split.nextCursor !== null && (
              <a href={links.with({ cursor: split.nextCursor }, '', '#split')}>{FUNNELS_TEXT.nextRows}</a>
            )}
          </p>
        </section>
      )}
      {data.steps.length === 0 && <SavedCard {...saved} />}
      <section class="card" aria-labelledby="steps">
        <h2 id="steps">{FUNNELS_TEXT.steps}</h2>
        <p>{FUNNELS_TEXT.lead}</p>
        <p class="hint">{FUNNELS_TEXT.visit}</p>
        <FunnelForm data={data} links={links} />
      </section>
    </div>
  );
}

/** The details of a funnel: all of its numbers as a table, what they mean, the CSV download and the curl command. */
function Foot({ data, links, apiUrl }: Omit<FunnelProps, 'segments' | 'saved'>): VNode {
  const { span, filters, steps, by, result } = data;
  const curl = curlOf({
    ...{ apiUrl, endpoint: 'funnel', span, filters },
    steps: steps.map(({ text }) => text),
    ...(by === null ? {} : { by }),
  });
  return (
    <>
      <details class="panel-foot">
        <summary>{FUNNELS_TEXT.asTable}</summary>
        {result !== null && <FunnelTable steps={steps} result={result} />}
      </details>
      <AboutAnswer
        {...{ title: FUNNELS_TEXT.title, definition: FUNNELS_TEXT.definition, data, links }}
        csv={by === null ? REPORT_TEXT.csv : REPORT_TEXT.csvAllRows}
        curl={{ id: 'curl-funnel', text: curl, label: FUNNELS_TEXT.apiRequest }}
      />
    </>
  );
}
