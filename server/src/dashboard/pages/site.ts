import { utcDay } from '../../clock.ts';
import { may } from '../access.ts';
import type { Answer, SiteVisit } from '../parts.ts';
import { emptySitePage, installPage } from '../views/site.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

/** One site: its report, or while it is empty the way to the first event. */
export function sitePages(router: Router): void {
  const { store, clock, feed, tracker } = router.parts;

  const installData = (visit: SiteVisit) => ({
    baseUrl: visit.baseUrl,
    tracker,
    check: {
      siteId: visit.site.id,
      domain: visit.site.domain,
      sinceId: feed.lastId,
      mayConfigure: may(visit.role, 'configure'),
    },
  });

  router.site('GET', '/dashboard/sites/:id', 'look', async (visit): Promise<Answer> => {
    const today = utcDay(clock.now());
    const range = { firstDay: utcDay(visit.site.createdAtMs), lastDay: today };
    const counted = (await store.events.countBySite([visit.site.id], range)).get(visit.site.id) ?? 0;
    return html(emptySitePage(visit, { ...installData(visit), counted }));
  });

  router.site('GET', '/dashboard/sites/:id/install', 'look', async (visit) =>
    html(installPage(visit, installData(visit))),
  );
}
