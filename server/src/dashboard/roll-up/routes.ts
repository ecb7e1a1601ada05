import { ROLL_UP_SITES_MAX, rolledUpSites } from '../../app/roll-ups.ts';
import { sitesSeenBy } from '../../app/sites.ts';
import type { Site } from '../../store/contract/store.ts';
import { html, redirect } from '../kit/answers.ts';
import type { Answer, SignedInRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { loadMap } from '../map/data.ts';
import { NO_ANNOTATIONS } from '../report/annotations.tsx';
import { rowsFile } from '../report/csv.ts';
import { loadReport, type ReportAsk } from '../report/data.ts';
import { loadDetails } from '../report/details-data.ts';
import { withTypedFilter } from '../report/filter-form.ts';
import { Links, ROLL_UP_PARAMETERS } from '../report/links.ts';
import { invalidReport } from '../report/problems.ts';
import { rollUpOf } from '../report/subject.ts';
import { suggestionsPart } from '../report/suggestions.tsx';
import { loadSuggestions } from '../report/suggestions-data.ts';
import { ROLL_UP_TEXT } from './text.ts';
import {
  invalidRollUpPage,
  type RollUpFrame,
  rollUpDetailsPage,
  rollUpMapPage,
  rollUpPage,
} from './view.tsx';

const BASE = '/dashboard/roll-up';

/** A request for a page of a roll-up. */
interface RollUpRequest {
  ask: ReportAsk;
  links: Links;
  page: RollUpFrame;
}

/** Adds the report over several sites. The sites are in its address: `site` for each, or `site=all`. */
export function rollUpPages(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  /**
   * Adds a page. Its time zone is that of the user, since those of the sites may differ. A roll-up of one site is its report.
   *
   * @param suffix the end of the path
   */
  const add = (suffix: string, handler: (request: RollUpRequest) => Promise<Answer>) =>
    router.user('GET', `${BASE}${suffix}`, async (request): Promise<Answer> => {
      const { account } = request.user;
      const query = new URLSearchParams([...request.query].filter(([name]) => name !== 'site'));
      const seen = await sitesSeenBy({ registry }, account);
      const pageOf = (sites: readonly Site[]): RollUpFrame => ({
        ...{ frame: request.frame, sites, seen },
        kept: new Links(BASE, query).hidden([]),
      });
      const refuse = (problem: string) =>
        html(invalidRollUpPage(pageOf([]), { problems: [problem], without: null }), 400);
      const sites = await rolledUpSites({ registry }, account, request.query.getAll('site'));
      if (typeof sites === 'number') return refuse(ROLL_UP_TEXT.tooMany(sites, ROLL_UP_SITES_MAX));
      const [first] = sites;
      if (first === undefined) return refuse(ROLL_UP_TEXT.none);
      const links = new Links(BASE, request.query, ROLL_UP_PARAMETERS);
      if (sites.length === 1) return redirect(links.ofSite(first.id));
      const page = pageOf(sites);
      try {
        return await handler({ ask: askOf(request, sites, query), links, page });
      } catch (error) {
        return invalidReport(error, BASE, (invalid) =>
          invalidRollUpPage(page, { ...invalid, without: withoutAll(links) }),
        );
      }
    });

  const askOf = (
    { reports, user }: SignedInRequest,
    sites: readonly Site[],
    query: URLSearchParams,
  ): ReportAsk => ({
    ...{ registry, reports, subject: rollUpOf(sites) },
    ...{ zone: user.account.timeZone, nowMs: parts.clock.now(), query },
  });

  add('', async ({ ask, links, page }) => {
    const filtered = filteredAt(BASE, { ask, links });
    if (filtered !== null) return filtered;
    const data = await loadReport(ask);
    return html(
      rollUpPage(page, {
        ...{ data, links, livePath: null, apiUrl: null, goalsPath: null, annotations: NO_ANNOTATIONS },
        segments: null,
      }),
    );
  });
  add('/details', async ({ ask, links, page }) =>
    html(rollUpDetailsPage(page, { data: await loadDetails(ask), links })),
  );
  add('/rows.csv', ({ ask }) => rowsFile(ask));
  add('/map', async ({ ask, links, page }) => {
    const mapLinks = links.at(`${BASE}/map`);
    return (
      filteredAt(mapLinks.base, { ask, links }) ??
      html(rollUpMapPage(page, { data: await loadMap(ask), links, mapLinks }))
    );
  });
  add('/suggestions', async ({ ask }) => html(suggestionsPart(await loadSuggestions(ask))));
}

/** Leads to a page with the filter that a form describes; null if none was sent. */
function filteredAt(path: string, { ask, links }: Pick<RollUpRequest, 'ask' | 'links'>): Answer | null {
  const filtered = withTypedFilter(ask.query);
  if (filtered === null) return null;
  for (const site of links.sites) filtered.append('site', site);
  return redirect(`${path}?${filtered}`);
}

/** Returns the URL of the roll-up with nothing but its sites. */
function withoutAll({ sites }: Links): string {
  return `${BASE}?${new URLSearchParams(sites.map((site) => ['site', site]))}`;
}
