import { html, redirect } from '../kit/answers.ts';
import type { Answer } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { siteAsk } from '../report/ask.ts';
import { withTypedFilter } from '../report/filter-form.ts';
import { invalidReport } from '../report/problems.ts';
import { invalidReportPage } from '../report/view.tsx';
import { loadMap } from './data.ts';
import { linksOfMap, mapPage } from './view.tsx';

/** Adds the world map of a site, with the period and the filters of its report. */
export function mapPages(router: Router): void {
  router.site('GET', '/dashboard/sites/:id/map', 'look', async (request): Promise<Answer> => {
    const base = `/dashboard/sites/${request.site.id}`;
    const typed = withTypedFilter(request.query);
    if (typed !== null) return redirect(`${base}/map?${typed}`);
    try {
      const data = await loadMap(await siteAsk(router.parts, request));
      return html(mapPage(request, { data, ...linksOfMap(base, request.query) }));
    } catch (error) {
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid));
    }
  });
}
