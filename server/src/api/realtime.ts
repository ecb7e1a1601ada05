import { type Static, Type } from 'typebox';
import { MINUTE_MS } from '../domain/clock.ts';
import { siteEndpoint } from './endpoint.ts';
import { listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Count, Instant, SiteId } from './schema-parts.ts';

const MINUTES = 5;

const Here = Type.Object({
  path: Type.String({ description: 'The page.', examples: ['/pricing'] }),
  visitors: Count('Visitors whose most recent page this is.', 3),
});

export const Realtime = Type.Object({
  site_id: SiteId,
  visitors: Count(`Visitors with an event in the last ${MINUTES} minutes.`, 7),
  minutes: Type.Integer({ description: 'Length of the time window, in minutes.', examples: [MINUTES] }),
  pages: Type.Array(Here, {
    description: 'Most recent page of each visitor, in descending order of visitors.',
  }),
  next_cursor: NextCursor,
  as_of: Instant('Time of the report (ISO 8601, UTC).'),
});
export type Realtime = Static<typeof Realtime>;

export const realtime = siteEndpoint({
  name: 'realtime',
  path: '/v1/sites/{id}/realtime',
  summary: 'Current visitors',
  description: `Visitors in the last ${MINUTES} minutes, and their current pages.`,
  query: Type.Object(PageQuery),
  answer: Realtime,
  errors: [],
  rows: 'pages',
  async run({ store, clock, site }, { limit = 100, cursor }) {
    const nowMs = clock.now();
    const list = listName('realtime', site.id, {});
    const place = readCursor(list, cursor);
    const { visitors, pages } = await store.reports.realtime(site.id, nowMs - MINUTES * MINUTE_MS);
    // The cursor holds a place instead of an offset: the pages change meanwhile.
    const ordered = pages.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    const rest = place === undefined ? ordered : ordered.filter((page) => placeOf(page) > place);
    const shown = rest.slice(0, limit);
    const last = shown.at(-1);
    return {
      site_id: site.id,
      visitors,
      minutes: MINUTES,
      pages: shown.map(({ path, visitors: there }) => ({ path, visitors: there })),
      next_cursor: writeCursor(list, rest.length > shown.length && last !== undefined ? placeOf(last) : null),
      as_of: new Date(nowMs).toISOString(),
    };
  },
});

const VISITORS_MAX = Number.MAX_SAFE_INTEGER;

/** Returns the sort key of a page: the most visited first, then by path. */
function placeOf({ path, visitors }: { path: string; visitors: number }): string {
  return `${String(VISITORS_MAX - visitors).padStart(16, '0')}\n${path}`;
}
