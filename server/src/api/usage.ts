import { type Static, Type } from 'typebox';
import { withCounts } from '../app/sites.ts';
import { writeDate } from '../domain/calendar.ts';
import { ApiError } from '../domain/errors.ts';
import { billingMonth, PLANS } from '../domain/plans.ts';
import { accountEndpoint } from './endpoint.ts';
import { Count, Instant } from './schema-parts.ts';
import { SITE_ITEM } from './sites.ts';

const DEFINITION =
  'An event is a page view or any other event sent by a page or a server. It counts in the billing month (UTC) in which it was received, or in that of the time reported with it. Events are deduplicated by id; crawlers are not counted. Events over the monthly limit are still stored and counted.';

const UsageItem = Type.Object({
  id: SITE_ITEM.id,
  domain: SITE_ITEM.domain,
  events_this_month: SITE_ITEM.events_this_month,
});

export const Usage = Type.Object({
  month: Type.Object(
    {
      start: Type.String({ format: 'date', description: 'First day.', examples: ['2026-05-01'] }),
      end: Type.String({ format: 'date', description: 'Last day, inclusive.', examples: ['2026-05-31'] }),
    },
    { description: 'The current billing month, in UTC days.' },
  ),
  plan: Type.Enum(['free', 'pro'], { description: 'The plan of the account.' }),
  events_this_month: Count('Events of all sites in the current billing month.', 4_523),
  allowance: Type.Union([Type.Integer(), Type.Null()], {
    examples: [PLANS.free.eventsPerMonth],
    description: 'Monthly event limit of the plan; null if there is no limit.',
  }),
  remaining: Type.Union([Type.Integer(), Type.Null()], {
    examples: [5_477],
    description: 'Events left this month, never below 0; null if there is no limit.',
  }),
  over_allowance: Type.Boolean({
    description: 'Whether the monthly limit is exceeded. Events over the limit are not refused.',
  }),
  sites: Type.Array(UsageItem, { description: 'Oldest first.' }),
  definition: Type.String({ description: 'Definition of a counted event.', examples: [DEFINITION] }),
  as_of: Instant('Time of the report (ISO 8601, UTC). It includes every event acknowledged before then.'),
});
export type Usage = Static<typeof Usage>;

export const usage = accountEndpoint({
  name: 'usage',
  path: '/v1/usage',
  summary: 'Usage',
  description:
    'The current billing month: events per site and the monthly limit of the plan. Requires an API key for all sites.',
  query: Type.Object({}),
  answer: Usage,
  errors: [],
  rows: 'sites',
  async run({ store, account, key, clock, sites: ask }) {
    if (key.siteIds !== null) {
      throw new ApiError('SCOPE_REQUIRED', {
        detail: 'Usage covers the whole account, but this API key is limited to specific sites.',
      });
    }
    const nowMs = clock.now();
    const { firstDay, lastDay } = billingMonth(nowMs, account.billingAnchorDay);
    const sites = await withCounts(store.events, await ask(), account, nowMs);
    const events = sites.reduce((sum, site) => sum + site.events_this_month, 0);
    const allowance = PLANS[account.plan].eventsPerMonth;
    return {
      month: { start: writeDate(firstDay), end: writeDate(lastDay) },
      plan: account.plan,
      events_this_month: events,
      allowance,
      remaining: allowance === null ? null : Math.max(0, allowance - events),
      over_allowance: allowance !== null && events > allowance,
      sites: sites.map(({ id, domain, events_this_month }) => ({ id, domain, events_this_month })),
      definition: DEFINITION,
      as_of: new Date(nowMs).toISOString(),
    };
  },
});
