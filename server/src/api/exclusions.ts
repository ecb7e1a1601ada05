import { type Static, type TSchema, Type } from 'typebox';
import {
  changedExclusions,
  DRY_RUN_EVENTS_MAX,
  dryRunExclusions,
  type ExclusionsDryRun,
  setExclusions,
} from '../app/exclusions.ts';
import { UseCaseError } from '../app/use-case-error.ts';
import { ApiError, type ErrorCode } from '../domain/errors.ts';
import { type AllExclusions, allExclusions, type TypedExclusions } from '../domain/exclusions.ts';
import type { Site } from '../store/contract/store.ts';
import { bodyReader } from './body.ts';
import { type SiteRequestContext, siteEndpoint } from './endpoint.ts';
import { Count, SiteId } from './schema-parts.ts';

/** The exclusions of a site: reading them, changing them, and testing a change on the events of the last days. */

const list = (description: string, example: readonly string[]) =>
  Type.Array(Type.String(), { description, examples: [[...example]] });

const LISTS = {
  pages: list('Pages. "*" matches any text. A query or hash that an entry does not have is ignored.', [
    '/admin/*',
  ]),
  countries: list('Countries (ISO 3166-1 alpha-2).', []),
  addresses: list(
    'IP addresses and networks (CIDR) of visitors. They are compared in memory; no address is stored with events.',
    ['203.0.113.9', '2001:db8:1:2::/64'],
  ),
  referrers: list(
    'Hosts of referrers, each with its subdomains. "*" matches any text. Only the page view that comes from there is excluded, not what the visitor opens next.',
    ['spam.example'],
  ),
  hosts: list('Hosts of pages. "*" matches any text.', ['staging.example.com']),
  user_agents: list('Parts of user agents, ignoring case. "*" matches any text.', ['MyMonitor/*']),
};

const SWITCHES = {
  referrer_spam: Type.Boolean({
    description: 'Whether known referrer spam is excluded. Default: true.',
    examples: [true],
  }),
  data_centers: Type.Boolean({
    description:
      'Whether visitors from networks of hosting providers are excluded. Has an effect only if the server has an ASN_DATABASE. Default: false.',
    examples: [false],
  }),
};

export const SiteExclusions = Type.Object({ site_id: SiteId, ...LISTS, ...SWITCHES });
export type SiteExclusions = Static<typeof SiteExclusions>;

export const exclusions = siteEndpoint({
  name: 'exclusions',
  path: '/v1/sites/{id}/exclusions',
  summary: 'Exclusions',
  description: 'The traffic that a site does not count. Excluded events are in the ledger, with the reason.',
  query: Type.Object({}),
  answer: SiteExclusions,
  errors: [],
  run: async ({ site }) => describeSite(site),
});

function describeSite(site: Site): SiteExclusions {
  return { site_id: site.id, ...described(allExclusions(site.exclusions)) };
}

function described(all: AllExclusions): Omit<SiteExclusions, 'site_id'> {
  return {
    ...{ pages: [...all.pages], countries: [...all.countries], addresses: [...all.addresses] },
    ...{ referrers: [...all.referrers], hosts: [...all.hosts], user_agents: [...all.agents] },
    ...{ referrer_spam: all.referrerSpam, data_centers: all.dataCenters },
  };
}

const optional = <Parts extends Record<string, TSchema>>(parts: Parts) =>
  Type.Partial(Type.Object(parts)).properties;

export const ExclusionsChange = Type.Object(
  {
    ...optional(LISTS),
    ...optional(SWITCHES),
    dry_run: Type.Optional(
      Type.Boolean({
        description: 'True to change nothing, and test the change on the events of the last days.',
        examples: [true],
      }),
    ),
  },
  {
    description:
      'The lists to replace. Omitted parts stay as they are; an empty list excludes nothing. Unknown fields are refused, except site_id.',
  },
);
type ExclusionsChange = Static<typeof ExclusionsChange>;

const DryRun = Type.Object({
  days: Type.Integer({ description: 'Number of days that were tested, up to now.', examples: [7] }),
  events: Count('Counted events that were tested.', 1_204),
  excluded: Count('Events among them that would have been excluded.', 31),
  reasons: Type.Record(Type.String(), Type.Integer(), {
    description: 'Excluded events by reason, as in the ledger.',
    examples: [{ 'excluded-page': 31 }],
  }),
  unknown: Type.Array(Type.String(), {
    description:
      'Rules that cannot be tested, because nothing about them is stored with events: addresses, user_agents, data_centers.',
    examples: [['addresses']],
  }),
  since: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: `Time of the oldest event that was tested, if there were more than ${DRY_RUN_EVENTS_MAX}; otherwise null.`,
    examples: [null],
  }),
});

export const ChangedExclusions = Type.Object({
  ...SiteExclusions.properties,
  dry_run: Type.Union([DryRun, Type.Null()], {
    description: 'Result of the dry run; null if the change was saved.',
  }),
});
export type ChangedExclusions = Static<typeof ChangedExclusions>;

/** The largest body: the longest lists. */
const EXCLUSIONS_MAX_BYTES = 512 * 1024;

/** The documentation of the operation. */
export const changeExclusions = {
  name: 'changeExclusions',
  path: exclusions.path,
  bodyLimit: EXCLUSIONS_MAX_BYTES,
  summary: 'Change exclusions',
  description:
    'Replaces lists of a site’s exclusions, or tests new ones with dry_run. Changes take effect within a second. Events that were already counted stay counted.',
  body: ExclusionsChange,
  answer: ChangedExclusions,
  errors: ['INVALID_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] satisfies ErrorCode[],
};

/** The response of GET, which has the ID of the site, can be sent back. */
const readChange = bodyReader(ExclusionsChange, ['site_id']);

/**
 * Changes the exclusions of a site, or tests the change.
 *
 * @throws ApiError INVALID_REQUEST if the body or an entry is invalid
 */
export async function takeExclusions(
  { store, clock, site }: Pick<SiteRequestContext, 'store' | 'clock' | 'site'>,
  body: unknown,
): Promise<ChangedExclusions> {
  const { dry_run: isDryRun = false, ...change } = readChange(body);
  const changed = changedExclusions(site, typedOf(change));
  try {
    if (!isDryRun) {
      const saved = await setExclusions({ registry: store.registry, clock }, site.id, changed);
      return { ...describeSite(saved), dry_run: null };
    }
    const { exclusions: tested, run } = await dryRunExclusions({ ...store, clock }, site, changed, null);
    return { site_id: site.id, ...described(allExclusions(tested)), dry_run: describeRun(run) };
  } catch (error) {
    if (error instanceof UseCaseError) throw new ApiError('INVALID_REQUEST', { detail: error.message });
    throw error;
  }
}

function typedOf(change: Omit<ExclusionsChange, 'dry_run'>): TypedExclusions {
  const { user_agents: agents, referrer_spam: referrerSpam, data_centers: dataCenters, ...lists } = change;
  return {
    ...lists,
    ...(agents === undefined ? {} : { agents }),
    ...(referrerSpam === undefined ? {} : { referrerSpam }),
    ...(dataCenters === undefined ? {} : { dataCenters }),
  };
}

function describeRun({ days, counted, leftOut, reasons, unknown, sinceMs }: ExclusionsDryRun) {
  return {
    ...{ days, events: counted, excluded: leftOut, reasons },
    unknown: [...unknown],
    since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
  };
}
