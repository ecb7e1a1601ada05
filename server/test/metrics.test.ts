import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OUTCOME_NAMES } from '../src/domain/outcomes.ts';
import { type Events, StoreBusy, StoreUnavailable } from '../src/store/contract/store.ts';
import { type Exposed, readExposition, seriesOf, shownAs } from './support/exposition.ts';
import { freePort } from './support/free-port.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { startProgram } from './support/program.ts';
import { pageHeaders, type RunningServer, World } from './support/world.ts';

const TOKEN = 'a token of 24 characters'.replaceAll(' ', '-');
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

async function another(): Promise<World> {
  const world = await World.open();
  onTestFinished(() => world.close());
  return world;
}

const asked = (server: RunningServer, token = TOKEN) =>
  server.ask({ path: '/metrics', headers: { authorization: `Bearer ${token}` } });

async function read(server: RunningServer): Promise<Exposed> {
  const answer = await asked(server);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readExposition(answer.text);
}

describe('the funnel', () => {
  it('counts every beacon under exactly one outcome', async () => {
    const world = await another();
    const { site } = await world.addOwner();
    const server = await world.serve({ settings: { METRICS_TOKEN: TOKEN } });
    const view = { key: site.key, url: 'https://example.com/' };
    const send = async (beacon: unknown, headers: Record<string, string> = {}) =>
      void (await server.send(beacon, { headers }));
    await send({ ...view, id: 'a' });
    await send({ ...view, id: 'a' });
    await send([
      { ...view, id: 'b' },
      { ...view, id: 'c' },
      { ...view, id: 'd', name: 5 },
    ]);
    await send({ ...view, id: 'e' }, { 'user-agent': GOOGLEBOT });
    await send({ ...view, id: 'f', name: 'leave', view: 'a' });
    await send({ ...view, url: 'https://copy.example/' }, { origin: 'https://copy.example' });
    await send({ ...view, key: 'ak_unknown' });
    await send('not JSON');
    await send('x'.repeat(70_000));
    for (const url of ['https://example.com/pixel', 'http://localhost/'])
      await server.ask({ path: `/p.gif?key=${site.key}&url=${url}`, headers: pageHeaders() });

    const shown = await read(server);
    const beacons = seriesOf(shown, 'attractos_beacons_total');
    const counted = Object.fromEntries([...beacons].filter(([, count]) => count > 0));
    const of = (reason: string) => `attractos_beacons_total{outcome="refused",reason="${reason}"}`;
    expect(counted).toEqual({
      'attractos_beacons_total{outcome="stored"}': 5, // three views, a leave, a pixel
      'attractos_beacons_total{outcome="duplicate"}': 1,
      'attractos_beacons_total{outcome="bot"}': 1,
      [of('malformed')]: 2,
      [of('wrong-domain')]: 1,
      [of('unknown-key')]: 1,
      [of('too-large')]: 1,
      [of('local-host')]: 1,
    });
    expect(beacons.size, 'each outcome is shown before it happened').toBe(OUTCOME_NAMES.length);
    expect(shownAs(shown, 'attractos_entries_total{kind="event",outcome="stored"}')).toBe(4);
    expect(shownAs(shown, 'attractos_entries_total{kind="event",outcome="duplicate"}')).toBe(1);
    expect(shownAs(shown, 'attractos_entries_total{kind="leave",outcome="stored"}')).toBe(1);
    expect(shownAs(shown, 'attractos_entries_total{kind="bot",outcome="stored"}')).toBe(1);
  });

  it('contains no site, host, path or person, even for hostile beacons', async () => {
    const world = await another();
    const { site, apiKey } = await world.addOwner('secret-client.example');
    const server = await world.serve({ settings: { METRICS_TOKEN: TOKEN } });
    const ours = ({ series }: Exposed) =>
      [...series.keys()].filter((key) => key.startsWith('attractos_')).length;
    const before = ours(await read(server));
    for (let i = 0; i < 50; i++) {
      await server.send(
        { key: i % 2 === 0 ? site.key : `ak_${i}`, id: `${i}`, url: `https://host${i}.example/"}\n` },
        { headers: { origin: `https://host${i}.example` } },
      );
      await server.ask({
        path: `/api/v1/sites/${i}/none`,
        headers: { authorization: `Bearer ${apiKey}` },
      });
    }
    const { text } = await asked(server);
    expect(text).not.toMatch(/secret-client|host\d|\bsite_|ak_|sk_|127\.0\.0\.1/);
    // One more series, for paths that do not exist.
    expect(ours(readExposition(text))).toBe(before + 1);
  });
});

describe('the store and the API', () => {
  it('show commits, the queue, the keys, and requests by route', async () => {
    const world = await another();
    const { site, apiKey } = await world.addOwner();
    const server = await world.serve({ settings: { METRICS_TOKEN: TOKEN } });
    await server.send({ key: site.key, id: 'a', url: 'https://example.com/' });
    await server.sites(apiKey);
    await server.sites('sk_wrong');
    await server.ask({
      path: `/api/v1/sites/${site.id}/stats`,
      headers: { authorization: `Bearer ${apiKey}` },
    });

    const shown = await read(server);
    expect(shownAs(shown, 'attractos_commit_entries_count')).toBeGreaterThanOrEqual(1);
    expect(shownAs(shown, 'attractos_commit_entries_sum')).toBe(1);
    expect(shownAs(shown, 'attractos_commit_entries_bucket{le="+Inf"}')).toBe(
      shownAs(shown, 'attractos_commit_entries_count'),
    );
    expect(shownAs(shown, 'attractos_commit_duration_seconds_sum')).toBeGreaterThan(0);
    expect(shownAs(shown, 'attractos_commit_failures_total')).toBe(0);
    expect(shownAs(shown, 'attractos_queue_fill_ratio')).toBe(0);
    expect(shownAs(shown, 'attractos_store_ready')).toBe(1);
    expect(shownAs(shown, 'attractos_site_keys')).toBe(1);
    expect(Object.fromEntries(seriesOf(shown, 'attractos_api_requests_total'))).toEqual({
      'attractos_api_requests_total{route="/api/v1/sites",status="2xx"}': 1,
      'attractos_api_requests_total{route="/api/v1/sites",status="4xx"}': 1,
      'attractos_api_requests_total{route="/api/v1/sites/:id/stats",status="2xx"}': 1,
    });
    expect(shownAs(shown, 'attractos_api_request_duration_seconds_count')).toBe(3);
    expect(shown.types.get('attractos_commit_duration_seconds')).toBe('histogram');
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
      expect(shownAs(shown, name)).toBeGreaterThan(0);
  });

  it('show a failing store and the content of a spool', async () => {
    const world = await another();
    const { site } = await world.addOwner();
    const { events: real } = world.store;
    let spooled = 7;
    const engine = real.stats?.();
    if (engine === undefined) throw new Error('the embedded engine tells of its work');
    const events: Events = {
      ...real,
      append: async () => {
        throw spooled > 7 ? new StoreBusy('full') : new StoreUnavailable('the disk is full');
      },
      refuse: (refusal) => real.refuse(refusal),
      fill: () => 0.75,
      health: async () => ({ ok: false, reason: 'the disk is full' }),
      stats: () => ({
        ...engine,
        commitFailures: 3,
        spool: { fill: 0.5, entries: spooled, lagSeconds: 12.5 },
      }),
    };
    const server = await world.serve({ settings: { METRICS_TOKEN: TOKEN }, events });
    const view = { key: site.key, url: 'https://example.com/' };
    await server.send({ ...view, id: 'a' });
    spooled = 8;
    await server.send({ ...view, id: 'b' });

    const shown = await read(server);
    expect(shownAs(shown, 'attractos_store_ready')).toBe(0);
    expect(shownAs(shown, 'attractos_queue_fill_ratio')).toBe(0.75);
    expect(shownAs(shown, 'attractos_commit_failures_total')).toBe(3);
    expect(shownAs(shown, 'attractos_spool_fill_ratio')).toBe(0.5);
    expect(shownAs(shown, 'attractos_spool_entries')).toBe(8);
    expect(shownAs(shown, 'attractos_ship_lag_seconds')).toBe(12.5);
    for (const reason of ['unavailable', 'busy'])
      expect(shownAs(shown, `attractos_beacons_total{outcome="refused",reason="${reason}"}`)).toBe(1);
  });
});

describe('access to metrics', () => {
  it('serves no metrics by default', async () => {
    const server = await (await another()).serve();
    expect((await server.ask({ path: '/metrics' })).status).toBe(404);
    expect((await asked(server, '')).status).toBe(404);
    expect((await asked(server, 'undefined')).status).toBe(404);
  });

  it.each([
    ['no header', {}],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another token', { authorization: `Bearer ${TOKEN}x` }],
    ['the start of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('hides metrics from a request with %s', async (_name, headers: Record<string, string>) => {
    const server = await (await another()).serve({ settings: { METRICS_TOKEN: TOKEN } });
    const refused = await server.ask({ path: '/metrics', headers });
    const nothing = await server.ask({ path: '/nowhere', headers });
    expect({ status: refused.status, text: refused.text }).toEqual({
      status: nothing.status,
      text: nothing.text,
    });
  });

  it('opens metrics on the separate listener, which serves nothing else and stops with the server', async () => {
    const world = await another();
    const port = await freePort();
    const server = await world.serve({ settings: { METRICS_PORT: String(port) } });
    const url = `http://127.0.0.1:${port}`;
    const answer = await ask(url, { path: '/metrics' });
    expect(answer.status).toBe(200);
    expect(shownAs(readExposition(answer.text), 'attractos_store_ready')).toBe(1);
    for (const path of ['/', '/e', '/a.js', '/api/v1/sites', '/metrics/x', '/dashboard'])
      expect((await ask(url, { path })).status).toBe(404);
    expect((await ask(url, { method: 'POST', path: '/metrics' })).status).toBe(404);
    expect((await server.ask({ path: '/metrics' })).status, 'not on the main port').toBe(404);
    await server.app.close();
    await expect(ask(url, { path: '/metrics' })).rejects.toThrow('ECONNREFUSED');
  });

  it('says nothing about a failure, and lets no browser show or frame it', async () => {
    const world = await another();
    const port = await freePort();
    const { events: real } = world.store;
    let isBroken = false;
    const events: Events = Object.assign(Object.create(real), {
      stats: () => real.stats?.(),
      health: () => real.health(),
      fill() {
        if (isBroken) throw new Error('an internal detail');
        return 0;
      },
    });
    await world.serve({ settings: { METRICS_PORT: String(port) }, events });
    isBroken = true;
    for (const [path, status] of [
      ['/metrics', 500],
      ['/', 404],
    ] as const) {
      const answer = await ask(`http://127.0.0.1:${port}`, { path });
      expect([answer.status, answer.text]).toEqual([status, '']);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      });
    }
  });

  it('stops the program with an error if the port is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const program = startProgram(await temporaryFolder(), { METRICS_PORT: String(port) });
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.stderr()).toMatch(
      /^attractos: Cannot listen on METRICS_HOST .*, METRICS_PORT \d+: .*EADDRINUSE.*\n$/,
    );
  });
});
