import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neighborOf } from '../src/app/reports/spans.ts';
import { readDate, writeDate } from '../src/domain/calendar.ts';
import { DAY_MS } from '../src/domain/clock.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** How people get from one page of the dashboard to the next: sites, sections, periods, and what is still empty. */

const DIGITS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve({ settings: { SIGNUPS: 'open' } });
  // The first account is the operator's.
  await world.addAccount();
});
afterAll(() => world.close());

describe('the periods before and after a span', () => {
  it.each([
    ['month', '2026-05-01', '2026-05-14', ['2026-04-01', '2026-04-30'], ['2026-06-01', '2026-06-30']],
    ['month', '2026-01-01', '2026-01-14', ['2025-12-01', '2025-12-31'], ['2026-02-01', '2026-02-28']],
    ['custom', '2024-02-01', '2024-02-29', ['2024-01-01', '2024-01-31'], ['2024-03-01', '2024-03-31']],
    ['custom', '2024-12-01', '2024-12-31', ['2024-11-01', '2024-11-30'], ['2025-01-01', '2025-01-31']],
    ['custom', '2024-02-01', '2024-02-28', ['2024-01-04', '2024-01-31'], ['2024-02-29', '2024-03-27']],
    ['year', '2026-01-01', '2026-05-14', ['2025-01-01', '2025-12-31'], ['2027-01-01', '2027-12-31']],
    ['custom', '2024-01-01', '2024-12-31', ['2023-01-01', '2023-12-31'], ['2025-01-01', '2025-12-31']],
    ['7d', '2026-05-08', '2026-05-14', ['2026-05-01', '2026-05-07'], ['2026-05-15', '2026-05-21']],
    ['today', '2026-05-14', '2026-05-14', ['2026-05-13', '2026-05-13'], ['2026-05-15', '2026-05-15']],
    ['60m', '2026-05-14', '2026-05-14', ['2026-05-13', '2026-05-13'], ['2026-05-15', '2026-05-15']],
    ['24h', '2026-05-13', '2026-05-14', ['2026-05-13', '2026-05-13'], ['2026-05-15', '2026-05-15']],
  ])('%s, %s to %s', (range, from, to, before, after) => {
    const span = { range, firstDay: readDate(from) ?? 0, lastDay: readDate(to) ?? 0 };
    const written = (direction: 1 | -1) => {
      const { firstDay, lastDay } = neighborOf(span, direction);
      return [writeDate(firstDay), writeDate(lastDay)];
    };
    expect([written(-1), written(1)]).toEqual([before, after]);
  });

  it('are links of the report, except to what has not begun', async () => {
    const { visitor, base } = await ownerOf('periods.example');
    const yesterday = writeDate(Math.floor(world.clock.now() / DAY_MS) - 1);
    const current = (await visitor.get(`${base}?range=today`)).text;
    expect(current).toContain('title="Earlier period: ');
    expect(current).not.toContain('title="Later period: ');
    const href = /href="([^"]*)" data-key="ArrowLeft"/.exec(current)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(href).toBe(`${base}?range=custom&from=${yesterday}&to=${yesterday}`);
    const earlier = await visitor.get(href);
    expect(earlier.status).toBe(200);
    expect(earlier.text).toContain('data-key="ArrowRight"');
  });
});

describe('the keys of the chart', () => {
  it('choose several buckets only if these are days, weeks or months, since parts of days have no report', async () => {
    const { visitor, base } = await ownerOf('keys.example');
    for (const query of ['range=7d', 'range=12m', 'range=7d&interval=hour', 'range=today', 'range=60m']) {
      const label = /data-chart="([^"]*)"/.exec((await visitor.get(`${base}?${query}`)).text)?.[1];
      expect(label?.includes('Enter opens the period'), query).toBe(/7d$|12m/.test(query));
    }
  });
});

describe('the menu of sites', () => {
  it('offers up to nine sites of the user, and none if there is only one', async () => {
    const { visitor, account, base, site } = await ownerOf('first.example', 'pro');
    expect((await visitor.get(base)).text).not.toContain('Switch site');
    for (const i of DIGITS) await world.addSite(account, `more-${i}.example`);
    for (const path of [base, `${base}/activity`, `${base}/not-counted`, `${base}/settings`]) {
      const { text } = await visitor.get(path);
      expect(keysIn(text), path).toEqual(DIGITS.map(String));
      expect(text).toMatch(new RegExp(`href="/dashboard/sites/${site.id}" aria-current="true" data-key="1"`));
    }
    // An answer to a form has it too.
    expect(keysIn((await visitor.post(`${base}/settings/hosts`, { hosts: '?' })).text)).toHaveLength(9);
  });

  it('offers the sites of others that the user may see, and no more', async () => {
    const theirs = await ownerOf('theirs.example');
    const secret = await ownerOf('secret.example');
    const { visitor, account, base } = await ownerOf('own.example');
    await world.store.registry.setMember(theirs.site.id, account.id, 'viewer');
    const { text } = await visitor.get(base);
    expect(text).toContain(`href="${theirs.base}"`);
    expect(text).not.toContain(secret.site.id);
  });
});

describe('the settings of a site', () => {
  it('are pages with addresses of their own, and a menu of them', async () => {
    const { visitor, base } = await ownerOf('sections.example');
    const titles = {
      '': 'Hosts',
      '/goals': 'Goals',
      '/sharing': 'Public links',
      '/team': 'Team',
      '/data': 'Export',
    };
    for (const section of Object.keys(titles)) {
      const { status, text } = await visitor.get(`${base}/settings${section}`);
      expect(status, section).toBe(200);
      expect(text).toContain(`href="${base}/settings${section}" aria-current="page"`);
      for (const other of Object.keys(titles)) expect(text).toContain(`href="${base}/settings${other}"`);
    }
  });

  it('return to their section after a change, and after a mistake', async () => {
    const { visitor, base } = await ownerOf('returns.example');
    const saved = await visitor.post(`${base}/settings/goals`, { kind: 'event', pattern: 'signup' });
    expect(saved.headers.location).toBe(`${base}/settings/goals?done=goal`);
    const wrong = await visitor.post(`${base}/settings/retention`, { days: 'many' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain(`href="${base}/settings/data" aria-current="page"`);
  });

  it('show the team only to the owner', async () => {
    const { site, base } = await ownerOf('team.example');
    const admin = await world.addAccount();
    await world.store.registry.setMember(site.id, admin.id, 'admin');
    const visitor = await signedIn(world, server, admin);
    expect((await visitor.get(`${base}/settings`)).text).not.toContain('/settings/team');
    expect((await visitor.get(`${base}/settings/team`)).status).toBe(403);
    expect((await visitor.get(`${base}/settings/data`)).text).not.toContain('settings/delete');
  });
});

describe('a report without goals', () => {
  it('says what a goal is, and links to where one is added, for those who may', async () => {
    const { site, visitor, base } = await ownerOf('goals.example');
    expect((await visitor.get(base)).text).toContain(`href="${base}/settings/goals"`);
    const viewer = await world.addAccount();
    await world.store.registry.setMember(site.id, viewer.id, 'viewer');
    const seen = (await (await signedIn(world, server, viewer)).get(base)).text;
    expect(seen).not.toContain('/settings/goals');
    await visitor.post(`${base}/settings/goals`, { kind: 'event', pattern: 'signup' });
    expect((await visitor.get(base)).text).not.toContain('Add a goal');
  });
});

describe('a note about a day', () => {
  const today = () => writeDate(Math.floor(world.clock.now() / DAY_MS));
  const note = (text: string, date = today(), query = '') => ({
    ...{ 'note-date': date, 'note-text': text, query },
  });

  it('is on the chart and below it, and returns to the same report', async () => {
    const { visitor, base } = await ownerOf('noted.example');
    const saved = await visitor.post(
      `${base}/annotations`,
      note('  Sent <b>\nmail ', today(), 'range=7d&x=1'),
    );
    expect([saved.status, saved.headers.location]).toEqual([303, `${base}?range=7d`]);
    for (const query of ['range=7d', 'range=60m', 'range=today', 'range=12m']) {
      const { text } = await visitor.get(`${base}?${query}`);
      expect(text.match(/class="chart-note"/g), query).toHaveLength(1);
      expect(text).toContain('<bdi>Sent &lt;b> mail</bdi>');
    }
    expect((await visitor.get(`${base}?range=yesterday`)).text).not.toContain('chart-note');
    const [, id = ''] = /name="id" value="(note_[^"]+)"/.exec((await visitor.get(base)).text) ?? [];
    expect((await visitor.post(`${base}/annotations/remove`, { id, query: '' })).headers.location).toBe(base);
    expect((await visitor.get(base)).text).not.toContain('chart-note');
  });

  it.each([
    ['', '2026-05-14', 'Enter a note of 1 to 200 characters.'],
    ['x'.repeat(201), '2026-05-14', 'Enter a note of 1 to 200 characters.'],
    ['Launch', '2026-02-30', 'Enter a date, such as 2026-05-14.'],
    ['Launch', '', 'Enter a date, such as 2026-05-14.'],
  ])('is refused if it is %j about %j', async (text, date, sentence) => {
    const { visitor, base } = await ownerOf('refused-note.example');
    const answer = await visitor.post(`${base}/annotations`, note(text, date));
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(sentence);
    expect(answer.text).toContain('class="report"');
  });

  it('is one of at most 1000', async () => {
    const { site, visitor, base } = await ownerOf('full-of-notes.example');
    for (let i = 0; i < 1_000; i++)
      await world.store.registry.addAnnotation({
        ...{ id: `note_full_${i}`, siteId: site.id, day: 0, text: 'x', createdAtMs: i },
      });
    const answer = await visitor.post(`${base}/annotations`, note('One more'));
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('at most 1000 notes')]);
  });

  it('is seen by people who view the site, who cannot change it, and not behind a public link', async () => {
    const { site, visitor, base } = await ownerOf('seen-note.example');
    await visitor.post(`${base}/annotations`, note('For the team'));
    const viewer = await world.addAccount();
    await world.store.registry.setMember(site.id, viewer.id, 'viewer');
    const person = await signedIn(world, server, viewer);
    const { text } = await person.get(base);
    expect(text).toContain('For the team');
    expect(text).not.toContain(`${base}/annotations`);
    expect((await person.post(`${base}/annotations`, note('Mine'))).status).toBe(403);
    const shared = await visitor.post(`${base}/settings/shares`, { name: 'Board', expires: '7' });
    const [path = ''] = /\/share\/[\w-]+/.exec(shared.text) ?? [];
    expect((await new DashboardVisitor(server.url).get(path)).text).not.toContain('For the team');
  });
});

describe('a change of what is counted', () => {
  it('becomes a note, once a day', async () => {
    const { site, visitor, base } = await ownerOf('changing.example');
    const save = (path: string, form: Record<string, string>) =>
      visitor.post(`${base}/settings/${path}`, form);
    await save('hosts', { hosts: 'shop.example' });
    for (let i = 0; i < 2; i++) {
      await save('hosts', {
        hosts: `shop.example a.example ${'long.'.repeat(12)}example`,
        subdomains: 'on',
      });
      await save('hosts', { hosts: 'shop.example' });
      await save('exclusions', {
        ...{ 'excluded-pages': '/admin/*', 'excluded-addresses': '192.0.2.7', 'data-centers': 'on' },
      });
      await save('pages', { 'merge-slashes': 'on' });
      await save('pages', {});
    }
    await save('keys', {});
    await save('keys/retire', { key: site.key });
    const { text } = await visitor.get(base);
    const notes = [...text.matchAll(/<bdi>([^<]+)<\/bdi><form/g)].map(([, note]) => note);
    // The clock of the test stands still, and notes of one instant have no order.
    expect(notes.sort()).toEqual([
      '/a/ and /a now count as one page',
      '/a/ and /a now count as two pages',
      'Allowed domains changed: all subdomains are counted; 2 added',
      'Allowed domains changed: shop.example added',
      'Allowed domains changed: subdomains are no longer counted; 2 removed',
      'Exclusions changed: pages, IP addresses, referrer spam, data centers',
      `Site key retired: ${site.key}`,
    ]);
    expect(text).not.toContain('192.0.2.7');
  });
});

describe('a new account', () => {
  it.each([
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Mars/Olympus_Mons', 'UTC'],
    ['', 'UTC'],
  ])('starts with the time zone of the browser: %j', async (zone, expected) => {
    const visitor = new DashboardVisitor(server.url);
    expect((await visitor.get('/signup')).text).toContain('name="time-zone"');
    const email = `zone-${zone.length}@example.com`;
    const typed = { email, password: 'a long and unusual sentence', 'time-zone': zone };
    expect((await visitor.post('/signup', typed)).status).toBe(303);
    expect((await world.store.registry.accountByEmail(email))?.timeZone).toBe(expected);
  });
});

/** Creates a site with an event, and signs its owner in. */
async function ownerOf(domain: string, plan: 'free' | 'pro' = 'free') {
  const account = await world.addAccount({ plan });
  const site = await world.addSite(account, domain);
  await world.store.events.append(event({ siteId: site.id, receivedAtMs: world.clock.now() }));
  const visitor = await signedIn(world, server, account);
  return { account, site, visitor, base: `/dashboard/sites/${site.id}` };
}

/** Returns the keys of the menu of sites on a page. */
function keysIn(html: string): (string | undefined)[] {
  return [...html.matchAll(/href="\/dashboard\/sites\/[^"/]+"[^>]* data-key="(\d)"/g)].map(([, key]) => key);
}
