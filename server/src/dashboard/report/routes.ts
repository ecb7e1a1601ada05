import { may } from '../../app/access.ts';
import { addAnnotation } from '../../app/annotations.ts';
import { lostEventsIn } from '../../app/reports/lost-events.ts';
import { utcDay } from '../../domain/clock.ts';
import type { Site } from '../../store/contract/store.ts';
import { readChoice } from '../install/choice.ts';
import { missingKeyOf } from '../install/missing-key.ts';
import { policyFor, scriptUrl } from '../install/snippets.ts';
import { CHECK_WAIT_MS } from '../install/text.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import type { Answer, Parts, SitePageRequest, SiteRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { savedPages } from '../saved/routes.ts';
import { siteAsk } from './ask.ts';
import { chartNotes } from './chart-notes.ts';
import { rowsFile } from './csv.ts';
import { loadReport } from './data.ts';
import { loadDetails } from './details-data.ts';
import { withTypedFilter } from './filter-form.ts';
import { Links } from './links.ts';
import { invalidReport } from './problems.ts';
import { loadSegments, SEGMENTS } from './segments.ts';
import { suggestionsPart } from './suggestions.tsx';
import { loadSuggestions } from './suggestions-data.ts';
import {
  detailsPage,
  emptySitePage,
  type InstallData,
  installPage,
  invalidReportPage,
  reportPage,
} from './view.tsx';

/** Adds the page of a site: its report, or installation help until the first event. */
export function sitePages(router: Router): void {
  const { parts } = router;
  const { store, clock, feed, tracker } = parts;
  savedPages(router, SEGMENTS);

  const installData = async ({ site, baseUrl, query, role }: SiteRequest): Promise<InstallData> => {
    const choice = readChoice(query);
    return {
      baseUrl,
      tracker,
      choice,
      allowed: query.get('allowed'),
      check: {
        siteId: site.id,
        domain: site.domain,
        sinceId: feed.lastId,
        mayConfigure: may(role, 'configure'),
        silentHost: feed.silentSince(site.id, clock.now() - CHECK_WAIT_MS)?.host ?? null,
        scriptUrl: scriptUrl({ baseUrl, tracker, choice }),
        policy: policyFor(baseUrl),
      },
      missingKey: await missingKeyOf(parts, site),
    };
  };

  /** @param problem what is wrong with a form of the page */
  const reportAnswer = async (request: SitePageRequest, problem?: string): Promise<Answer> => {
    const { site, query, baseUrl, role, frame } = request;
    const base = `/dashboard/sites/${site.id}`;
    try {
      const data = await loadReport(await siteAsk(parts, request));
      const links = new Links(base, query);
      const { firstDay, lastDay } = data.span;
      const [annotations, lost, segments] = await Promise.all([
        store.registry.annotationsOf(site.id, { firstDay, lastDay }),
        lostEventsIn(store, { site, zone: data.zone, span: data.span }),
        loadSegments(store.registry, request, links, 'report'),
      ]);
      const mayConfigure = may(role, 'configure');
      const page = reportPage(request, {
        ...{ data, links, livePath: base },
        apiUrl: `${baseUrl}/api/v1/sites/${site.id}`,
        goalsPath: mayConfigure ? `${base}/settings/goals` : null,
        annotations: {
          list: chartNotes(annotations, lost),
          form: mayConfigure
            ? { frame, path: `${base}/annotations`, query: links.query, day: lastDay }
            : null,
        },
        segments,
        ...(problem === undefined ? {} : { problem }),
      });
      return html(page, problem === undefined ? 200 : 422);
    } catch (error) {
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid));
    }
  };

  router.site('GET', '/dashboard/sites/:id', 'look', async (request): Promise<Answer> => {
    const { site, query } = request;
    const filtered = withTypedFilter(query);
    if (filtered !== null) return redirect(`/dashboard/sites/${site.id}?${filtered}`);
    if (!(await hasEvents(parts, site))) return html(emptySitePage(request, await installData(request)));
    return reportAnswer(request);
  });

  router.site('POST', '/dashboard/sites/:id/annotations', 'configure', async (request) => {
    const { site, form } = request;
    const query = new URLSearchParams(form.get('query') ?? '');
    return orAgain(
      async () => {
        const typed = { date: form.get('note-date') ?? '', text: form.get('note-text') ?? '' };
        await addAnnotation({ registry: store.registry, clock }, site.id, typed);
        return redirect(reportAt(site, query));
      },
      ({ message }) => reportAnswer({ ...request, query }, message),
    );
  });

  router.site('POST', '/dashboard/sites/:id/annotations/remove', 'configure', async ({ site, form }) => {
    await store.registry.removeAnnotation(site.id, form.get('id') ?? '');
    return redirect(reportAt(site, new URLSearchParams(form.get('query') ?? '')));
  });

  router.site('GET', '/dashboard/sites/:id/details', 'look', async (request) => {
    const base = `/dashboard/sites/${request.site.id}`;
    try {
      const data = await loadDetails(await siteAsk(parts, request));
      return html(detailsPage(request, { data, links: new Links(base, request.query) }));
    } catch (error) {
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid));
    }
  });

  router.site('GET', '/dashboard/sites/:id/rows.csv', 'look', async (request) => {
    try {
      return await rowsFile(await siteAsk(parts, request));
    } catch (error) {
      const base = `/dashboard/sites/${request.site.id}`;
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid));
    }
  });

  router.site('GET', '/dashboard/sites/:id/suggestions', 'look', async (request) => {
    try {
      return html(suggestionsPart(await loadSuggestions(await siteAsk(parts, request))));
    } catch (error) {
      const base = `/dashboard/sites/${request.site.id}`;
      return invalidReport(error, base, (invalid) => invalidReportPage(request, invalid));
    }
  });

  router.site('GET', '/dashboard/sites/:id/install', 'look', async (request) =>
    html(installPage(request, await installData(request))),
  );
}

/** Returns the URL of a report, with those of the parameters that it has. */
function reportAt({ id }: Site, query: URLSearchParams): string {
  return new Links(`/dashboard/sites/${id}`, query).with({});
}

/** Whether the site has ever counted an event. */
async function hasEvents({ store, clock }: Parts, site: Site): Promise<boolean> {
  const range = { firstDay: 0, lastDay: utcDay(clock.now()) };
  return ((await store.events.countBySite([site.id], range)).get(site.id) ?? 0) > 0;
}
