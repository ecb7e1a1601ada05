import { utcDay } from '../../clock.ts';
import type { Site } from '../../store/store.ts';
import { may } from '../access.ts';
import type { Answer, Parts, SiteVisit } from '../parts.ts';
import { rowsFile } from '../report/csv.ts';
import { loadReport } from '../report/data.ts';
import { withTypedFilter } from '../report/filters.ts';
import { Links } from '../report/links.ts';
import { emptySitePage, installPage, reportPage } from '../views/site.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';
import { siteZone } from './zone.ts';

/** One site: its report, or while it is empty the way to the first event. */
export function sitePages(router: Router): void {
  const { parts } = router;
  const { store, clock, feed, tracker } = parts;

  const installData = (visit: SiteVisit) => ({
    baseUrl: visit.baseUrl,
    tracker,
    allowed: visit.query.get('allowed'),
    check: {
      siteId: visit.site.id,
      domain: visit.site.domain,
      sinceId: feed.lastId,
      mayConfigure: may(visit.role, 'configure'),
    },
  });

  router.site('GET', '/dashboard/sites/:id', 'look', async (visit): Promise<Answer> => {
    const { site, query, baseUrl } = visit;
    const base = `/dashboard/sites/${site.id}`;
    const filtered = withTypedFilter(query);
    if (filtered !== null) return { kind: 'redirect', to: `${base}?${filtered}` };
    if (!(await hasEvents(parts, site))) return html(emptySitePage(visit, installData(visit)));
    const data = await loadReport({
      store,
      site,
      zone: await siteZone(store.registry, visit),
      nowMs: clock.now(),
      query,
    });
    return html(
      reportPage(visit, {
        data,
        links: new Links(base, query),
        livePath: base,
        apiUrl: `${baseUrl}/api/v1/sites/${site.id}`,
      }),
    );
  });

  router.site('GET', '/dashboard/sites/:id/rows.csv', 'look', async (visit) =>
    rowsFile({
      ...{
        store,
        site: visit.site,
        zone: await siteZone(store.registry, visit),
        nowMs: clock.now(),
        query: visit.query,
      },
    }),
  );

  router.site('GET', '/dashboard/sites/:id/install', 'look', async (visit) =>
    html(installPage(visit, installData(visit))),
  );
}

/** Whether anything was ever counted. */
async function hasEvents({ store, clock }: Parts, site: Site): Promise<boolean> {
  const range = { firstDay: 0, lastDay: utcDay(clock.now()) };
  return ((await store.events.countBySite([site.id], range)).get(site.id) ?? 0) > 0;
}
