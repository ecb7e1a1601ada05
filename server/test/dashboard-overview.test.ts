import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OVERVIEW_SITES_MAX } from '../src/dashboard/sites/overview.ts';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import type { Account, Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve({});
});
afterAll(() => world.close());

/** Stores page views of a site, each by another visitor. */
async function views(site: Site, count: number, daysAgo: number, visitors = count): Promise<void> {
  const receivedAtMs = world.clock.now() - daysAgo * DAY_MS - 1_000;
  for (let i = 0; i < count; i++)
    await world.store.events.append(
      event({
        siteId: site.id,
        visitor: BigInt(i % visitors),
        receivedAtMs: receivedAtMs + i,
        path: `/${i}`,
      }),
    );
}

async function ownerOf(domains: readonly string[]): Promise<{ account: Account; sites: Site[] }> {
  const account = await world.addAccount();
  const sites: Site[] = [];
  for (const domain of domains) sites.push(await world.addSite(account, domain));
  return { account, sites };
}

/** Returns the text of a part of a page, without tags. */
function textOf(page: string, from: RegExp, to: string): string {
  const [, part = ''] = page.split(from);
  return (part.split(to)[0] ?? '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
const sumsIn = (page: string) => textOf(page, /<section class="card overview"[^>]*>/, '</section>');
const cardIn = (page: string, site: Site) =>
  textOf(page, new RegExp(`href="/dashboard/sites/${site.id}">`), '</article>');

describe('the overview of all sites', () => {
  it('adds up the sites, also those on other pages, and compares with the period before', async () => {
    const { account, sites } = await ownerOf(Array.from({ length: 51 }, (_, i) => `site-${i}.sums.example`));
    const [first, last] = [sites[0], sites.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no sites');
    await views(first, 6, 1, 3);
    await views(first, 4, 35);
    await views(last, 2, 20);
    await world.store.reports.sealDaysBefore(utcDay(world.clock.now()));
    await views(last, 1, 0);
    const person = await signedIn(world, server, account);
    const page = (await person.get('/dashboard')).text;
    expect(sumsIn(page)).toContain('All 51 sites');
    expect(sumsIn(page)).toMatch(/Visitors 6 ▲ up 50% Page views 9 ▲ up 125% Events 9/);
    expect(cardIn(page, first)).toMatch(/Visitors 3 ▼ down 25% Page views 6 ▲ up 50%/);
    expect(cardIn(page, first)).not.toContain('online');
    const second = (await person.get('/dashboard?from=50')).text;
    expect(sumsIn(second)).toBe(sumsIn(page));
    expect(cardIn(second, last)).toMatch(/Visitors 3 Page views 3.*1 online/);
    // Sums of the time of the cards' own numbers.
    for (const [range, expected] of [
      ['today', /Visitors 1 ▼ down 67% Page views 1 ▼ down 83%/],
      ['7d', /Visitors 4 Page views 7 /],
      ['91d', /Visitors 10 Page views 13 /],
    ] as const) {
      const chosen = (await person.get(`/dashboard?range=${range}&from=50`)).text;
      expect(sumsIn(chosen)).toMatch(expected);
      expect(chosen).toContain(`<a href="/dashboard?range=${range}">Previous sites</a>`);
    }
  });

  it('has a site that is shared with the user, until the membership ends', async () => {
    const { sites } = await ownerOf(['shared.example']);
    const [shared] = sites;
    if (shared === undefined) throw new Error('no site');
    await views(shared, 5, 1);
    const { account, sites: own } = await ownerOf(['own-1.example', 'own-2.example']);
    for (const site of own) await views(site, 1, 1);
    await world.store.registry.setMember(shared.id, account.id, 'viewer');
    const person = await signedIn(world, server, account);
    expect(sumsIn((await person.get('/dashboard')).text)).toMatch(/All 3 sites.*Visitors 7 /);
    await world.store.registry.removeMember(shared.id, account.id);
    expect(sumsIn((await person.get('/dashboard')).text)).toMatch(/All 2 sites.*Visitors 2 /);
  });

  it('refuses a period that it does not have, and says so', async () => {
    const { account } = await ownerOf(['odd-1.example', 'odd-2.example']);
    const person = await signedIn(world, server, account);
    for (const range of ['never', '12m', '<script>alert(1)</script>', 'x'.repeat(5_000), '']) {
      const answer = await person.get(`/dashboard?range=${encodeURIComponent(range)}`);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('There is no period “');
      expect(answer.text).not.toContain('<script>alert');
      expect(answer.text.length).toBeLessThan(200_000);
    }
  });

  it('has no sums of a part of the sites', async () => {
    const { account } = await ownerOf(['many.example']);
    const person = await signedIn(world, server, account);
    const [site] = await world.store.registry.sitesOf(account.id);
    if (site === undefined) throw new Error('no site');
    const { sitesOf } = world.store.registry;
    world.store.registry.sitesOf = async () => Array.from({ length: OVERVIEW_SITES_MAX + 1 }, () => site);
    try {
      const page = (await person.get('/dashboard')).text;
      expect(sumsIn(page)).toBe(
        'All 201 sites There are no sums here, because they cover at most 200 sites and you see 201.',
      );
      expect(cardIn(page, site)).not.toContain('Visitors');
    } finally {
      world.store.registry.sitesOf = sitesOf;
    }
  });
});
