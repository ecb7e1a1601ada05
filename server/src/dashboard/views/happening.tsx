import type { VNode } from 'preact';
import { shownDomain } from '../../hosts.ts';
import type { LiveLine } from '../live-lines.ts';
import type { SiteVisit } from '../parts.ts';
import { siteDocument } from './site-frame.tsx';

export interface HappeningData {
  /** Newest first. */
  lines: readonly LiveLine[];
  linesMax: number;
  visitors: number;
  pages: readonly { path: string; visitors: number }[];
  /** Of the times shown. */
  zone: string;
  /** What happens after this is still to be told. */
  sinceId: number;
}

/** What happens on a site right now. The script goes on where the page ends; without it there is a link. */
export function happeningPage(visit: SiteVisit, data: HappeningData): string {
  const base = `/dashboard/sites/${visit.site.id}`;
  const { lines, visitors, pages, zone, sinceId, linesMax } = data;
  return siteDocument(visit, {
    title: 'Live',
    here: 'live',
    children: (
      <div class="happening" data-happening={base} data-since={sinceId} data-max={linesMax}>
        <section class="card now" aria-labelledby="now-title">
          <h2 id="now-title">Now</h2>
          <p class="now-count">
            <strong data-now-count>{visitors}</strong> <span data-now-word>{word(visitors)}</span>
          </p>
          <p class="hint">In the last five minutes.</p>
          <h3>Pages they are on</h3>
          <ul class="now-pages" data-now-pages>
            {pages.map(({ path, visitors: there }) => (
              <li>
                <span class="now-path">{path}</span>
                <span class="number">{there}</span>
              </li>
            ))}
          </ul>
          <p class="hint" data-now-empty hidden={pages.length > 0}>
            Nobody, at the moment.
          </p>
        </section>
        <section class="card" aria-labelledby="lines-title">
          <div class="head">
            <h2 id="lines-title">Just happened</h2>
            <p class="hint live-state" data-live-state>
              <a href={`${base}/happening`}>Refresh</a>
            </p>
          </div>
          <ol class="happenings" data-lines>
            {lines.map((line) => (
              <Line line={line} />
            ))}
          </ol>
          <p class="hint happening-zone">
            Times are those of {zone}. What was refused is told while the server runs.
          </p>
          <p class="hint" data-lines-empty hidden={lines.length > 0}>
            Nothing in the last half hour. Open a page of {shownDomain(visit.site.domain)} to see it here.
          </p>
        </section>
      </div>
    ),
  });
}

function word(visitors: number): string {
  return visitors === 1 ? 'visitor' : 'visitors';
}

/** One thing that happened. `islands/happening.ts` makes the same of what it is told. */
function Line({ line: { what, kind, title, detail, atMs, time } }: { line: LiveLine }): VNode {
  return (
    <li data-what={what}>
      <span class="happening-kind">{kind}</span>
      <span class="happening-what">
        <span class="happening-title">{title}</span>
        <span class="hint">{detail}</span>
      </span>
      <span class="hint happening-time">
        <time dateTime={new Date(atMs).toISOString()}>{time}</time>
      </span>
    </li>
  );
}
