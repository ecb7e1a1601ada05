import type { VNode } from 'preact';
import { shownDomain } from '../../domain/hosts.ts';
import { displayPage } from '../../domain/page-path.ts';
import type { SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import type { LiveLine } from './lines.ts';
import { LIVE_TEXT } from './text.ts';

export interface LiveData {
  /** The lines of recent activity, newest first. */
  lines: readonly LiveLine[];
  linesMax: number;
  /** The cursor of the next page of lines; null if there are no older ones. */
  older: string | null;
  visitors: number;
  /** The number of active pages that are not in `pages`. */
  morePages: number;
  /** Whether the script of the page keeps it up to date. */
  isLive: boolean;
  pages: readonly { path: string; visitors: number }[];
  /** The time zone of the times shown. */
  zone: string;
  /** The id after which the stream starts. */
  sinceId: number;
}

/** Creates the live page. The script keeps it up to date; without JavaScript, a link refreshes it. */
export function livePage(request: SitePageRequest, data: LiveData): string {
  const base = `/dashboard/sites/${request.site.id}`;
  const { lines, older, visitors, pages, morePages, isLive, zone, sinceId, linesMax } = data;
  return siteDocument(request, {
    title: LIVE_TEXT.title,
    here: 'live',
    children: (
      <div
        class="activity"
        data-activity={isLive ? base : undefined}
        data-since={sinceId}
        data-max={linesMax}
      >
        <section class="card now" aria-labelledby="now-title">
          <h2 id="now-title">{LIVE_TEXT.now}</h2>
          <p class="now-count">
            <strong data-now-count>{visitors}</strong>{' '}
            <span data-now-word>{LIVE_TEXT.visitors(visitors)}</span>
          </p>
          <p class="hint">{LIVE_TEXT.within}</p>
          <h3>{LIVE_TEXT.pages}</h3>
          <ul class="now-pages" data-now-pages>
            {pages.map(({ path, visitors: there }) => (
              <li>
                <bdi class="now-path">{displayPage(path)}</bdi>
                <span class="number">{there}</span>
              </li>
            ))}
          </ul>
          <p class="hint" data-now-more hidden={morePages === 0}>
            <a href={`${base}/activity?pages=all`}>{LIVE_TEXT.morePages(morePages)}</a>
          </p>
          <p class="hint" data-now-empty hidden={pages.length > 0}>
            {LIVE_TEXT.noPages}
          </p>
        </section>
        <section class="card" aria-labelledby="lines-title">
          <div class="head">
            <h2 id="lines-title">{LIVE_TEXT.activity}</h2>
            <p class="hint live-state" data-live-state>
              <a href={`${base}/activity`}>{isLive ? LIVE_TEXT.refresh : LIVE_TEXT.newest}</a>
            </p>
          </div>
          <ol class="activity-lines" data-lines>
            {lines.map((line) => (
              <Line line={line} />
            ))}
          </ol>
          {older !== null && (
            <p>
              <a href={`${base}/activity?cursor=${encodeURIComponent(older)}`}>{LIVE_TEXT.older}</a>
            </p>
          )}
          <p class="hint activity-zone">{LIVE_TEXT.zone(zone.replaceAll('_', ' '))}</p>
          <p class="hint" data-lines-empty hidden={lines.length > 0}>
            {LIVE_TEXT.noActivity(shownDomain(request.site.domain))}
          </p>
        </section>
      </div>
    ),
  });
}

/** One line of activity. `island-activity.ts` creates the same markup. */
function Line({ line: { what, kind, title, detail, atMs, time, group } }: { line: LiveLine }): VNode {
  return (
    <li data-what={what} data-group={group ?? undefined}>
      <span class="activity-kind">{kind}</span>
      <span class="activity-what">
        <bdi class="activity-title">{title}</bdi>
        <bdi class="hint">{detail}</bdi>
      </span>
      <span class="hint activity-time">
        <time dateTime={new Date(atMs).toISOString()}>{time}</time>
      </span>
    </li>
  );
}
