import { html } from '../kit/answers.ts';
import type { Answer } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { siteAsk } from '../report/ask.ts';
import { withTypedFilter } from '../report/filter-form.ts';
import { Links } from '../report/links.ts';
import { invalidReport } from '../report/problems.ts';
import { loadSegments } from '../report/segments.ts';
import { invalidReportPage } from '../report/view.tsx';
import { journeysFile } from './csv.ts';
import { JOURNEY_PARAMETERS, loadJourneys } from './data.ts';
import { journeysPage } from './view.tsx';

/** Adds the page of a site's journeys, and their CSV file. */
export function journeyPages(router: Router): void {
  router.site('GET', '/dashboard/sites/:id/journeys', 'look', async (request): Promise<Answer> => {
    const { query, baseUrl, site } = request;
    const base = `/dashboard/sites/${site.id}/journeys`;
    const typed = withTypedFilter(query);
    if (typed !== null) return { kind: 'redirect', to: `${base}?${typed}` };
    try {
      const data = await loadJourneys(await siteAsk(router.parts, request));
      const links = new Links(base, query, JOURNEY_PARAMETERS);
      const apiUrl = `${baseUrl}/api/v1/sites/${site.id}`;
      const segments = await loadSegments(router.parts.store.registry, request, links, 'journeys');
      return html(
        journeysPage(request, { data, links, segments, apiUrl }),
        data.problem === null ? 200 : 400,
      );
    } catch (error) {
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid, 'journeys'));
    }
  });

  router.site('GET', '/dashboard/sites/:id/journeys/rows.csv', 'look', async (request) => {
    try {
      return await journeysFile(await siteAsk(router.parts, request));
    } catch (error) {
      const base = `/dashboard/sites/${request.site.id}/journeys`;
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid, 'journeys'));
    }
  });
}
