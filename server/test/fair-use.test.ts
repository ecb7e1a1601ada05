import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordNothing } from '../src/app/security-log.ts';
import { createShare } from '../src/app/shares.ts';
import { DAY_MS, HOUR_MS, utcDay } from '../src/domain/clock.ts';
import type { Account, AskedReports, Site } from '../src/store/contract/store.ts';
import { openStore } from '../src/store/open.ts';
import { WAITING_PER_ASKER_MAX } from '../src/store/shared/fair-queue.ts';
import { NOON_MS } from './support/clock.ts';
import { signedIn } from './support/dashboard-person.ts';
import { event } from './support/entries.ts';
import { readExposition, seriesOf } from './support/exposition.ts';
import type { Answer } from './support/http.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

const EVENTS = 60_000;
const VISITORS = 7_000;
const METRICS_TOKEN = 'a-token-of-24-characters';
/** The most hours that one request may ask for. Each event is looked up among them, which takes a second or more. */
const HOURLY = 'timeseries?granularity=hour&start=2026-02-14&end=2026-05-14';
const DAY = { fromMs: NOON_MS - DAY_MS, toMs: NOON_MS + DAY_MS, filters: [] };
/** As many hours, as the store is asked. */
const HOURS = Array.from({ length: 91 * 24 }, (_, i) => NOON_MS - 90 * DAY_MS + i * HOUR_MS + 1);

interface Owner {
  account: Account;
  site: Site;
  apiKey: string;
}

/** A client that may close the connection before it has the response. */
function open(server: RunningServer, path: string, apiKey?: string) {
  let asking: ClientRequest | undefined;
  const status = new Promise<number>((resolve, reject) => {
    asking = request(
      `${server.url}${path}`,
      { headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }, agent: false },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    asking.on('error', reject);
    // Without an error if the response was on its way. After its end, this changes nothing.
    asking.on('close', () => reject(new Error('the client left')));
    asking.end();
  });
  return { status, leave: () => asking?.destroy() };
}

describe('fair use of reports', () => {
  let world: World;
  let server: RunningServer;
  let busy: Owner;
  let other: Owner;
  beforeAll(async () => {
    world = await World.open();
    server = await world.serve({ settings: { METRICS_TOKEN } });
    busy = await world.addOwner('busy.example', 'pro');
    other = await world.addOwner('other.example', 'pro');
    const append = (siteId: string, i: number) =>
      world.store.events.append(
        event({
          siteId,
          id: `e${i}`,
          receivedAtMs: NOON_MS + i,
          visitor: BigInt(i % VISITORS),
          path: `/p/${i % 100}`,
        }),
      );
    for (let i = 0; i < EVENTS; i += 5_000)
      await Promise.all(Array.from({ length: 5_000 }, (_, k) => append(busy.site.id, i + k)));
    await append(other.site.id, 1);
  });
  afterAll(() => world.close());

  const get = ({ site, apiKey }: Owner, path: string): Promise<Answer> =>
    server.ask({
      path: `/api/v1/sites/${site.id}/${path}`,
      headers: { authorization: `Bearer ${apiKey}` },
    });
  const requestsByStatus = async () => {
    const { text } = await server.ask({
      path: '/metrics',
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    const all = seriesOf(readExposition(text), 'attractos_api_requests_total');
    const of = (status: string) =>
      all.get(`attractos_api_requests_total{route="/api/v1/sites/:id/timeseries",status="${status}"}`) ?? 0;
    return { answered: of('2xx'), ended: of('4xx'), failed: of('5xx') };
  };

  it('leaves no half rows of an open day if its asker leaves while they are copied', async () => {
    const { reports, events } = world.store;
    let ended = 0;
    for (let moments = 1; moments < 60; moments += 4) {
      const gone = new AbortController();
      const asked = reports.askedBy({ asker: 'someone', signal: gone.signal });
      const answer = asked.totals({ ...DAY, siteId: busy.site.id }).catch((error: unknown) => error);
      // Another thread's answers tell the time.
      for (let i = 0; i < moments; i++)
        await events.countBySite([busy.site.id], { firstDay: 0, lastDay: 99_999 });
      const reason = new Error('the client went away');
      gone.abort(reason);
      if ((await answer) === reason) ended += 1;
    }
    expect(ended).toBeGreaterThan(0);
    const scope = { ...DAY, siteId: busy.site.id };
    const [totals, pages] = await Promise.all([
      reports.totals(scope),
      reports.breakdown(scope, 'page', { limit: 1_000 }),
    ]);
    expect(totals).toMatchObject({ events: EVENTS, pageviews: EVENTS, visits: VISITORS, visitors: VISITORS });
    expect(pages.rows.map((row) => row.events)).toEqual(Array.from({ length: 100 }, () => EVENTS / 100));
  });

  it('ends the questions of a client that closes the connection', async () => {
    const clients = Array.from({ length: 13 }, () =>
      open(server, `/api/v1/sites/${busy.site.id}/${HOURLY}`, busy.apiKey),
    );
    const statuses = clients.map(({ status }) => status.catch(() => 'left'));
    // One of the others is being answered now.
    expect(await Promise.race(statuses)).toBe(200);
    for (const { leave } of clients) leave();
    expect(await until(requestsByStatus, ({ answered, ended }) => answered + ended === 13)).toEqual({
      answered: 1,
      ended: 12,
      failed: 0,
    });
    expect((await get(busy, 'stats?start=2026-05-14')).json()).toMatchObject({ totals: { events: EVENTS } });
  });

  it('answers the short questions of one account between the long ones of another', async () => {
    const LONG = 12;
    let answered = 0;
    const long = Array.from({ length: LONG }, () =>
      open(server, `/api/v1/sites/${busy.site.id}/${HOURLY}`, busy.apiKey),
    );
    const all = long.map(({ status }) =>
      status.then(
        () => (answered += 1),
        () => undefined,
      ),
    );
    await Promise.race(all);
    expect((await get(other, 'stats')).status).toBe(200);
    // It was asked after all of them. How many come first depends on how fast the machine is.
    expect(answered).toBeLessThan(LONG);
    for (const { leave } of long) leave();
    await Promise.all(all);
  });

  it('answers 503 with Retry-After if too many questions of an account wait, and not to others', async () => {
    const visitor = await signedIn(world, server, busy.account);
    const gone = new AbortController();
    const asked: AskedReports = world.store.reports.askedBy({
      asker: busy.account.id,
      signal: gone.signal,
    });
    const all = Array.from({ length: 1 + WAITING_PER_ASKER_MAX }, () =>
      asked.series({ siteId: busy.site.id, filters: [] }, HOURS).catch(() => 'ended'),
    );
    const [api, mcp, page, file, others] = await Promise.all([
      get(busy, 'stats'),
      server.ask({
        method: 'POST',
        path: '/api/v1/mcp',
        headers: { authorization: `Bearer ${busy.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
          params: { name: 'stats', arguments: { site_id: busy.site.id } },
        }),
      }),
      visitor.get(`/dashboard/sites/${busy.site.id}`),
      visitor.get(`/dashboard/sites/${busy.site.id}/rows.csv?by=page`),
      get(other, 'realtime'),
    ]);
    for (const answer of [api, mcp, page, file])
      expect([answer.status, answer.headers['retry-after']], answer.text.slice(0, 300)).toEqual([503, '5']);
    expect(api.json()).toMatchObject({ code: 'UNAVAILABLE', retry_after: 5 });
    expect(others.status).toBe(200);
    gone.abort(new Error('enough'));
    expect((await Promise.all(all)).at(-1)).toBe('ended');
    expect((await get(busy, 'stats')).status).toBe(200);
    expect((await visitor.get(`/dashboard/sites/${busy.site.id}`)).status).toBe(200);
  });

  const linkTo = async ({ site }: Owner): Promise<string> => {
    const wish = { name: 'Public', password: '', days: '' };
    const context = { registry: world.store.registry, clock: world.clock, record: recordNothing };
    return (await createShare(context, site, wish)).path;
  };
  const statusesOf = (answers: readonly Answer[]) => new Set(answers.map(({ status }) => status));

  it.each([
    { name: 'reports of public links', links: 6 },
    { name: 'links that do not exist', links: 0 },
  ])('answers accounts while hundreds of strangers read $name', async ({ links }) => {
    const paths = await Promise.all(Array.from({ length: links }, () => linkTo(busy)));
    const visitor = await signedIn(world, server, other.account);
    // Each reads another report, so that none is answered from the cache.
    const strangers = Array.from({ length: 600 }, (_, i) =>
      open(server, `${paths[i % links] ?? `/share/${i}`}?reader=${i}`),
    );
    const statuses = Promise.allSettled(strangers.map(({ status }) => status));
    await Promise.race(strangers.map(({ status }) => status));
    for (let i = 0; i < 5; i++) {
      const asked = [
        get(other, 'stats'),
        get(busy, 'realtime'),
        visitor.get(`/dashboard/sites/${other.site.id}`),
      ];
      for (const { status, text } of await Promise.all(asked)) expect(status, text).toBe(200);
    }
    for (const { leave } of strangers) leave();
    await statuses;
  });

  it('answers a hundred readers of the same public report with one', async () => {
    const path = await linkTo(busy);
    const readers = await Promise.all(Array.from({ length: 100 }, () => server.ask({ path })));
    expect(statusesOf(readers)).toEqual(new Set([200]));
    expect(readers[0]?.text).toContain('Figures as of 12:00:00. They are updated at most every 10 seconds.');
  });

  it('seals days while questions wait', async () => {
    const gone = new AbortController();
    const asked = world.store.reports.askedBy({ asker: 'someone', signal: gone.signal });
    const waiting = Array.from({ length: 50 }, () =>
      asked.series({ siteId: busy.site.id, filters: [] }, HOURS).catch(() => 'ended'),
    );
    expect(await world.store.reports.sealDaysBefore(utcDay(NOON_MS) + 1)).toBe(2);
    gone.abort(new Error('enough'));
    expect(await Promise.all(waiting)).toContain('ended');
    expect((await get(busy, 'stats?start=2026-05-14')).json()).toMatchObject({ totals: { events: EVENTS } });
  });
});

describe('a store that closes while it answers', () => {
  it('ends all questions, and what goes on beside them', async () => {
    const world = await World.open();
    const { site } = await world.addOwner();
    const entries = Array.from({ length: 20_000 }, (_, i) =>
      event({
        siteId: site.id,
        id: `e${i}`,
        receivedAtMs: NOON_MS - (i % 5) * DAY_MS + i,
        visitor: BigInt(i),
      }),
    );
    for (let i = 0; i < entries.length; i += 5_000)
      await Promise.all(entries.slice(i, i + 5_000).map((entry) => world.store.events.append(entry)));
    await world.store.close();
    const scope = { siteId: site.id, fromMs: NOON_MS - 9 * DAY_MS, toMs: NOON_MS + DAY_MS, filters: [] };
    for (let moments = 0; moments < 120; moments += 20) {
      const store = await openStore({
        dataDir: world.dataDir,
        onBroken: (error) => {
          throw error;
        },
      });
      const all = [
        store.reports.totals(scope),
        store.reports.series({ siteId: site.id, filters: [] }, HOURS),
        store.reports.breakdown(scope, 'page', { limit: 10 }),
        store.reports.sealDaysBefore(utcDay(NOON_MS) + 1 - (moments % 4)),
      ];
      const settled = Promise.allSettled(all);
      for (let i = 0; i < moments; i++)
        await store.events.countBySite([site.id], { firstDay: 0, lastDay: 99_999 });
      await store.close();
      await settled;
    }
    const store = await openStore({
      dataDir: world.dataDir,
      onBroken: (error) => {
        throw error;
      },
    });
    expect(await store.reports.totals(scope)).toMatchObject({ events: entries.length });
    await store.close();
  });
});
