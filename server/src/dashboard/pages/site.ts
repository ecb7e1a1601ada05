import { utcDay } from '../../clock.ts';
import type { Dimension, Site } from '../../store/store.ts';
import { may } from '../access.ts';
import { csvRow } from '../export.ts';
import type { Answer, Parts, SiteVisit } from '../parts.ts';
import { LIVE_MS, loadReport, scopeOf } from '../report/data.ts';
import { Links } from '../report/links.ts';
import { PANELS, valueName } from '../report/panels.ts';
import { emptySitePage, installPage, reportPage } from '../views/site.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

const CSV_ROWS_PER_PAGE = 1_000;
const CSV_ROWS_MAX = 100_000;

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
    const { site, query, baseUrl, person } = visit;
    if (!(await hasEvents(parts, site))) return html(emptySitePage(visit, installData(visit)));
    const data = await loadReport({ store, site, zone: person.account.timeZone, nowMs: clock.now(), query });
    const base = `/dashboard/sites/${site.id}`;
    return html(
      reportPage(visit, {
        data,
        links: new Links(base, query),
        livePath: base,
        apiUrl: `${baseUrl}/api/v1/sites/${site.id}`,
      }),
    );
  });

  router.site('GET', '/dashboard/sites/:id/rows.csv', 'look', async ({ site, query, person }) => {
    const by = query.get('by') ?? 'page';
    const { scope, span } = scopeOf({ site, zone: person.account.timeZone, nowMs: clock.now(), query });
    const known =
      by === 'bot' || by.startsWith('prop:') || PANELS.some(({ tabs }) => tabs.some((tab) => tab.by === by));
    const dimension = (known ? by : 'page') as Dimension; // one of those looked up
    return {
      kind: 'file',
      name: `${site.domain}-${dimension}-${span.range}.csv`,
      type: 'text/csv; charset=utf-8',
      body: rowsAsCsv(parts, scope, dimension),
    };
  });

  router.site('GET', '/dashboard/sites/:id/now', 'look', async ({ site }) => ({
    kind: 'json',
    body: await store.reports.realtime(site.id, clock.now() - LIVE_MS),
  }));

  router.site('GET', '/dashboard/sites/:id/install', 'look', async (visit) =>
    html(installPage(visit, installData(visit))),
  );
}

/** Whether anything was ever counted. */
async function hasEvents({ store, clock }: Parts, site: Site): Promise<boolean> {
  const range = { firstDay: 0, lastDay: utcDay(clock.now()) };
  return ((await store.events.countBySite([site.id], range)).get(site.id) ?? 0) > 0;
}

async function* rowsAsCsv(
  { store }: Parts,
  scope: ReturnType<typeof scopeOf>['scope'],
  by: Dimension,
): AsyncGenerator<string> {
  yield csvRow([
    by,
    'name',
    'visitors',
    'visits',
    'pageviews',
    'events',
    'conversions',
    'bounces',
    'engaged_ms',
    'bot_visits',
  ]);
  let rows = 0;
  for (let cursor: string | null | undefined; cursor !== null && rows < CSV_ROWS_MAX; ) {
    const page = await store.reports.breakdown(scope, by, {
      limit: CSV_ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const row of page.rows)
      yield csvRow([
        row.value ?? '',
        valueName(by, row.value),
        row.visitors,
        row.visits,
        row.pageviews,
        row.events,
        row.conversions,
        row.bounces,
        row.engagedMs,
        row.botVisits,
      ]);
    rows += page.rows.length;
    cursor = page.nextCursor;
  }
}
