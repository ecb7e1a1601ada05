import { type Static, Type } from 'typebox';
import { siteEndpoint } from './endpoint.ts';
import { TimeZone } from './period.ts';
import { SITE_ITEM, withCounts } from './sites.ts';

export const SiteDetail = Type.Object({
  ...SITE_ITEM,
  allow_subdomains: Type.Boolean({ description: 'Whether pages on subdomains of the domain count.' }),
  extra_hosts: Type.Array(Type.String(), {
    description: 'Further hosts whose pages count; "*." at the front means any subdomain.',
    examples: [['*.example.org']],
  }),
  retention_days: Type.Union([Type.Integer(), Type.Null()], {
    description:
      'Events older than this many days are deleted; null: as the installation says. What was counted stays counted.',
    examples: [null],
  }),
  time_zone: TimeZone,
  excluded_pages: Type.Array(Type.String(), {
    description: 'Paths whose views are left out; "*" stands for any text.',
    examples: [['/admin/*']],
  }),
  excluded_countries: Type.Array(Type.String(), {
    description: 'Countries whose visitors are left out: ISO 3166-1 alpha-2.',
    examples: [[]],
  }),
});
export type SiteDetail = Static<typeof SiteDetail>;

export const site = siteEndpoint({
  name: 'site',
  path: '/v1/sites/{id}',
  summary: 'One site',
  description: 'What the list of sites says of one of them, and the rules that hold for it.',
  query: Type.Object({}),
  answer: SiteDetail,
  errors: [],
  async run({ store, account, clock, site: asked, timeZone }) {
    const [item] = await withCounts(store.events, [asked], account, clock);
    if (item === undefined) throw new Error('a site that was asked for is missing in the answer');
    return {
      ...item,
      allow_subdomains: asked.allowSubdomains,
      extra_hosts: [...asked.extraHosts],
      retention_days: asked.retentionDays,
      time_zone: timeZone,
      excluded_pages: [...(asked.exclusions?.pages ?? [])],
      excluded_countries: [...(asked.exclusions?.countries ?? [])],
    };
  },
});
