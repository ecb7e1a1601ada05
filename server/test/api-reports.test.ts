import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Breakdown } from '../src/api/breakdown.ts';
import type { EventItem, EventList } from '../src/api/events.ts';
import type { Goals } from '../src/api/goals.ts';
import type { Ledger } from '../src/api/ledger.ts';
import type { Realtime } from '../src/api/realtime.ts';
import type { SiteDetail } from '../src/api/site.ts';
import type { SiteList } from '../src/api/sites.ts';
import type { Stats } from '../src/api/stats.ts';
import type { Timeseries } from '../src/api/timeseries.ts';
import type { Usage } from '../src/api/usage.ts';
import { addGoal } from '../src/app/goals.ts';
import { bucketsOf, readDate } from '../src/domain/calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';
import { billingMonth } from '../src/domain/plans.ts';
import type { Account, EventEntry, Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { NOON_MS } from './support/clock.ts';
import { bot, event, refusal } from './support/entries.ts';
import { Random } from './support/random.ts';

/** The API's numbers: over real sockets, from a real store, on a clock that the tests set. */

let api: ApiWorld;

beforeAll(async () => {
  api = await ApiWorld.open();
});

// Each test has its own minute, so that none uses up another's rate limit.
beforeEach(() => api.world.clock.advance(MINUTE_MS));

afterAll(() => api.close());

async function append(
  entries: readonly Parameters<typeof api.world.store.events.append>[0][],
): Promise<void> {
  await Promise.all(entries.map((entry) => api.world.store.events.append(entry)));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

async function everyEvent(
  apiKey: string,
  siteId: string,
  query: string,
  limit: number,
): Promise<EventItem[]> {
  const all: EventItem[] = [];
  for (let cursor = ''; ; ) {
    const page = await api.read<EventList>(
      apiKey,
      `/sites/${siteId}/events?${query}&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    all.push(...page.events);
    if (page.next_cursor === null) return all;
    cursor = page.next_cursor;
  }
}

describe('one count in every endpoint', () => {
  it.each(['UTC', 'America/St_Johns', 'Pacific/Auckland'])(
    'sites = timeseries = events = stats = usage = ledger, on generated traffic, in %s',
    async (zone) => {
      const { account, site, apiKey } = await api.world.addOwner('example.com', 'pro');
      await api.world.store.registry.setTimeZone(account.id, zone);
      const random = new Random(7);
      const now = api.world.clock.now();
      const month = billingMonth(now, 1);
      // The whole month except its first day and today's last hours, so that the month is the same in every time zone.
      const from = (month.firstDay + 1) * DAY_MS;
      const entries: EventEntry[] = Array.from({ length: 700 }, () =>
        event({
          siteId: site.id,
          receivedAtMs: from + random.below(now - from - HOUR_MS),
          visitor: BigInt(random.below(60)),
          name: random.below(5) === 0 ? 'signup' : 'pageview',
          path: `/page${random.below(9)}`,
        }),
      ).sort((a, b) => a.receivedAtMs - b.receivedAtMs);
      await append(entries);
      await append(
        Array.from({ length: 40 }, (_, i) => bot({ siteId: site.id, receivedAtMs: from + i * HOUR_MS })),
      );

      const { sites } = await api.read<SiteList>(apiKey, '/sites');
      expect(sites[0]?.events_this_month).toBe(700);
      const days = `start=2026-05-01&end=2026-05-31`;
      for (const granularity of ['hour', 'day', 'week', 'month']) {
        const { timeseries } = await api.read<Timeseries>(
          apiKey,
          `/sites/${site.id}/timeseries?${days}&granularity=${granularity}`,
        );
        expect([granularity, sum(timeseries.map(({ events }) => events))]).toEqual([granularity, 700]);
        expect(sum(timeseries.map(({ bot_visits }) => bot_visits))).toBe(40);
      }
      expect(await everyEvent(apiKey, site.id, `${days}&type=event`, 97)).toHaveLength(700);
      const all = await everyEvent(apiKey, site.id, days, 101);
      expect(all).toHaveLength(740);
      expect(all.map(({ timestamp }) => timestamp)).toEqual(
        all
          .map(({ timestamp }) => timestamp)
          .sort()
          .reverse(),
      );
      const stats = await api.read<Stats>(apiKey, `/sites/${site.id}/stats?${days}`);
      const conversions = entries.filter(({ name }) => name === 'signup').length;
      expect(stats.totals).toMatchObject({
        events: 700,
        conversions,
        pageviews: 700 - conversions,
        bot_visits: 40,
      });
      const pages = await api.read<Breakdown>(apiKey, `/sites/${site.id}/breakdown?by=event&${days}`);
      expect(sum(pages.breakdown.map(({ events }) => events))).toBe(700);
      const usage = await api.read<Usage>(apiKey, '/usage');
      expect(usage).toMatchObject({ events_this_month: 700, allowance: 100_000, remaining: 99_300 });
      const ledger = await api.read<Ledger>(apiKey, `/sites/${site.id}/ledger?${days}`);
      expect(ledger).toMatchObject({ accepted: 700, received: 740 });
    },
    60_000,
  );

  it('counts an event in the bucket of its local time, in any zone', async () => {
    const { account, site, apiKey } = await api.world.addOwner('example.com', 'pro');
    const zones = Intl.supportedValuesOf('timeZone');
    const first = readDate('2026-03-01') ?? 0;
    const moments = Array.from({ length: 300 }, (_, i) => first * DAY_MS + i * 7 * HOUR_MS + 1);
    await append(moments.map((receivedAtMs) => event({ siteId: site.id, receivedAtMs })));
    const asked = fc.asyncProperty(
      fc.constantFrom(...zones),
      fc.integer({ min: 2, max: 60 }),
      fc.integer({ min: 0, max: 20 }),
      fc.constantFrom('hour', 'day', 'week', 'month'),
      fc.boolean(),
      async (zone, offset, length, granularity, isOwn) => {
        api.world.clock.advance(MINUTE_MS);
        // A site's own time zone takes precedence over the account's.
        await api.world.store.registry.setTimeZone(account.id, isOwn ? 'Asia/Tokyo' : zone);
        await api.world.store.registry.setSiteTimeZone(site.id, isOwn ? zone : null);
        const range = { firstDay: first + offset, lastDay: first + offset + length };
        const date = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
        const { timeseries, time_zone } = await api.read<Timeseries>(
          apiKey,
          `/sites/${site.id}/timeseries?start=${date(range.firstDay)}&end=${date(range.lastDay)}&granularity=${granularity}`,
        );
        expect(time_zone).toBe(zone);
        const found = bucketsOf(zone, range, granularity as 'day', 2_000);
        const starts = [...(found?.buckets.map(({ startMs }) => startMs) ?? []), found?.endMs ?? 0];
        const wanted = starts
          .slice(0, -1)
          .map((from, i) => moments.filter((atMs) => atMs >= from && atMs < (starts[i + 1] ?? 0)).length);
        expect(timeseries.map(({ events }) => events)).toEqual(wanted);
        expect(timeseries.map(({ start }) => Date.parse(start))).toEqual(starts.slice(0, -1));
      },
    );
    await fc.assert(asked, { numRuns: 40 });
  }, 60_000);
});

describe('the reports of a site', () => {
  let account: Account;
  let site: Site;
  let apiKey: string;
  let free: { site: Site; apiKey: string };

  /** Adds three visits on two days, crawlers and refused events. */
  beforeAll(async () => {
    ({ account, site, apiKey } = await api.world.addOwner('example.com', 'pro'));
    free = await api.world.addOwner('example.com', 'free');
    const at = (day: number, minute: number) => NOON_MS - day * DAY_MS - 3 * HOUR_MS + minute * MINUTE_MS;
    const of = (more: Partial<EventEntry>) => event({ siteId: site.id, ...more });
    await append([
      of({ receivedAtMs: at(2, 0), visitor: 1n, path: '/', source: 'ChatGPT', channel: 'ai', country: 'DE' }),
      of({ receivedAtMs: at(2, 1), visitor: 1n, path: '/pricing', country: 'DE' }),
      of({
        ...{ receivedAtMs: at(2, 2), visitor: 1n, path: '/pricing', name: 'signup', country: 'DE' },
        ...{ value: 9.5, currency: 'EUR', props: { plan: 'pro', seats: 3, trial: true } },
      }),
      of({
        receivedAtMs: at(2, 5),
        visitor: 2n,
        path: '/a,"b"',
        source: 'Google',
        channel: 'search',
        country: 'AT',
      }),
      of({ receivedAtMs: at(1, 0), visitor: 3n, path: '/=cmd', country: null }),
    ]);
    await append([
      bot({
        siteId: site.id,
        receivedAtMs: at(2, 0),
        bot: 'GPTBot',
        company: 'OpenAI',
        botClass: 'ai-training',
      }),
      bot({
        siteId: site.id,
        receivedAtMs: at(2, 1),
        bot: 'GPTBot',
        company: 'OpenAI',
        botClass: 'ai-training',
      }),
      bot({
        siteId: site.id,
        receivedAtMs: at(1, 1),
        bot: 'Googlebot',
        company: 'Google',
        botClass: 'search',
      }),
    ]);
    api.world.store.events.refuse(refusal({ siteId: site.id, receivedAtMs: at(1, 0) }));
    api.world.store.events.refuse(
      refusal({ siteId: site.id, receivedAtMs: at(1, 5), reason: 'local-host', host: 'localhost' }),
    );
    await api.world.store.events.flush();
  });

  it('stats: totals and the three breakdowns', async () => {
    const stats = await api.read<Stats>(apiKey, `/sites/${site.id}/stats`);
    expect(stats).toMatchObject({
      site_id: site.id,
      period: { start: '2026-05-07', end: '2026-05-14' },
      time_zone: 'UTC',
      totals: {
        ...{ visitors: 3, visits: 3, pageviews: 4, events: 5, conversions: 1, referrals: 1, bot_visits: 3 },
        bounce_rate: 0.6667,
      },
      bot_breakdown: [
        { bot_name: 'GPTBot', bot_company: 'OpenAI', count: 2 },
        { bot_name: 'Googlebot', bot_company: 'Google', count: 1 },
      ],
      referral_breakdown: [{ source: 'ChatGPT', count: 1 }],
      conversion_breakdown: [{ event_name: 'signup', count: 1, revenue: [{ currency: 'EUR', amount: 9.5 }] }],
    });
    expect(stats).not.toHaveProperty('comparison');
  });

  it('stats: zeros and nulls without events', async () => {
    const { totals } = await api.read<Stats>(
      apiKey,
      `/sites/${site.id}/stats?start=2020-01-01&end=2020-01-01`,
    );
    expect(totals).toEqual({
      ...{ visitors: 0, visits: 0, pageviews: 0, events: 0, conversions: 0, referrals: 0, bot_visits: 0 },
      ...{ bounce_rate: null, engaged_time: null, revenue: [] },
    });
  });

  it('compares with the previous period and with a year earlier', async () => {
    const previous = await api.read<Stats>(
      apiKey,
      `/sites/${site.id}/stats?start=2026-05-13&end=2026-05-13&compare=previous`,
    );
    expect(previous.comparison).toMatchObject({
      period: { start: '2026-05-12', end: '2026-05-12' },
      totals: { events: 4, visits: 2 },
    });
    const leap = await api.read<Timeseries>(
      apiKey,
      `/sites/${site.id}/timeseries?start=2024-02-28&end=2024-02-29&compare=year`,
    );
    expect(leap.comparison).toMatchObject({
      period: { start: '2023-02-28', end: '2023-02-28' },
      timeseries: [{ date: '2023-02-28', events: 0 }],
    });
  });

  it('filters: or, not, several, properties, and unknown values', async () => {
    const events = async (...filters: string[]) => {
      const query = new URLSearchParams(filters.map((filter) => ['filter', filter]));
      return (await api.read<Stats>(apiKey, `/sites/${site.id}/stats?${query}`)).totals.events;
    };
    expect(await events('country:DE|AT')).toBe(4);
    expect(await events('!country:DE')).toBe(2);
    expect(await events('country:')).toBe(1);
    expect(await events('country:DE', 'event:signup')).toBe(1);
    expect(await events('prop:plan:pro')).toBe(1);
    expect(await events('page:/a,"b"')).toBe(1);
    expect(await events('page:/nowhere')).toBe(0);
  });

  it('filters: words in any case, and by their names', async () => {
    for (const [typed, stored] of [
      ['country:de', 'country:DE'],
      ['!country:germany|Austria', '!country:DE|AT'],
      ['channel:Search', 'channel:search'],
    ] as const) {
      const answer = (filter: string) =>
        api.read<Stats>(apiKey, `/sites/${site.id}/stats?filter=${encodeURIComponent(filter)}`);
      expect((await answer(stored)).totals.events, stored).toBeGreaterThan(0);
      expect(await answer(typed), typed).toEqual(await answer(stored));
    }
  });

  it('finds values and names that contain a text, in any case', async () => {
    const totals = async (filter: string) =>
      (
        await api.read<Stats>(
          apiKey,
          `/sites/${site.id}/stats?compare=previous&filter=${encodeURIComponent(filter)}`,
        )
      ).totals;
    const all = await totals('!page:/nowhere');
    const pricing = await totals('page:/pricing');
    expect(pricing.events).toBeGreaterThan(0);
    expect(await totals('~page:PRIC|nowhere')).toEqual(pricing);
    expect(await totals('!~page:pric')).toEqual(await totals('!page:/pricing'));
    expect(await totals('~country:german')).toEqual(await totals('country:DE'));
    expect((await totals('~page:nowhere')).events).toBe(0);
    expect((await totals('!~page:nowhere')).events).toBe(all.events);
    for (const path of ['timeseries?', 'breakdown?by=page&']) {
      const asked = (filter: string) =>
        api.read(apiKey, `/sites/${site.id}/${path}filter=${encodeURIComponent(filter)}`);
      expect(await asked('~page:pric')).toEqual(await asked('page:/pricing'));
    }
  });

  it('searches every value for a text', async () => {
    const large = await api.world.addOwner('example.com', 'pro');
    const pages = [
      ...Array.from({ length: 1_500 }, (_, i) => `/blog/${i}`),
      ...Array.from({ length: 100 }, () => '/about'),
    ];
    await append(pages.map((path) => event({ siteId: large.site.id, path, receivedAtMs: NOON_MS })));
    const events = async (filter: string) =>
      (
        await api.read<Stats>(
          large.apiKey,
          `/sites/${large.site.id}/stats?filter=${encodeURIComponent(filter)}`,
        )
      ).totals.events;
    expect(await events('~page:/blog/')).toBe(1_500);
    expect(await events('!~page:/blog/')).toBe(100);
  });

  it('adds up revenue by currency, and counts goals', async () => {
    const { site: shop, apiKey: key } = await api.world.addOwner('shop.example', 'pro');
    for (const [kind, pattern] of [
      ['event', 'purchase'],
      ['page', '/thanks*'],
      ['page', '/café'],
    ] as const)
      await addGoal(api.world.store, shop.id, { kind, pattern });
    const paid = (value: number | null, currency: string | null, visitor: bigint) =>
      event({
        siteId: shop.id,
        receivedAtMs: NOON_MS,
        name: 'purchase',
        path: '/buy',
        value,
        currency,
        visitor,
      });
    const seen = (path: string, visitor: bigint) =>
      event({ siteId: shop.id, receivedAtMs: NOON_MS, path, visitor, country: visitor === 1n ? 'DE' : null });
    await append([
      ...[
        seen('/buy', 1n),
        seen('/buy', 2n),
        seen('/thanks?order=1', 1n),
        seen('/caf%C3%A9', 4n),
        seen('/', 3n),
      ],
      ...[
        paid(0.1, 'EUR', 1n),
        paid(0.2, 'EUR', 1n),
        paid(49.9, 'USD', 2n),
        paid(5, null, 2n),
        paid(null, null, 2n),
      ],
    ]);
    const ask = <Body>(path: string) => api.read<Body>(key, `/sites/${shop.id}/${path}`);
    const revenue = [
      { currency: 'EUR', amount: 0.3 },
      { currency: 'USD', amount: 49.9 },
      { currency: null, amount: 5 },
    ];
    const { totals, conversion_breakdown } = await ask<Stats>('stats?compare=previous');
    expect(totals).toMatchObject({ conversions: 5, revenue });
    expect(conversion_breakdown).toEqual([{ event_name: 'purchase', count: 5, revenue }]);
    const { timeseries } = await ask<Timeseries>('timeseries?start=2026-05-13&end=2026-05-14');
    expect(timeseries.map((point) => point.revenue)).toEqual([[], revenue]);
    const { breakdown } = await ask<Breakdown>('breakdown?by=country');
    expect(breakdown.map((row) => [row.value, row.revenue])).toEqual([
      [null, revenue.slice(1)],
      ['DE', revenue.slice(0, 1)],
    ]);
    for (const filter of ['entry:/buy', 'exit:/buy', 'event:purchase', '~page:BUY', 'goal:purchase'])
      expect((await ask<Stats>(`stats?filter=${filter}`)).totals.revenue.length, filter).toBeGreaterThan(0);

    const { visitors, goals } = await ask<Goals>('goals');
    expect(visitors).toBe(4);
    expect(goals).toEqual(
      [
        ...[
          ['page', '/caf%C3%A9', 1, 1, 0.25, []],
          ['page', '/thanks*', 1, 1, 0.25, []],
        ],
        ['event', 'purchase', 2, 5, 0.5, revenue],
      ].map(([type, pattern, visitors, conversions, conversion_rate, revenue]) => ({
        ...{
          id: expect.stringMatching(/^goal_/),
          type,
          pattern,
          visitors,
          conversions,
          conversion_rate,
          revenue,
        },
      })),
    );
    for (const { id, pattern, ...goal } of goals)
      for (const name of [id, pattern]) {
        const filter = `filter=${encodeURIComponent(`goal:${name}`)}`;
        const { totals: reached } = await ask<Stats>(`stats?${filter}`);
        expect(reached, name).toMatchObject({
          visitors: goal.visitors,
          events: goal.conversions,
          revenue: goal.revenue,
        });
        const points = (await ask<Timeseries>(`timeseries?${filter}`)).timeseries;
        expect(points.reduce((sum, { events }) => sum + events, 0)).toBe(goal.conversions);
        const rows = (await ask<Breakdown>(`breakdown?by=page&${filter}`)).breakdown;
        expect(rows.reduce((sum, { events }) => sum + events, 0)).toBe(goal.conversions);
        const others = await ask<Stats>(`stats?filter=${encodeURIComponent(`!goal:${name}`)}`);
        expect(others.totals.events).toBe(10 - goal.conversions);
      }
    expect((await ask<Stats>(`stats?filter=goal:${encodeURIComponent('/café')}`)).totals.events).toBe(1);
    expect((await ask<Goals>('goals?filter=country:DE')).goals.map((goal) => goal.visitors)).toEqual([
      0, 1, 1,
    ]);
    const csv = await api.get(key, `/sites/${shop.id}/goals`, { accept: 'text/csv' });
    expect(csv.text).toMatch(/^id,type,pattern,visitors,conversions,conversion_rate,revenue\r\n/);

    const unknown = await api.get(key, `/sites/${shop.id}/stats?filter=goal:nothing`);
    expectRefusal(unknown, 400, 'INVALID_QUERY');
    expect(unknown.text).toContain('names a goal that the site does not have');
    expectRefusal(
      await api.get(apiKey, `/sites/${site.id}/stats?filter=goal:purchase`),
      400,
      'INVALID_QUERY',
    );
  });

  it.each([
    '~page:',
    'goal:',
    'gaol:x',
    '~page:a|',
    '~!page:/',
    'contry:DE',
    'country',
    'prop:plan',
    ':x',
    '',
    'bot:GPTBot',
    `page:${'|'.repeat(100)}`,
    `prop:${'n'.repeat(65)}:x`,
  ])('refuses the filter %s and explains the syntax', async (filter) => {
    const answer = await api.get(apiKey, `/sites/${site.id}/stats?filter=${encodeURIComponent(filter)}`);
    expectRefusal(answer, 400, 'INVALID_QUERY');
    expect(answer.text).toContain('dimension:value');
  });

  it('timeseries: by day, including days without events', async () => {
    const { timeseries, granularity } = await api.read<Timeseries>(
      apiKey,
      `/sites/${site.id}/timeseries?start=2026-05-11&end=2026-05-14`,
    );
    expect(granularity).toBe('day');
    expect(timeseries.map(({ date, start, events, visits }) => [date, start, events, visits])).toEqual([
      ['2026-05-11', '2026-05-11T00:00:00.000Z', 0, 0],
      ['2026-05-12', '2026-05-12T00:00:00.000Z', 4, 2],
      ['2026-05-13', '2026-05-13T00:00:00.000Z', 1, 1],
      ['2026-05-14', '2026-05-14T00:00:00.000Z', 0, 0],
    ]);
  });

  it('timeseries: hours only on the Pro plan, up to a limit', async () => {
    const path = (id: string) => `/sites/${id}/timeseries?granularity=hour`;
    expectRefusal(await api.get(free.apiKey, path(free.site.id)), 403, 'PLAN_REQUIRED');
    expect((await api.get(apiKey, path(site.id))).status).toBe(200);
    const long = await api.get(apiKey, `${path(site.id)}&start=2020-01-01`);
    expectRefusal(long, 400, 'INVALID_DATE_RANGE');
  });

  it('breakdown: every dimension', async () => {
    const by = async (dimension: string) =>
      (await api.read<Breakdown>(apiKey, `/sites/${site.id}/breakdown?by=${dimension}`)).breakdown;
    expect((await by('page')).map(({ value }) => value).sort()).toEqual(['/', '/=cmd', '/a,"b"', '/pricing']);
    expect((await by('entry')).map(({ value, visits }) => [value, visits]).sort()).toEqual([
      ['/', 1],
      ['/=cmd', 1],
      ['/a,"b"', 1],
    ]);
    expect((await by('exit')).map(({ value }) => value).sort()).toEqual(['/=cmd', '/a,"b"', '/pricing']);
    expect((await by('country')).map(({ value, events }) => [value, events])).toContainEqual([null, 1]);
    expect((await by('channel')).find(({ value }) => value === 'ai')?.referrals).toBe(1);
    expect((await by('prop:plan')).find(({ value }) => value === 'pro')?.conversions).toBe(1);
    expect(
      (await by('bot')).map(({ value, bot_company, bot_visits }) => [value, bot_company, bot_visits]),
    ).toEqual([
      ['GPTBot', 'OpenAI', 2],
      ['Googlebot', 'Google', 1],
    ]);
    for (const dimension of ['source', 'campaign', 'device', 'browser', 'os', 'event']) await by(dimension);
  });

  it('breakdown: each row once across pages', async () => {
    const rows: (string | null)[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Breakdown = await api.read<Breakdown>(
        apiKey,
        `/sites/${site.id}/breakdown?by=page&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      expect(page.breakdown).toHaveLength(1);
      rows.push(...page.breakdown.map(({ value }) => value));
      cursor = page.next_cursor;
    }
    expect(rows.sort()).toEqual(['/', '/=cmd', '/a,"b"', '/pricing']);
  });

  it('breakdown: rows whose value or name contains a text, with the same numbers', async () => {
    const rows = async (query: string) =>
      (await api.read<Breakdown>(apiKey, `/sites/${site.id}/breakdown?${query}`)).breakdown;
    const values = async (query: string) => (await rows(query)).map(({ value }) => value);
    const all = await rows('by=page');
    expect(await rows('by=page&search=PRIC')).toEqual(all.filter(({ value }) => value === '/pricing'));
    expect(await values('by=country&search=german')).toEqual(['DE']);
    expect(await values('by=source&search=direct')).toEqual([null]);
    expect(await values('by=bot&search=goo')).toEqual(['Googlebot']);
    expect(await values('by=page&search=%25')).toEqual([]);
    expect(await values('by=page&search=pricing&filter=country:AT')).toEqual([]);
  });

  it('breakdown: sorted by a field in either direction, each row once across pages', async () => {
    const sorted = async (query: string) => {
      const rows: Breakdown['breakdown'] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: Breakdown = await api.read<Breakdown>(
          apiKey,
          `/sites/${site.id}/breakdown?${query}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        rows.push(...page.breakdown);
        cursor = page.next_cursor;
      }
      return rows;
    };
    for (const field of [
      'visitors',
      'visits',
      'pageviews',
      'events',
      'bounce_rate',
      'engaged_time',
    ] as const) {
      const descending = (await sorted(`by=page&sort=${field}`)).map((row) => row[field] ?? 0);
      expect(descending, field).toHaveLength(4);
      expect(descending, field).toEqual(descending.toSorted((one, other) => other - one));
      const ascending = (await sorted(`by=page&sort=${field}&order=asc`)).map((row) => row[field] ?? 0);
      expect(ascending, field).toEqual(descending.toReversed());
    }
    expect((await sorted('by=bot&order=asc')).map(({ value }) => value)).toEqual(['Googlebot', 'GPTBot']);
    expect((await sorted('by=page&search=%2F&sort=events')).map(({ value }) => value)[0]).toBe('/pricing');
  });

  it('breakdown: refuses other sorts, and a cursor of another search or sort', async () => {
    const path = `/sites/${site.id}/breakdown?by=page`;
    const refused = async (query: string, detail: string) => {
      const answer = await api.get(apiKey, `${path}${query}`);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      expect(answer.text).toContain(detail);
    };
    await refused('&sort=bounce', 'sort must be one of visitors');
    await refused('&order=up', 'order must be one of desc, asc');
    await refused('&search=', 'search is invalid');
    await refused(`&search=${'x'.repeat(201)}`, 'search is invalid');
    const bots = await api.get(apiKey, `/sites/${site.id}/breakdown?by=bot&sort=visits`);
    expectRefusal(bots, 400, 'INVALID_QUERY');
    expect(bots.text).toContain('sort must be omitted for by=bot');
    const page = await api.read<Breakdown>(apiKey, `${path}&search=%2F&sort=events&limit=1`);
    const cursor = `&limit=1&cursor=${page.next_cursor}`;
    for (const query of [
      '',
      '&search=%2F',
      '&sort=events',
      '&search=%2Fa&sort=events',
      '&search=%2F&sort=visits',
    ])
      await refused(`${query}${cursor}`, 'cursor is invalid');
    await refused(`&search=%2F&sort=events&order=asc${cursor}`, 'cursor is invalid');
  });

  it('events: types and all fields', async () => {
    const events = (query: string) => everyEvent(apiKey, site.id, query, 100);
    expect((await events('type=bot')).map(({ bot_name }) => bot_name)).toEqual([
      'Googlebot',
      'GPTBot',
      'GPTBot',
    ]);
    expect((await events('type=referral')).map(({ path, source }) => [path, source])).toEqual([
      ['/', 'ChatGPT'],
    ]);
    expect(await events('type=event')).toHaveLength(5);
    expect(await events('type=conversion')).toEqual([
      {
        type: 'conversion',
        timestamp: '2026-05-12T09:02:00.000Z',
        event_name: 'signup',
        host: 'example.com',
        path: '/pricing',
        referrer: null,
        // The values of the visit it belongs to.
        source: 'ChatGPT',
        channel: 'ai',
        campaign: null,
        utm_source: null,
        utm_medium: null,
        utm_campaign: null,
        utm_content: null,
        utm_term: null,
        country: 'DE',
        region: null,
        city: null,
        device: expect.toBeOneOf([null, expect.any(String)]),
        browser: expect.toBeOneOf([null, expect.any(String)]),
        browser_version: expect.toBeOneOf([null, expect.any(String)]),
        os: expect.toBeOneOf([null, expect.any(String)]),
        os_version: expect.toBeOneOf([null, expect.any(String)]),
        language: expect.toBeOneOf([null, expect.any(String)]),
        screen: expect.toBeOneOf([null, expect.any(String)]),
        navigation: 'load',
        interactive: true,
        value: 9.5,
        currency: 'EUR',
        props: { plan: 'pro', seats: 3, trial: true },
        bot_name: null,
        bot_company: null,
        bot_class: null,
      },
    ]);
    expect((await events('start=2026-05-13&end=2026-05-13')).map(({ type }) => type)).toEqual([
      'bot',
      'pageview',
    ]);
  });

  it('ledger: balances and gives reasons', async () => {
    const ledger = await api.read<Ledger>(apiKey, `/sites/${site.id}/ledger`);
    expect(ledger).toMatchObject({ time_zone: 'UTC', received: 10, accepted: 5, duplicate: 0 });
    expect(ledger.refused[0]).toMatchObject({ reason: 'bot', count: 3 });
    expect(ledger.refused.map(({ reason, count }) => [reason, count]).sort()).toEqual([
      ['bot', 3],
      ['local-host', 1],
      ['wrong-domain', 1],
    ]);
    for (const { meaning } of ledger.refused) expect(meaning).toMatch(/\.$/);
    expect(ledger.received).toBe(
      ledger.accepted + ledger.duplicate + sum(ledger.refused.map(({ count }) => count)),
    );
    const lines: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Ledger = await api.read<Ledger>(
        apiKey,
        `/sites/${site.id}/ledger?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      lines.push(...page.ledger.map(({ date, outcome, host }) => `${date} ${outcome} ${host}`));
      cursor = page.next_cursor;
    }
    expect(lines).toEqual(ledger.ledger.map(({ date, outcome, host }) => `${date} ${outcome} ${host}`));
    expect(new Set(lines).size).toBe(ledger.ledger.length);
    expectRefusal(
      await api.get(apiKey, `/sites/${site.id}/ledger?start=2020-01-01`),
      400,
      'INVALID_DATE_RANGE',
    );
  });

  it('realtime: current visitors', async () => {
    await append([
      event({ siteId: site.id, visitor: 77n, path: '/now', receivedAtMs: api.world.clock.now() - MINUTE_MS }),
      event({ siteId: site.id, visitor: 78n, path: '/gone', receivedAtMs: api.world.clock.now() - HOUR_MS }),
    ]);
    expect(await api.read<Realtime>(apiKey, `/sites/${site.id}/realtime`)).toMatchObject({
      ...{ visitors: 1, minutes: 5, pages: [{ path: '/now', visitors: 1 }] },
      as_of: new Date(api.world.clock.now()).toISOString(),
    });
  });

  it('realtime: every page, page by page', async () => {
    const { site: busy, apiKey: key } = await api.world.addOwner('busy.example', 'pro');
    const receivedAtMs = api.world.clock.now() - MINUTE_MS;
    const paths = Array.from({ length: 230 }, (_, i) => `/page-${i % 115}`);
    await append(paths.map((path, i) => event({ siteId: busy.id, visitor: BigInt(i), path, receivedAtMs })));
    const pages: Realtime['pages'] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Realtime = await api.read(
        key,
        `/sites/${busy.id}/realtime?limit=50${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      expect(page.visitors).toBe(230);
      pages.push(...page.pages);
      cursor = page.next_cursor;
    }
    expect(new Set(pages.map(({ path }) => path)).size).toBe(115);
    expect(pages).toHaveLength(115);
    expect(sum(pages.map(({ visitors }) => visitors))).toBe(230);
  });

  it('one site, and usage', async () => {
    const detail = await api.read<SiteDetail>(apiKey, `/sites/${site.id}`);
    const { sites } = await api.read<SiteList>(apiKey, '/sites');
    expect(detail).toEqual({
      ...sites[0],
      ...{ allow_subdomains: false, extra_hosts: [], time_zone: 'UTC', retention_days: null },
      ...{ merge_trailing_slashes: false, excluded_pages: [], excluded_countries: [] },
    });
    const usage = await api.read<Usage>(free.apiKey, '/usage');
    expect(usage).toMatchObject({
      month: { start: '2026-05-01', end: '2026-05-31' },
      ...{ plan: 'free', events_this_month: 0, allowance: 10_000, remaining: 10_000, over_allowance: false },
      sites: [{ id: free.site.id, domain: 'example.com', events_this_month: 0 }],
    });
    expect(usage.definition).toMatch(/page view/);
    expect(account.timeZone).toBe('UTC');
  });

  it('every list as CSV: quoted, safe from formulas, with a link to the next page', async () => {
    const csv = (path: string, accept = 'text/csv') => api.get(apiKey, path, { accept });
    const pages = await csv(`/sites/${site.id}/breakdown?by=page&start=2026-05-12&end=2026-05-13`);
    expect(pages.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(pages.headers.vary).toBe('Accept, Accept-Encoding');
    const [head, ...lines] = pages.text.split('\r\n');
    expect(head).toMatch(/^value,bot_company,visitors,visits,pageviews,events,/);
    expect(lines.map((line) => line.split(',1')[0])).toEqual(
      expect.arrayContaining(['"/a,""b""",', '/=cmd,', '/pricing,']),
    );
    const first = await csv(`/sites/${site.id}/events?limit=1&start=2026-05-12&end=2026-05-12`);
    expect(first.headers.link).toMatch(/^<\/api\/v1\/sites\/[^>]+cursor=[^>]+>; rel="next"$/);
    const next = /<\/api\/v1([^>]+)>/.exec(String(first.headers.link))?.[1] ?? '';
    expect((await csv(next)).text.split('\r\n')).toHaveLength(3);
    expect((await csv(`/sites/${site.id}/events?type=conversion`)).text).toContain(
      '"{""plan"":""pro"",""seats"":3,""trial"":true}"',
    );
    expect((await csv('/sites')).text.split('\r\n')[0]).toBe('id,domain,key,events_this_month,created_at');
    for (const path of [
      '/usage',
      `/sites/${site.id}/timeseries`,
      `/sites/${site.id}/ledger`,
      `/sites/${site.id}/realtime`,
    ])
      expect((await csv(path)).headers['content-type']).toBe('text/csv; charset=utf-8');
    for (const accept of [
      'text/csv, */*',
      'text/csv;q=0.5, */*;q=0.4',
      'application/json;q=0.2, text/csv;q=0.3, */*',
    ])
      expect([accept, (await csv('/sites', accept)).headers['content-type']]).toEqual([
        accept,
        'text/csv; charset=utf-8',
      ]);
    for (const accept of [
      'application/json, text/csv;q=0.5',
      '*/*',
      'text/csv;q=0',
      '',
      'text/csv;q=0.5, */*;q=0.9',
      'text/csv;q=0.5, application/*',
    ])
      expect([accept, (await csv('/sites', accept)).headers['content-type']]).toEqual([
        accept,
        'application/json; charset=utf-8',
      ]);
  });
});

describe('pages of events', () => {
  it('list each event once while others arrive', async () => {
    const { site, apiKey } = await api.world.addOwner('example.com', 'pro');
    const start = api.world.clock.now() - HOUR_MS;
    await append(
      Array.from({ length: 60 }, (_, i) => event({ siteId: site.id, receivedAtMs: start, path: `/old${i}` })),
    );
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: EventList = await api.read<EventList>(
        apiKey,
        `/sites/${site.id}/events?limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.events.map(({ path }) => path));
      cursor = page.next_cursor;
      await append([event({ siteId: site.id, receivedAtMs: api.world.clock.now(), path: '/new' })]);
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: 60 }, (_, i) => `/old${i}`).toSorted());
  });

  it('refuse a made-up cursor', async () => {
    const { site, apiKey } = await api.world.addOwner('example.com', 'pro');
    await append([1, 2].map(() => event({ siteId: site.id, receivedAtMs: api.world.clock.now() })));
    const { next_cursor } = await api.read<EventList>(apiKey, `/sites/${site.id}/events?limit=1`);
    for (const cursor of ['x', 'W10', `${next_cursor}&type=bot`]) {
      const answer = await api.get(apiKey, `/sites/${site.id}/events?cursor=${cursor}`);
      expectRefusal(answer, 400, 'INVALID_QUERY');
    }
    expectRefusal(
      await api.get(apiKey, `/sites/${site.id}/events?start=2026-05-01&cursor=${next_cursor}`),
      400,
      'INVALID_QUERY',
    );
    expectRefusal(
      await api.get(apiKey, `/sites/${site.id}/breakdown?by=page&cursor=${next_cursor}`),
      400,
      'INVALID_QUERY',
    );
  });
});

describe('dates', () => {
  it.each([
    'start=2026-02-30',
    'end=2026-13-01',
    'start=yesterday',
    'start=',
    'start=2026-05-10&end=2026-05-09',
    'start=2026-05-15',
    'end=2020-01-01',
    'start=2026-05-01T00:00',
    'start=2026-05-01&start=2026-05-02',
  ])('%s are INVALID_DATE_RANGE everywhere', async (query) => {
    const { site, apiKey } = await api.world.addOwner('example.com', 'pro');
    const required = { breakdown: '&by=page', funnel: '&step=page:/&step=event:a', journey: '&page=/' };
    const paths = ['stats', 'timeseries', 'events', 'vitals', 'ledger'].map((path) => [path, '']);
    for (const [path, more] of [...paths, ...Object.entries(required)])
      expectRefusal(
        await api.get(apiKey, `/sites/${site.id}/${path}?${query}${more}`),
        400,
        'INVALID_DATE_RANGE',
      );
  });

  it('end today in the time zone of the account, and start 7 days before', async () => {
    const { account, site, apiKey } = await api.world.addOwner('example.com', 'pro');
    await api.world.store.registry.setTimeZone(account.id, 'Pacific/Kiritimati'); // 14 hours ahead: tomorrow there
    const { period } = await api.read<Stats>(apiKey, `/sites/${site.id}/stats`);
    expect(period).toEqual({ start: '2026-05-08', end: '2026-05-15' });
  });
});
