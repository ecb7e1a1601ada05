import { fieldHint } from '../../app/event-fields.ts';
import { LIVE_MS, type LiveEvent } from '../../app/live-feed.ts';
import { countMonthOfOwners } from '../../app/sites.ts';
import { explanationOf } from '../../domain/outcomes.ts';
import { displayPage } from '../../domain/page-path.ts';
import { html, redirect } from '../kit/answers.ts';
import type { Router } from '../kit/router.ts';
import { siteZone } from '../kit/site-zone.ts';
import { LINES_MAX, type LiveLine, lineOfLiveEvent, recentLines } from './lines.ts';
import { livePage } from './view.tsx';

/** The number of active pages in the list, unless all are asked for. */
const PAGES_MAX = 20;

/** A live event as browsers receive it. */
export interface LiveMessage {
  what: LiveEvent['what'];
  host: string;
  path: string | null;
  name: string | null;
  /** The explanation of a refusal; null if the event was not refused. */
  refusal: { title: string; text: string; allowable: boolean } | null;
  /** The number of the site's events this month, as in the API; null unless the event was counted. */
  month: number | null;
  /** The event as a line of the activity list. */
  line: LiveLine;
}

/** Adds the live page of a site, and its stream. */
export function livePages(router: Router): void {
  const { store, clock, feed } = router.parts;

  router.site('GET', '/dashboard/sites/:id/activity', 'look', async (request) => {
    const { site, reports, query } = request;
    const [cursor, hasAllPages] = [query.get('cursor'), query.get('pages') === 'all'];
    const zone = await siteZone(store.registry, request);
    const now = clock.now();
    // The id is read before the list, so that an event in between is sent twice rather than missed.
    const sinceId = feed.lastId;
    const [{ lines, older }, { visitors, pages }] = await Promise.all([
      recentLines({ reports, feed }, { siteId: site.id, zone, nowMs: now, cursor }),
      reports.realtime(site.id, now - LIVE_MS),
    ]);
    const shown = hasAllPages ? pages : pages.slice(0, PAGES_MAX);
    return html(
      livePage(request, {
        ...{ lines, linesMax: LINES_MAX, older, visitors, pages: shown, zone, sinceId },
        morePages: pages.length - shown.length,
        isLive: cursor === null && !hasAllPages,
      }),
    );
  });

  // The URL of this page in version 0.1, which owners may have bookmarked.
  router.site('GET', '/dashboard/sites/:id/happening', 'look', async ({ site }) =>
    redirect(`/dashboard/sites/${site.id}/activity`),
  );

  router.siteUpdates('/dashboard/sites/:id/now', 'look', async ({ site, reports }) => {
    const { visitors, pages } = await reports.realtime(site.id, clock.now() - LIVE_MS);
    const shown = pages.slice(0, PAGES_MAX).map((page) => ({ ...page, path: displayPage(page.path) }));
    return { kind: 'json', body: { visitors, pages: shown, morePages: pages.length - shown.length } };
  });

  router.siteUpdates('/dashboard/sites/:id/live', 'look', async (request) => {
    const { site, query, headers } = request;
    const zone = await siteZone(store.registry, request);
    const after = Number(headers['last-event-id'] ?? query.get('after') ?? Number.NaN);
    const month = async () => (await countMonthOfOwners(store, [site], clock.now())).get(site.id) ?? 0;
    return {
      kind: 'stream',
      open(send) {
        // Messages are sent one after the other, because counting takes a moment.
        let last: Promise<unknown> = Promise.resolve();
        let waiting = 0;
        const forward = (event: LiveEvent) => {
          waiting += 1;
          last = last.then(async () => {
            waiting -= 1;
            // In a burst only the newest event triggers a count, so that no queue grows behind a slow one.
            const isCounted = event.what === 'counted' && waiting === 0;
            const counted = isCounted ? await month().catch(() => null) : null;
            send({ id: event.id, data: messageOf(event, counted, zone) });
          });
        };
        const stop = feed.listen(site.id, forward);
        if (stop !== null) feed.since(site.id, Number.isFinite(after) ? after : feed.lastId).forEach(forward);
        return stop;
      },
    };
  });
}

function messageOf(event: LiveEvent, month: number | null, zone: string): LiveMessage {
  const { what, host, path, name, reason, field } = event;
  const line = lineOfLiveEvent(event, zone);
  if (reason === null) return { what, host, path, name, refusal: null, month, line };
  const { title, meaning, remedy, allowable } = explanationOf(reason);
  const subject = field === '' ? host : field;
  const hint = fieldHint(field);
  return {
    what,
    host,
    path,
    name,
    refusal: {
      title: subject === '' ? title : `${title}: ${subject}`,
      text: [meaning, hint, remedy].filter((sentence) => sentence !== null).join(' '),
      allowable: allowable && host !== '',
    },
    month,
    line,
  };
}
