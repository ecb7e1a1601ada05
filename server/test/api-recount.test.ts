import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Breakdown } from '../src/api/breakdown.ts';
import type { EventList } from '../src/api/events.ts';
import type { Funnel } from '../src/api/funnel.ts';
import type { Goals } from '../src/api/goals.ts';
import type { Ledger } from '../src/api/ledger.ts';
import type { SiteList } from '../src/api/sites.ts';
import type { Stats } from '../src/api/stats.ts';
import type { Timeseries } from '../src/api/timeseries.ts';
import { addGoal } from '../src/app/goals.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, utcDay } from '../src/domain/clock.ts';
import type { Measures } from '../src/domain/measures.ts';
import type { Entry, EventEntry, Filter } from '../src/store/contract/store.ts';
import { ApiWorld } from './support/api.ts';
import { bot, event, leave } from './support/entries.ts';
import { randomFrom } from './support/generated.ts';
import { localBoundaries, NOTHING, Recount } from './support/recount.ts';
import { BROWSER } from './support/world.ts';

/** Traffic that is sent through the API, and every number that the API then returns, compared with an independent recount. */

const BROWSERS = {
  Chrome: BROWSER,
  Firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0',
  Safari:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1',
};
const CRAWLERS = {
  GPTBot: 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)',
  bingbot: 'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
};
const VISITORS = 60;
const CRAWLER_VISITS = 90;
const VISITOR_EVENTS_MAX = 25;
const GAP_MS = 30 * MINUTE_MS;
const DIMENSIONS = [
  'page',
  'entry',
  'exit',
  'event',
  'browser',
  'device',
  'source',
  'channel',
  'prop:plan',
] as const;

/** What a page sends, and the entry that it should become. */
interface Happened {
  report: Record<string, unknown>;
  entry: Entry;
}

/** Generates page views, conversions, leaves and crawlers of the last 45 hours, in order of time. */
function trafficUntil(nowMs: number, domain: string): Happened[] {
  const random = randomFrom(20_260_514);
  const below = (end: number) => Math.floor(random() * end);
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T; // never empty here
  const happened: Happened[] = [];
  const at = (atMs: number, path: string) => ({
    time: new Date(atMs).toISOString(),
    url: `https://${domain}${path}`,
  });
  for (let who = 0; who < VISITORS; who++) {
    const browser = one(['Chrome', 'Firefox', 'Safari'] as const);
    const from = { address: `198.51.${who}.7`, user_agent: BROWSERS[browser] };
    let atMs = nowMs - 45 * HOUR_MS + below(40 * 3600) * SECOND_MS;
    for (let number = 1; number <= VISITOR_EVENTS_MAX && atMs < nowMs - 5 * MINUTE_MS; number++) {
      const name = random() < 0.15 ? 'signup' : 'pageview';
      const [id, path] = [`e-${who}-${number}`, `/page-${below(12)}`];
      const [assistant, plan] = [random() < 0.1, one([null, 'pro', 'free'])];
      const paid = name === 'signup' ? PRICES[(who + number) % PRICES.length] : {};
      const visitorAt = (ms: number) => BigInt(utcDay(ms) * 1000 + who);
      happened.push({
        report: {
          ...from,
          ...at(atMs, `${path}${assistant ? '?utm_source=chatgpt.com' : ''}`),
          ...{ name, id, ...(plan === null ? {} : { props: { plan } }), ...paid },
        },
        entry: event({
          ...{ receivedAtMs: atMs, visitor: visitorAt(atMs), name, path, browser },
          device: browser === 'Safari' ? 'phone' : 'desktop',
          source: assistant ? 'ChatGPT' : null,
          channel: assistant ? 'ai' : 'direct',
          props: plan === null ? null : { plan },
          ...paid,
        }),
      });
      if (name === 'pageview' && random() < 0.4) {
        const [leftMs, engagedMs] = [atMs + (1 + below(119)) * SECOND_MS, below(20_000)];
        happened.push({
          report: { ...from, ...at(leftMs, path), name: 'leave', view: id, engaged: engagedMs },
          entry: leave({
            ...{ receivedAtMs: leftMs, visitor: visitorAt(leftMs), engagedMs },
            view: BigInt(who * 1000 + number),
          }),
        });
      }
      // Around the gap that ends a visit, including exactly on it.
      atMs += one([(121 + below(1_579)) * SECOND_MS, GAP_MS, GAP_MS - 1, (1 + below(5)) * HOUR_MS]);
    }
  }
  for (let number = 0; number < CRAWLER_VISITS; number++) {
    const [atMs, name] = [nowMs - below(40 * 60) * MINUTE_MS, one(['GPTBot', 'bingbot'] as const)];
    happened.push({
      report: { ...at(atMs, '/'), id: `b-${number}`, user_agent: CRAWLERS[name] },
      entry: bot({ receivedAtMs: atMs, bot: name }),
    });
  }
  return happened.toSorted((a, b) => a.entry.receivedAtMs - b.entry.receivedAtMs);
}

const PRICES = [{ value: 49.9, currency: 'EUR' }, { value: 0.1, currency: 'USD' }, { value: 0.2 }, {}];

/** Formats numbers as the API does. */
function shown({ bounces, engagedMs, visits, botVisits, ...numbers }: Measures) {
  return {
    ...numbers,
    visits,
    bot_visits: botVisits,
    bounce_rate: visits === 0 ? null : expect.closeTo(bounces / visits, 3),
    engaged_time: visits === 0 ? null : expect.closeTo(engagedMs / 1000 / visits, 2),
  };
}

function countBy<T>(all: readonly T[], of: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of all) counts[of(each)] = (counts[of(each)] ?? 0) + 1;
  return counts;
}

let api: ApiWorld;
beforeAll(async () => {
  api = await ApiWorld.open();
});
afterAll(() => api.close());

describe.each(['UTC', 'America/St_Johns', 'Pacific/Chatham'])(
  'an independent recount of generated events, in %s',
  (zone) => {
    let key: string;
    let site: { id: string; domain: string };
    let happened: Happened[];
    let events: EventEntry[];
    let again: number;
    let recount: Recount;
    let period: string;
    let [fromMs, toMs] = [0, 0];
    const ask = <Body>(path: string) => api.read<Body>(key, path);
    const stats = async (more = '') => ask<Stats>(`/sites/${site.id}/stats?${period}${more}`);

    beforeAll(async () => {
      const owner = await api.world.addOwner(
        `${zone.replace('/', '-').replace('_', '-').toLowerCase()}.example`,
        'pro',
      );
      site = owner.site;
      await api.world.store.registry.setTimeZone(owner.account.id, zone);
      ({ key } = await api.key(owner.account, { scopes: ['read', 'write'] }));
      const nowMs = api.world.clock.now();
      happened = trafficUntil(nowMs, site.domain);
      events = happened.flatMap(({ entry }) => (entry.kind === 'event' ? [entry] : []));
      recount = new Recount(happened.map(({ entry }) => entry));
      const dateOf = (ms: number) => new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(ms);
      const midnights = localBoundaries(nowMs - 6 * DAY_MS, nowMs + 2 * DAY_MS, zone, 'day');
      const today = midnights.findIndex((ms) => dateOf(ms) === dateOf(nowMs));
      [fromMs, toMs] = [midnights[today - 4] ?? 0, midnights[today + 1] ?? 0];
      period = `start=${dateOf(fromMs)}&end=${dateOf(nowMs)}`;

      // This server loads all site keys at startup; a running one notices new keys within a second.
      const server = await api.world.serve();
      const send = async (reports: readonly unknown[]) => {
        const { status, text, ...answer } = await server.ask({
          method: 'POST',
          path: `/api/v1/sites/${site.id}/events`,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify(reports),
        });
        expect(status, text).toBe(200);
        const { outcomes } = answer.json() as { outcomes: { outcome: string }[] };
        return outcomes.map(({ outcome }) => outcome);
      };
      const reports = happened.map(({ report }) => report);
      for (let start = 0; start < reports.length; start += 500)
        expect(await send(reports.slice(start, start + 500))).not.toContain('refused');
      const repeated = reports.filter(({ id }) => id !== undefined).slice(0, 200);
      again = repeated.length;
      expect(await send(repeated)).toEqual(repeated.map(() => 'duplicate'));
    });

    it('equals the totals, crawlers and conversions', async () => {
      const { totals, bot_breakdown, conversion_breakdown } = await stats();
      expect(totals).toMatchObject(shown(recount.measures(fromMs, toMs, [])));
      expect(Object.fromEntries(bot_breakdown.map(({ bot_name, count }) => [bot_name, count]))).toEqual(
        countBy(recount.bots, (visit) => visit.bot),
      );
      expect(
        Object.fromEntries(conversion_breakdown.map(({ event_name, count }) => [event_name, count])),
      ).toEqual(
        countBy(
          events.filter(({ name }) => name !== 'pageview'),
          ({ name }) => name,
        ),
      );
    });

    it('equals the revenue and the goals', async () => {
      const goals = [
        { kind: 'event', pattern: 'signup' },
        { kind: 'page', pattern: '/page-1*' },
        { kind: 'page', pattern: '/page-2' },
      ] as const;
      for (const goal of goals) await addGoal(api.world.store, site.id, goal);
      const texts = ['', '~page:PAGE-1', '!~page:e-1', 'browser:Safari', 'goal:signup', '!goal:/page-1*'];
      const filters: Filter[] = [
        ...[{ by: 'page', values: ['/nowhere'], negated: true } as const],
        ...[{ by: 'page', values: [], negated: false, containing: ['page-1'] } as const],
        ...[{ by: 'page', values: [], negated: true, containing: ['e-1'] } as const],
        ...[{ by: 'browser', values: ['Safari'], negated: false } as const],
        ...[{ by: 'goal', goals: goals.slice(0, 1), negated: false } as const],
        ...[{ by: 'goal', goals: goals.slice(1, 2), negated: true } as const],
      ];
      for (const [i, filter] of filters.entries()) {
        const more = texts[i] === '' ? '' : `&filter=${encodeURIComponent(texts[i] ?? '')}`;
        expect((await stats(more)).totals, texts[i]).toMatchObject({
          ...shown(recount.measures(fromMs, toMs, [filter])),
          ...{ bot_visits: expect.any(Number), revenue: recount.revenue(fromMs, toMs, [filter]) },
        });
        const answer = await ask<Goals>(`/sites/${site.id}/goals?${period}${more}`);
        const found = new Map(answer.goals.map((goal) => [goal.pattern, goal]));
        const { visitors } = recount.measures(fromMs, toMs, [filter]);
        expect(answer.visitors).toBe(visitors);
        for (const [no, goal] of recount.goals(fromMs, toMs, [filter], goals).entries())
          expect(found.get(goals[no]?.pattern ?? ''), texts[i]).toMatchObject({
            ...goal,
            conversion_rate: visitors === 0 ? null : expect.closeTo(goal.visitors / visitors, 4),
          });
      }
    });

    it.each([null, 'browser', 'page'] as const)('equals a funnel by %s', async (by) => {
      const steps = [
        { kind: 'page', pattern: '/page-*' },
        { kind: 'event', pattern: 'signup' },
        { kind: 'page', pattern: '/page-1*' },
      ] as const;
      const texts = steps.map(({ kind, pattern }) => `step=${kind}:${pattern}`).join('&');
      const { funnel } = await ask<Funnel>(
        `/sites/${site.id}/funnel?${period}&${texts}${by === null ? '' : `&by=${by}`}`,
      );
      const counted = recount.funnel(fromMs, toMs, [], { steps, by });
      expect(funnel.map(({ value, visitors, visits }) => ({ value, visitors, visits }))).toEqual(
        counted.flatMap(({ value, steps: counts }) => counts.map((count) => ({ value, ...count }))),
      );
      expect(counted.some(({ steps: counts }) => (counts[1]?.visits ?? 0) > 0)).toBe(true);
    });

    it.each(['day', 'hour'] as const)('equals every %s', async (granularity) => {
      const { timeseries } = await ask<Timeseries>(
        `/sites/${site.id}/timeseries?${period}&granularity=${granularity}`,
      );
      const boundaries = localBoundaries(fromMs, toMs, zone, granularity);
      const starts = timeseries.map(({ start }) => Date.parse(start));
      expect(starts).toEqual(boundaries.slice(0, starts.length));
      expect(timeseries).toMatchObject(
        starts.map((start, i) => shown(recount.measures(start, boundaries[i + 1] ?? toMs, []))),
      );
      expect(timeseries.reduce((total, point) => total + point.events, 0)).toBe(events.length);
    });

    it.each(DIMENSIONS)('equals every row by %s, and the same with a filter', async (by) => {
      const { breakdown } = await ask<Breakdown>(`/sites/${site.id}/breakdown?${period}&by=${by}`);
      const counted = recount.breakdown(fromMs, toMs, [], by);
      const rows = new Map(breakdown.map((row) => [row.value, row]));
      expect([...rows.keys()].map(String).sort()).toEqual(counted.map(({ value }) => String(value)).sort());
      for (const { value, ...numbers } of counted) {
        expect(rows.get(value), `${by}: ${value}`).toMatchObject(shown({ ...NOTHING, ...numbers }));
        const filter = encodeURIComponent(`${by}:${value ?? ''}`);
        const { totals } = await stats(`&filter=${filter}`);
        expect(totals, `filtered by ${by}: ${value}`).toMatchObject(shown({ ...NOTHING, ...numbers }));
      }
    });

    it('equals the list of events, page by page', async () => {
      const single: EventList['events'] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: EventList = await ask(
          `/sites/${site.id}/events?${period}&limit=97${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        single.push(...page.events);
        cursor = page.next_cursor;
      }
      expect(countBy(single, ({ type }) => type)).toEqual({
        bot: CRAWLER_VISITS,
        ...countBy(events, ({ name }) => (name === 'pageview' ? 'pageview' : 'conversion')),
      });
      const ofPeople = single.filter(({ type }) => type !== 'bot');
      expect(countBy(ofPeople, ({ path }) => path)).toEqual(countBy(events, ({ path }) => path));
      expect(ofPeople.map(({ timestamp }) => Date.parse(timestamp)).sort()).toEqual(
        events.map(({ receivedAtMs }) => receivedAtMs).sort(),
      );
    });

    it('equals the ledger and the count of the month', async () => {
      const [start, end] = [api.world.clock.now() - 4 * DAY_MS, api.world.clock.now()].map((ms) =>
        new Date(ms).toISOString().slice(0, 10),
      );
      expect(await ask<Ledger>(`/sites/${site.id}/ledger?start=${start}&end=${end}`)).toMatchObject({
        accepted: events.length,
        duplicate: again,
      });
      const { sites } = await ask<SiteList>('/sites');
      expect(sites).toMatchObject([{ id: site.id, events_this_month: events.length }]);
    });
  },
);
