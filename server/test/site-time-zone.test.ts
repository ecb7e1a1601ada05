import { afterAll, beforeAll, expect, it } from 'vitest';
import { signedIn } from './support/dashboard-person.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

/** A time zone 14 hours ahead. The test clock stands at noon UTC, when the next day has begun there. */
const ZONE = 'Pacific/Kiritimati';

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
});
afterAll(() => world.close());

it('takes the time zone of the account by default, in report, API and CSV for every viewer', async () => {
  const account = await world.addAccount();
  const site = await world.addSite(account, 'zone.example');
  const { key } = await world.addApiKey(account);
  const owner = await signedIn(world, server, account);
  const base = `/dashboard/sites/${site.id}`;
  const today = new Date(world.clock.now()).toISOString().slice(0, 10);
  const tomorrow = new Date(world.clock.now() + 86_400_000).toISOString().slice(0, 10);
  const question = { headers: { origin: 'https://zone.example' } };
  await until(
    () => server.send({ key: site.key, url: 'https://zone.example/' }, question),
    ({ status }) => status === 202,
  );
  const api = async (what: string) =>
    (
      await server.ask({
        path: `/api/v1/sites/${site.id}${what}`,
        headers: { authorization: `Bearer ${key}` },
      })
    ).json() as {
      time_zone: string;
      totals?: { pageviews: number };
      timeseries?: { pageviews: number }[];
      events?: unknown[];
    };

  expect((await api('')).time_zone).toBe('UTC');
  await world.store.registry.setTimeZone(account.id, 'Europe/Berlin');
  expect((await api('')).time_zone).toBe('Europe/Berlin');

  const changed = await owner.post(`${base}/settings/time-zone`, { 'site-zone': ZONE });
  expect(changed.headers.location).toBe(`${base}/settings/data?done=time-zone`);
  for (const what of ['', '/stats', '/timeseries', '/breakdown?by=page', '/events'])
    expect((await api(what)).time_zone, what).toBe(ZONE);
  expect((await api(`/stats?start=${today}&end=${today}`)).totals?.pageviews).toBe(0);
  expect((await api(`/stats?start=${tomorrow}&end=${tomorrow}`)).totals?.pageviews).toBe(1);
  expect((await api(`/events?start=${tomorrow}&end=${tomorrow}`)).events).toHaveLength(1);

  const viewerAccount = await world.addAccount();
  await world.store.registry.setTimeZone(viewerAccount.id, 'America/New_York');
  await world.store.registry.setMember(site.id, viewerAccount.id, 'viewer');
  const viewer = await signedIn(world, server, viewerAccount);
  for (const visitor of [owner, viewer]) {
    const report = await visitor.get(`${base}?range=today`);
    expect(report.text).toContain(ZONE);
    expect(report.text).not.toContain('America/New_York');
    const rows = await visitor.get(`${base}/rows.csv?range=today&by=page`);
    expect(rows.text).toContain('\r\n/,');
  }

  const back = await owner.post(`${base}/settings/time-zone`, { 'site-zone': '' });
  expect(back.status).toBe(303);
  expect((await api('/stats')).time_zone).toBe('Europe/Berlin');
});

it('must exist', async () => {
  const account = await world.addAccount();
  const site = await world.addSite(account, 'nowhere.example');
  const owner = await signedIn(world, server, account);
  const answer = await owner.post(`/dashboard/sites/${site.id}/settings/time-zone`, {
    'site-zone': 'Mars/<b>Olympus',
  });
  expect(answer.status).toBe(422);
  expect(answer.text).toContain('&quot;Mars/&lt;b>Olympus&quot; is not a time zone.');
  expect((await world.store.registry.siteById(site.id))?.timeZone).toBeNull();
});
