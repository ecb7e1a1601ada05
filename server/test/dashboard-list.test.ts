import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';
import type { Account, Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

/** The list of sites with its summaries, and the list of recent activity on one site. */

let world: World;
let server: RunningServer;
let account: Account;
let visitor: DashboardVisitor;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  account = await world.addAccount();
  visitor = await signedIn(world, server, account);
});
afterAll(() => world.close());

/** Stores a number of events on a site, some time ago. */
async function happened(site: Site, count: number, agoMs: number): Promise<void> {
  const receivedAtMs = world.clock.now() - agoMs;
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      world.store.events.append(
        event({ siteId: site.id, host: site.domain, receivedAtMs, visitor: BigInt(i), country: 'DE' }),
      ),
    ),
  );
}

/** Returns a site's tile in the list. */
async function tileOf({ id }: Site): Promise<string> {
  const { text } = await visitor.get('/dashboard');
  const tiles = text.match(/<article.*?<\/article>/gs) ?? [];
  return tiles.find((tile) => tile.includes(id))?.replaceAll(/<[^>]+>/g, '') ?? 'not there';
}

describe('the list of sites', () => {
  it('warns of a site that was busy for a week and silent for twelve hours', async () => {
    const site = await world.addSite(account, 'quiet.example');
    for (let day = 1; day <= 7; day++) await happened(site, 25, day * DAY_MS);
    expect(await tileOf(site)).toContain('Usually busy, but no events for twelve hours.');
    await happened(site, 1, HOUR_MS);
    expect(await tileOf(site)).not.toContain('Usually busy');
  });

  it('does not warn of a site that was never busy', async () => {
    const site = await world.addSite(account, 'calm.example');
    for (let day = 1; day <= 7; day++) await happened(site, day === 4 ? 1 : 25, day * DAY_MS);
    expect(await tileOf(site)).not.toContain('Usually busy');
  });

  it('distinguishes a site without events from an inactive one, and shows current visitors', async () => {
    const site = await world.addSite(account, 'old.example');
    expect(await tileOf(site)).toContain('Waiting for the first event');
    await happened(site, 1, 45 * DAY_MS);
    expect(await tileOf(site)).toContain('Last event last month');
    await happened(site, 3, MINUTE_MS);
    expect(await tileOf(site)).toMatch(/Last event 1 minute ago.*3 online/);
  });

  it('compares the events of the month with the monthly limit', async () => {
    const site = await world.addSite(account, 'share.example');
    expect(await tileOf(site)).toContain('0 events this month0% of your monthly limit');
    await happened(site, 30, HOUR_MS);
    expect(await tileOf(site)).toContain('30 events this monthless than 1% of your monthly limit');
  });
});

describe('the activity list', () => {
  it('shows the last half hour in the time zone of the site, and refusals since the last restart', async () => {
    const site = await world.addSite(account, 'busy.example');
    await world.store.registry.setSiteTimeZone(site.id, 'Asia/Tokyo');
    await happened(site, 2, 10 * MINUTE_MS);
    await happened(site, 60, 40 * MINUTE_MS);
    await until(
      () =>
        server.send(
          { key: site.key, url: 'https://staging.busy.example/' },
          { headers: { origin: 'https://staging.busy.example' } },
        ),
      ({ status }) => status === 403,
    );
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/activity`);
    const lines = [...text.matchAll(/<li data-what="(\w+)">(.*?)<\/li>/gs)].map(([, what, line = '']) => ({
      what,
      line: line.replaceAll(/<[^>]+>/g, ' '),
    }));
    expect(lines.map(({ what }) => what)).toEqual(['refused', 'view', 'view']);
    expect(lines[0]?.line).toContain('staging.busy.example');
    const time = new Date(world.clock.now() - 10 * MINUTE_MS).toLocaleTimeString('en-GB', {
      timeZone: 'Asia/Tokyo',
    });
    expect(lines[1]?.line).toContain('Germany');
    expect(lines[1]?.line).toContain(time);
  });

  it('shows at most fifty lines', async () => {
    const site = await world.addSite(account, 'flood.example');
    await happened(site, 70, MINUTE_MS);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/activity`);
    expect(text.match(/<li data-what=/g)).toHaveLength(50);
  });
});
