import { type Static, Type } from 'typebox';
import { writeDate } from '../calendar.ts';
import { ApiError } from '../errors.ts';
import { billingMonth, PLANS } from '../plans.ts';
import { accountEndpoint } from './endpoint.ts';
import { Count, Instant } from './schema-parts.ts';
import { SITE_ITEM, withCounts } from './sites.ts';

const DEFINITION =
  'An event is a page view or any other event that a page or a server reports: received in the billing month (UTC), or dated into it by the server that reports it, deduplicated by id, crawlers left out. Events over the allowance are stored and counted all the same.';

export const UsageItem = Type.Object({
  id: SITE_ITEM.id,
  domain: SITE_ITEM.domain,
  events_this_month: SITE_ITEM.events_this_month,
});

export const Usage = Type.Object({
  month: Type.Object(
    {
      start: Type.String({ format: 'date', description: 'First day.', examples: ['2026-05-01'] }),
      end: Type.String({ format: 'date', description: 'Last day, included.', examples: ['2026-05-31'] }),
    },
    { description: 'The current billing month, in UTC days.' },
  ),
  plan: Type.Enum(['free', 'pro'], { description: 'The plan of the account.' }),
  events_this_month: Count('Of all sites together.', 4_523),
  allowance: Type.Union([Type.Integer(), Type.Null()], {
    examples: [PLANS.free.eventsPerMonth],
    description: 'Events a month that the plan has; null for no limit.',
  }),
  remaining: Type.Union([Type.Integer(), Type.Null()], {
    examples: [5_477],
    description: 'What is left of the allowance, never below 0; null for no limit.',
  }),
  over_allowance: Type.Boolean({
    description: 'Whether more was counted than the plan has. Nothing is refused for it.',
  }),
  sites: Type.Array(UsageItem, { description: 'Oldest first.' }),
  definition: Type.String({ description: 'What is counted, in words.', examples: [DEFINITION] }),
  as_of: Instant('When the numbers were read: ISO 8601, UTC. Every event acknowledged by then is in.'),
});
export type Usage = Static<typeof Usage>;

export const usage = accountEndpoint({
  name: 'usage',
  path: '/v1/usage',
  summary: 'Usage of the account this month',
  description:
    'The billing month, what each site used of it, and the allowance of the plan. About the whole account: a key that is bound to single sites may not ask.',
  query: Type.Object({}),
  answer: Usage,
  errors: [],
  rows: 'sites',
  async run({ store, account, key, clock, sites: ask }) {
    if (key.siteIds !== null) {
      throw new ApiError('SCOPE_REQUIRED', {
        detail: 'Usage is about the whole account, and this API key is bound to single sites.',
      });
    }
    const nowMs = clock.now();
    const { firstDay, lastDay } = billingMonth(nowMs, account.billingAnchorDay);
    const sites = await withCounts(store.events, await ask(), account, clock);
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
