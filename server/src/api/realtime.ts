import { type Static, Type } from 'typebox';
import { MINUTE_MS } from '../domain/clock.ts';
import { siteEndpoint } from './endpoint.ts';
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
    description: 'Most recent page of each visitor, in descending order of visitors; at most 100.',
  }),
  as_of: Instant('Time of the report (ISO 8601, UTC).'),
});
export type Realtime = Static<typeof Realtime>;

export const realtime = siteEndpoint({
  name: 'realtime',
  path: '/v1/sites/{id}/realtime',
  summary: 'Current visitors',
  description: `Visitors in the last ${MINUTES} minutes, and their current pages.`,
  query: Type.Object({}),
  answer: Realtime,
  errors: [],
  rows: 'pages',
  async run({ store, clock, site }) {
    const nowMs = clock.now();
    const { visitors, pages } = await store.reports.realtime(site.id, nowMs - MINUTES * MINUTE_MS);
    return {
      site_id: site.id,
      visitors,
      minutes: MINUTES,
      pages: pages.map(({ path, visitors: there }) => ({ path, visitors: there })),
      as_of: new Date(nowMs).toISOString(),
    };
  },
});
