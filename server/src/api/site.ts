import { type Static, Type } from 'typebox';
import { withCounts } from '../app/sites.ts';
import { siteEndpoint } from './endpoint.ts';
import { TimeZone } from './period.ts';
import { SITE_ITEM } from './sites.ts';

export const SiteDetail = Type.Object({
  ...SITE_ITEM,
  allow_subdomains: Type.Boolean({ description: 'Whether all subdomains of the domain are included.' }),
  extra_hosts: Type.Array(Type.String(), {
    description: 'Additional allowed hosts. A leading "*." allows any subdomain.',
    examples: [['*.example.org']],
  }),
  retention_days: Type.Union([Type.Integer(), Type.Null()], {
    description:
      'Number of days after which events are deleted; null for the server default. Deleting events never changes counts.',
    examples: [null],
  }),
  time_zone: TimeZone,
  merge_trailing_slashes: Type.Boolean({ description: 'Whether /a/ counts as the page /a.' }),
  excluded_pages: Type.Array(Type.String(), {
    description:
      'Excluded pages, in the stored spelling. "*" matches any text. A query or hash that a pattern does not have is ignored.',
    examples: [['/admin/*']],
  }),
  excluded_countries: Type.Array(Type.String(), {
    description: 'Excluded countries (ISO 3166-1 alpha-2).',
    examples: [[]],
  }),
});
export type SiteDetail = Static<typeof SiteDetail>;

export const site = siteEndpoint({
  name: 'site',
  path: '/v1/sites/{id}',
  summary: 'Get a site',
  description: 'One site, with its settings: allowed hosts, exclusions and retention.',
  query: Type.Object({}),
  answer: SiteDetail,
  errors: [],
  async run({ store, account, clock, site: asked, timeZone }) {
    const [item] = await withCounts(store.events, [asked], account, clock.now());
    if (item === undefined) throw new Error('the answer lacks the requested site');
    return {
      ...item,
      allow_subdomains: asked.allowSubdomains,
      extra_hosts: [...asked.extraHosts],
      retention_days: asked.retentionDays,
      time_zone: timeZone,
      merge_trailing_slashes: asked.mergeTrailingSlashes,
      excluded_pages: [...(asked.exclusions?.pages ?? [])],
      excluded_countries: [...(asked.exclusions?.countries ?? [])],
    };
  },
});
