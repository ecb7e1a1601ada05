import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLL_UP_SITES_MAX } from '../src/app/roll-ups.ts';
import { PANELS } from '../src/dashboard/report/panels.ts';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import type { Account, Entry, Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { trafficOf } from './support/generated.ts';
import { type RunningServer, World } from './support/world.ts';

const DAYS = 4;
const DOMAINS = ['b.example', 'a.example', 'c.example'];
const MEASURES = [
  'visitors',
  'visits',
  'pageviews',
  'events',
  'conversions',
  'bounces',
  'engaged_ms',
  'bot_visits',
];

let world: World;
let server: RunningServer;
let account: Account;
let owner: DashboardVisitor;
let sites: Site[];

/** Three sites with traffic of today and the days before, of which the server has sealed those. */
beforeAll(async () => {
  world = await World.open();
  server = await world.serve({});
  account = await world.addAccount();
  owner = await signedIn(world, server, account);
  sites = [];
  const fromMs = (utcDay(world.clock.now()) - DAYS + 1) * DAY_MS;
  for (const [i, domain] of DOMAINS.entries()) {
    const site = await world.addSite(account, domain);
    sites.push(site);
    const entries = trafficOf({ seed: 30 + i, fromMs, days: DAYS, perDay: 60, visitors: 8, clockSteps: 0 });
    for (const entry of entries.filter(({ receivedAtMs }) => receivedAtMs < world.clock.now()))
      await world.store.events.append({ ...entry, siteId: site.id } as Entry);
  }
  await world.store.reports.sealDaysBefore(utcDay(world.clock.now()));
});
afterAll(() => world.close());

const siteParameters = (chosen: readonly Site[] = sites) => chosen.map(({ id }) => `site=${id}`).join('&');
const rollUp = (query = '', chosen?: readonly Site[]) =>
  `/dashboard/roll-up?${siteParameters(chosen)}&${query}`;

type Line = Record<string, string>;

/** What stands for the unknown value, which is empty in a file. It comes after others. */
const UNKNOWN = '\u{10ffff}';

/** Reads a CSV file. No value of the traffic has a quote or a comma. */
async function table(path: string): Promise<Line[]> {
  const { status, text } = await owner.get(path);
  expect(status, path).toBe(200);
  const [head = '', ...lines] = text.trim().split('\r\n');
  const names = head.split(',');
  const [by = ''] = names;
  return lines.map((text) => {
    const line = Object.fromEntries(text.split(',').map((cell, i) => [names[i] ?? '', cell]));
    return line[by] === '' && line.name !== '(empty)' ? { ...line, [by]: UNKNOWN } : line;
  });
}
const ofRollUp = (query: string) => table(`/dashboard/roll-up/rows.csv?${siteParameters()}&${query}`);
const ofSites = async (query: string) =>
  Promise.all(
    sites.map(async (site) => ({
      site,
      lines: await table(`/dashboard/sites/${site.id}/rows.csv?${query}`),
    })),
  );

const numberIn = (line: Line, name: string) => Number(line[name] ?? 0);

/** Adds up lines by their first column. The order is that of the product: visitors, events, value, and unknown last. */
function summed(lines: readonly Line[], by: string): Line[] {
  const columns = [...new Set(lines.flatMap((line) => Object.keys(line)))].filter(
    (name) => MEASURES.includes(name) || name.startsWith('revenue'),
  );
  const sums = [...Map.groupBy(lines, (line) => line[by] ?? '')].map(([key, same]) => ({
    key,
    numbers: Object.fromEntries(
      columns.map((name) => [name, same.reduce((sum, line) => sum + numberIn(line, name), 0)]),
    ),
  }));
  const size = ({ numbers }: (typeof sums)[number]) =>
    (numbers.visitors ?? 0) + (numbers.bot_visits ?? 0) * (by === 'bot' ? 1 : 0);
  const events = ({ numbers }: (typeof sums)[number]) => numbers.events ?? 0;
  sums.sort((a, b) => size(b) - size(a) || events(b) - events(a) || (a.key < b.key ? -1 : 1));
  return sums.map(({ key, numbers }) => ({
    [by]: key,
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value.toFixed(4)])),
  }));
}

/** Leaves out the name of a value, and writes numbers as `summed` does. */
const plain = (lines: readonly Line[]) =>
  lines.map((line) =>
    Object.fromEntries(
      Object.entries(line)
        .filter(([name]) => name !== 'name')
        .map(([name, cell]) => [
          name,
          MEASURES.includes(name) || name.startsWith('revenue') ? Number(cell).toFixed(4) : cell,
        ]),
    ),
  );

const PAGES = ['page', 'entry', 'exit'];

describe('a roll-up', () => {
  it('has the sums of its sites over time', async () => {
    for (const query of ['by=time&range=7d', 'by=time&range=today', 'by=time&range=24h&f=source:Google']) {
      const bySite = (await ofSites(query)).flatMap(({ lines }) => lines);
      const sums = summed(bySite, 'from').sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? -1 : 1));
      expect(plain(await ofRollUp(query)), query).toEqual(sums);
    }
  });

  it('has the sums of its sites in every panel, in the order of the sums', async () => {
    const dimensions = [...PANELS.flatMap(({ tabs }) => tabs.map(({ by }) => by)), 'bot', 'prop:plan'];
    for (const [i, by] of dimensions.entries())
      for (const filter of ['', i % 2 === 0 ? '&f=country:DE' : '&f=!event:signup']) {
        const query = `range=7d&by=${encodeURIComponent(by)}${filter}`;
        const bySite = (await ofSites(query)).flatMap(({ site, lines }) =>
          PAGES.includes(by)
            ? lines.map((line) => ({
                ...line,
                [by]: line[by] === UNKNOWN ? UNKNOWN : `${site.domain}${line[by]}`,
              }))
            : lines,
        );
        expect(plain(await ofRollUp(query)), query).toEqual(summed(bySite, by));
      }
  });

  it('lists its sites with their own numbers, each with a link to its report', async () => {
    const lines = await ofRollUp('range=7d&by=site');
    expect(lines.map(({ site, name }) => [site, name])).toEqual(sites.map(({ id, domain }) => [id, domain]));
    for (const [i, { lines: ofSite }] of (await ofSites('range=7d&by=site')).entries())
      expect(ofSite).toEqual([lines[i]]);
    const page = (await owner.get(rollUp('range=7d&f=page:a.example/a'))).text;
    for (const { id } of sites) expect(page).toContain(`href="/dashboard/sites/${id}?range=7d"`);
    expect(page).toContain('A visitor of two sites counts on each');
  });

  it('filters by a page of one site, and keeps its sites in every link', async () => {
    const [line] = await ofRollUp('range=7d&by=page&f=page:a.example/a');
    expect(line?.page).toBe('a.example/a');
    const page = (await owner.get(rollUp('range=7d'))).text;
    expect(page).toContain('Roll-up of 3 sites');
    const links = [...page.matchAll(/href="(\/dashboard\/roll-up[^"]*)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    );
    expect(links.length).toBeGreaterThan(40);
    for (const link of links)
      expect(new URLSearchParams(link.split('?')[1]).getAll('site'), link).toEqual(sites.map(({ id }) => id));
    // The form of a filter, as a browser sends it.
    const sent = await owner.get(rollUp('range=7d&add=page&how=is&text=a.example/a'));
    expect(sent.status).toBe(303);
    const to = new URLSearchParams(String(sent.headers.location).split('?')[1]);
    expect(to.getAll('site')).toEqual(sites.map(({ id }) => id));
    expect(to.getAll('f')).toEqual(['page:a.example/a']);
  });

  it('changes a filter in place, on its map too', async () => {
    for (const page of ['', '/map']) {
      const path = `/dashboard/roll-up${page}`;
      const { text } = await owner.get(`${path}?${siteParameters()}&range=7d&f=country:DE`);
      expect(text).toMatch(
        new RegExp(`<form method="get" action="${path}" class="filter-form" data-suggest`),
      );
      const sent = await owner.get(
        `${path}?${siteParameters()}&range=7d&add=country&edit=0&how=not&text=Germany`,
      );
      expect([sent.status, sent.headers.location]).toEqual([
        303,
        `${path}?range=7d&f=%21country%3ADE&${siteParameters()}`,
      ]);
    }
  });

  it('has details, a map and suggestions', async () => {
    const detailsOf = `/dashboard/roll-up/details?${siteParameters()}&range=7d`;
    const details = await owner.get(`${detailsOf}&by=page&search=a.example`);
    expect(details.text).toContain('a.example/');
    expect(details.text).not.toContain('b.example/a');
    for (const by of ['source', 'bot', 'prop:plan', 'goal'])
      expect((await owner.get(`${detailsOf}&by=${by}`)).status, by).toBe(200);
    expect((await owner.get(`${detailsOf}&by=site`)).text).toContain('The table of sites has no details');
    expect((await owner.get(`/dashboard/roll-up/map?${siteParameters()}&range=7d`)).text).toContain('<svg');
    const suggested = await owner.get(
      `/dashboard/roll-up/suggestions?${siteParameters()}&range=7d&add=page&how=is&search=a.ex`,
    );
    expect(suggested.text).toContain('data-text="a.example/');
  });

  it('of all sites, of one, and of none', async () => {
    const all = (await owner.get('/dashboard/roll-up?site=all')).text;
    expect(all).toContain('Roll-up of 3 sites');
    const [first] = sites;
    for (const query of [
      `site=${first?.id}&range=7d`,
      `site=${first?.id}&site=${first?.id}&range=7d&f=page:/a`,
    ]) {
      const one = await owner.get(`/dashboard/roll-up?${query}`);
      expect(one.status).toBe(303);
      expect(one.headers.location).toBe(`/dashboard/sites/${first?.id}?range=7d`);
    }
    // Each site counts once, however often it is chosen.
    const twice = await owner.get(rollUp(siteParameters()));
    expect(twice.text).toContain('Roll-up of 3 sites');
    const none = await owner.get('/dashboard/roll-up');
    expect(none.status).toBe(400);
    expect(none.text).toContain('Choose at least one site.');
    expect(none.text).toContain(`value="${first?.id}"`);
    expect(none.text).not.toContain('Show the last 28 days');
    for (const text of [all, none.text])
      expect(text).toContain('<a href="/dashboard" aria-current="page">Sites</a>');
  });
});

describe('access to a roll-up', () => {
  it('refuses a site that the user may not see as if it did not exist', async () => {
    const stranger = await world.addAccount();
    const foreign = await world.addSite(stranger, 'foreign.example');
    const missing = await owner.get(`${rollUp()}&site=site_never`);
    expect(missing.status).toBe(404);
    for (const path of ['', '/details', '/rows.csv', '/map', '/suggestions']) {
      const answer = await owner.get(
        `/dashboard/roll-up${path}?${siteParameters()}&site=${foreign.id}&add=page`,
      );
      expect(answer.status, path).toBe(404);
      expect(answer.text, path).not.toContain('foreign.example');
    }
    const refused = await owner.get(`${rollUp()}&site=${foreign.id}`);
    const withoutToken = (text: string) => text.replaceAll(/name="csrf" value="[^"]*"/g, '');
    expect(withoutToken(refused.text)).toBe(withoutToken(missing.text));
    await world.store.registry.setMember(foreign.id, account.id, 'viewer');
    expect((await owner.get(`${rollUp()}&site=${foreign.id}`)).text).toContain('Roll-up of 4 sites');
    expect((await owner.get('/dashboard/roll-up?site=all')).text).toContain('Roll-up of 4 sites');
    await world.store.registry.removeMember(foreign.id, account.id);
    expect((await owner.get(`${rollUp()}&site=${foreign.id}`)).status).toBe(404);
    expect((await owner.get('/dashboard/roll-up?site=all')).text).toContain('Roll-up of 3 sites');
  });

  it('asks strangers to sign in', async () => {
    const answer = await new DashboardVisitor(server.url).get(rollUp());
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toMatch(/^\/login/);
  });

  it('refuses more sites than the limit', async () => {
    const many = Array.from({ length: ROLL_UP_SITES_MAX + 1 }, (_, i) => `site=site_${i}`).join('&');
    const answer = await owner.get(`/dashboard/roll-up?${many}`);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('A roll-up has at most 50 sites, and 51 are chosen.');
    const other = await world.addAccount();
    for (let i = 0; i <= ROLL_UP_SITES_MAX; i++) await world.addSite(other, `site-${i}.many.example`);
    const person = await signedIn(world, server, other);
    const all = await person.get('/dashboard/roll-up?site=all');
    expect(all.status).toBe(400);
    expect(all.text).toContain('A roll-up has at most 50 sites, and 51 are chosen.');
    const list = (await person.get('/dashboard')).text;
    expect(list).toContain('Open roll-up of chosen sites');
    expect(list).not.toContain('Roll-up of all sites');
  });

  it('explains what is wrong with its address', async () => {
    const hostile = [
      'range=never',
      'f=nothing',
      'f=goal:goal_1',
      'interval=hour&range=12m',
      'by=<script>',
      'range=7d&range=7d',
    ];
    for (const query of hostile) {
      const answer = await owner.get(rollUp(query));
      expect(answer.status, query).toBe(400);
      expect(answer.text, query).not.toContain('<script>al');
      expect(answer.text.replaceAll('&amp;', '&'), query).toContain(
        `href="/dashboard/roll-up?${siteParameters()}"`,
      );
    }
    for (const site of ['', '%00', "'; DROP TABLE sites; --", '<script>alert(1)</script>', 'x'.repeat(3_000)])
      expect((await owner.get(`${rollUp()}&site=${encodeURIComponent(site)}`)).status, site).toBe(404);
  });
});
