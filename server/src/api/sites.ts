import { type Static, Type } from 'typebox';
import { withCounts } from '../app/sites.ts';
import { accountEndpoint } from './endpoint.ts';
import { Count } from './schema-parts.ts';

export const SITE_ITEM = {
  id: Type.String({
    description: 'Unique site identifier. Use this in other API endpoints.',
    examples: ['site_abc123'],
  }),
  domain: Type.String({
    description: 'The website domain (e.g., "example.com").',
    examples: ['example.com'],
  }),
  key: Type.String({
    description: 'Site tracking key for the client-side script.',
    examples: ['ak_xyz789'],
  }),
  events_this_month: Count('Total events tracked in the current billing month.', 4_523),
  created_at: Type.String({
    format: 'date-time',
    description: 'ISO 8601 timestamp when the site was added.',
    examples: ['2024-01-15T10:30:00.000Z'],
  }),
};
export const SiteItem = Type.Object(SITE_ITEM);
export type SiteItem = Static<typeof SiteItem>;

export const SiteList = Type.Object({ sites: Type.Array(SiteItem, { description: 'Oldest first.' }) });
export type SiteList = Static<typeof SiteList>;

export const sites = accountEndpoint({
  name: 'sites',
  path: '/v1/sites',
  summary: 'List all sites',
  description:
    'All sites of the account that the API key can access, oldest first, with their site keys and the events of the current billing month.',
  query: Type.Object({}),
  ignoresQuery: true,
  answer: SiteList,
  errors: [],
  rows: 'sites',
  async run({ store, account, clock, sites: ask }) {
    return { sites: await withCounts(store.events, await ask(), account, clock.now()) };
  },
});
