import { type Static, Type } from 'typebox';
import { MINUTE_MS } from '../clock.ts';
import { siteEndpoint } from './endpoint.ts';

const MINUTES = 5;

export const Realtime = Type.Object({
  site_id: Type.String(),
  visitors: Type.Integer({
    minimum: 0,
    description: `Visitors with an event in the last ${MINUTES} minutes.`,
  }),
  minutes: Type.Integer({ description: 'How far back "now" reaches.' }),
  pages: Type.Array(Type.Object({ path: Type.String(), visitors: Type.Integer({ minimum: 0 }) }), {
    description: 'The page that each of them saw last, largest first.',
  }),
  as_of: Type.String({ description: 'When the numbers were read: ISO 8601, UTC.' }),
});
export type Realtime = Static<typeof Realtime>;

export const realtime = siteEndpoint({
  name: 'realtime',
  path: '/v1/sites/{id}/realtime',
  summary: 'Who is there now',
  description: `Visitors of the last ${MINUTES} minutes, and where they are.`,
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
