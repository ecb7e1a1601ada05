import { may } from '../../app/access.ts';
import { utcDay } from '../../domain/clock.ts';
import type { Site } from '../../store/contract/store.ts';
import { html } from '../kit/answers.ts';
import type { Answer, Parts, SiteRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { siteZone } from '../kit/site-zone.ts';
import { rowsFile } from './csv.ts';
import { loadReport } from './data.ts';
import { withTypedFilter } from './filters.ts';
import { Links } from './links.ts';
import { emptySitePage, installPage, reportPage } from './view.tsx';

/** Adds the page of a site: its report, or installation help until the first event. */
export function sitePages(router: Router): void {
  const { parts } = router;
  const { store, clock, feed, tracker } = parts;

  const installData = (request: SiteRequest) => ({
    baseUrl: request.baseUrl,
    tracker,
    allowed: request.query.get('allowed'),
    check: {
      siteId: request.site.id,
      domain: request.site.domain,
      sinceId: feed.lastId,
      mayConfigure: may(request.role, 'configure'),
    },
  });

  router.site('GET', '/dashboard/sites/:id', 'look', async (request): Promise<Answer> => {
    const { site, query, baseUrl, reports } = request;
    const base = `/dashboard/sites/${site.id}`;
    const filtered = withTypedFilter(query);
    if (filtered !== null) return { kind: 'redirect', to: `${base}?${filtered}` };
    if (!(await hasEvents(parts, site))) return html(emptySitePage(request, installData(request)));
    const data = await loadReport({
      registry: store.registry,
      reports,
      site,
      zone: await siteZone(store.registry, request),
      nowMs: clock.now(),
      query,
    });
    return html(
      reportPage(request, {
        data,
        links: new Links(base, query),
        livePath: base,
        apiUrl: `${baseUrl}/api/v1/sites/${site.id}`,
      }),
    );
  });

  router.site('GET', '/dashboard/sites/:id/rows.csv', 'look', async (request) =>
    rowsFile({
      registry: store.registry,
      reports: request.reports,
      site: request.site,
      zone: await siteZone(store.registry, request),
      nowMs: clock.now(),
      query: request.query,
    }),
  );

  router.site('GET', '/dashboard/sites/:id/install', 'look', async (request) =>
    html(installPage(request, installData(request))),
  );
}

/** Whether the site has ever counted an event. */
async function hasEvents({ store, clock }: Parts, site: Site): Promise<boolean> {
  const range = { firstDay: 0, lastDay: utcDay(clock.now()) };
  return ((await store.events.countBySite([site.id], range)).get(site.id) ?? 0) > 0;
}
