import type { Sighting } from '../../live-feed.ts';
import { billingMonth } from '../../plans.ts';
import { LINES_MAX, type LiveLine, lineOfSighting, recentLines } from '../live-lines.ts';
import { reasonOf } from '../reasons.ts';
import { LIVE_MS } from '../report/data.ts';
import { happeningPage } from '../views/happening.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';
import { siteZone } from './zone.ts';

/** Pages that are named as being looked at. */
const PAGES_MAX = 20;

/** What a browser is told of a sighting. */
export interface LiveMessage {
  what: Sighting['what'];
  host: string;
  path: string | null;
  name: string | null;
  /** Of a refusal, in words. */
  refusal: { title: string; text: string; allowable: boolean } | null;
  /** Events of the site this month, as the API counts them; only after one was counted. */
  month: number | null;
  /** The same as a line of the list of what happened. */
  line: LiveLine;
}

/** What happens on a site, as it happens. */
export function livePages(router: Router): void {
  const { store, clock, feed } = router.parts;

  router.site('GET', '/dashboard/sites/:id/happening', 'look', async (visit) => {
    const { site } = visit;
    const zone = await siteZone(store.registry, visit);
    const now = clock.now();
    // Before the list is read: what comes in between is told again rather than left out.
    const sinceId = feed.lastId;
    const [lines, { visitors, pages }] = await Promise.all([
      recentLines({ reports: store.reports, feed }, { siteId: site.id, zone, nowMs: now }),
      store.reports.realtime(site.id, now - LIVE_MS),
    ]);
    const shown = pages.slice(0, PAGES_MAX);
    return html(happeningPage(visit, { lines, linesMax: LINES_MAX, visitors, pages: shown, zone, sinceId }));
  });

  router.site('GET', '/dashboard/sites/:id/now', 'look', async ({ site }) => {
    const { visitors, pages } = await store.reports.realtime(site.id, clock.now() - LIVE_MS);
    return { kind: 'json', body: { visitors, pages: pages.slice(0, PAGES_MAX) } };
  });

  router.site('GET', '/dashboard/sites/:id/live', 'look', async (visit) => {
    const { site, query, headers, person } = visit;
    const zone = await siteZone(store.registry, visit);
    const after = Number(headers['last-event-id'] ?? query.get('after') ?? Number.NaN);
    const month = async () => {
      const range = billingMonth(clock.now(), person.account.billingAnchorDay);
      return (await store.events.countBySite([site.id], range)).get(site.id) ?? 0;
    };
    return {
      kind: 'stream',
      open(send) {
        // One after the other, since a count takes a moment.
        let last: Promise<unknown> = Promise.resolve();
        let waiting = 0;
        const tell = (sighting: Sighting) => {
          waiting += 1;
          last = last.then(async () => {
            waiting -= 1;
            // In a rush the newest alone is counted for, so that no queue grows behind a slow count.
            const isCounted = sighting.what === 'counted' && waiting === 0;
            const counted = isCounted ? await month().catch(() => null) : null;
            send({ id: sighting.id, data: messageOf(sighting, counted, zone) });
          });
        };
        const stop = feed.listen(site.id, tell);
        if (stop !== null) feed.since(site.id, Number.isFinite(after) ? after : feed.lastId).forEach(tell);
        return stop;
      },
    };
  });
}

function messageOf(sighting: Sighting, month: number | null, zone: string): LiveMessage {
  const { what, host, path, name, reason } = sighting;
  const line = lineOfSighting(sighting, zone);
  if (reason === null) return { what, host, path, name, refusal: null, month, line };
  const { name: title, meaning, advice, allowable } = reasonOf(reason);
  return {
    what,
    host,
    path,
    name,
    refusal: {
      title: host === '' ? title : `${title}: ${host}`,
      text: `${meaning} ${advice}`,
      allowable: allowable && host !== '',
    },
    month,
    line,
  };
}
