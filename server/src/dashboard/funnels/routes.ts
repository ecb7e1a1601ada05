import { html } from '../kit/answers.ts';
import type { Answer, SiteRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { siteAsk } from '../report/ask.ts';
import { withTypedFilter } from '../report/filter-form.ts';
import { Links } from '../report/links.ts';
import { invalidReport } from '../report/problems.ts';
import { loadSegments } from '../report/segments.ts';
import { invalidReportPage } from '../report/view.tsx';
import { savedPages } from '../saved/routes.ts';
import { funnelFile } from './csv.ts';
import { FUNNEL_PARAMETERS, loadFunnel } from './data.ts';
import { loadSavedFunnels, SAVED_FUNNELS } from './saved.ts';
import { withTypedSteps } from './steps.ts';
import { funnelsPage } from './view.tsx';

/** Adds the page of a site's funnels, and their CSV file. The URL has the whole funnel. */
export function funnelPages(router: Router): void {
  const baseOf = ({ site }: SiteRequest) => `/dashboard/sites/${site.id}/funnels`;
  savedPages(router, SAVED_FUNNELS);

  router.site('GET', '/dashboard/sites/:id/funnels', 'look', async (request): Promise<Answer> => {
    const { query, baseUrl, site } = request;
    const base = baseOf(request);
    const typed = withTypedSteps(query) ?? withTypedFilter(query);
    if (typed !== null) return { kind: 'redirect', to: `${base}?${typed}` };
    try {
      const data = await loadFunnel(await siteAsk(router.parts, request));
      const links = new Links(base, query, FUNNEL_PARAMETERS);
      const { registry } = router.parts.store;
      const props = {
        ...{ data, links },
        segments: await loadSegments(registry, request, links, 'funnels'),
        saved: await loadSavedFunnels(registry, request, links),
        apiUrl: `${baseUrl}/api/v1/sites/${site.id}`,
      };
      return html(funnelsPage(request, props), data.problems.length > 0 ? 400 : 200);
    } catch (error) {
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid, 'funnels'));
    }
  });

  router.site('GET', '/dashboard/sites/:id/funnels/rows.csv', 'look', async (request) => {
    try {
      return await funnelFile(await siteAsk(router.parts, request));
    } catch (error) {
      return invalidReport(error, baseOf(request), (invalid) =>
        invalidReportPage(request, invalid, 'funnels'),
      );
    }
  });
}
