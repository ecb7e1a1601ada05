import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChangedExclusions } from '../src/api/exclusions.ts';
import { dryRunExclusions } from '../src/app/exclusions.ts';
import { DAY_MS, MINUTE_MS, systemClock, utcDay } from '../src/domain/clock.ts';
import { newAccountId, newSiteId, newSiteKey } from '../src/domain/keys.ts';
import type { Account, Site } from '../src/store/contract/store.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { ApiWorld } from './support/api.ts';
import { event } from './support/entries.ts';
import type { Answer } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { command, json } from './support/program.ts';

describe('the API', () => {
  let api: ApiWorld;
  let account: Account;
  let site: Site;
  let read: string;
  let configure: string;

  beforeAll(async () => {
    api = await ApiWorld.open();
    ({ account, site, apiKey: read } = await api.world.addOwner('example.com', 'pro'));
    ({ key: configure } = await api.key(account, { scopes: ['configure'] }));
    const now = api.world.clock.now();
    const views = [
      { path: '/admin/1' },
      { path: '/admin/2', host: 'staging.example.com' },
      { path: '/', referrer: 'sub.spam.example/x' },
      { path: '/', referrer: 'semalt.com' },
      { path: '/', referrer: 'not-spam.example' },
      { path: '/', country: 'FR', visitor: 2n },
      { path: '/admin/3', receivedAtMs: now - 8 * DAY_MS },
    ];
    for (const view of views)
      await api.world.store.events.append(event({ siteId: site.id, receivedAtMs: now - MINUTE_MS, ...view }));
  });
  beforeEach(() => api.world.clock.advance(MINUTE_MS));
  afterAll(() => api.close());

  const path = () => `/sites/${site.id}/exclusions`;
  const put = (apiKey: string, body: unknown): Promise<Answer> =>
    api.ask({
      ...{ method: 'PUT', path: `/api/v1${path()}` },
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  const NONE = {
    ...{ pages: [], countries: [], addresses: [], referrers: [], hosts: [], user_agents: [] },
    ...{ referrer_spam: true, data_centers: false },
  };

  it('changes only the lists that are sent, and needs the scope for it', async () => {
    expect(await api.read(read, path())).toEqual({ site_id: site.id, ...NONE });
    expect((await put(read, { pages: [] })).json()).toMatchObject({ code: 'SCOPE_REQUIRED' });
    const { key: write } = await api.key(account, { scopes: ['read', 'write'] });
    expect((await put(write, { pages: [] })).status).toBe(403);
    expect((await api.get(configure, path())).status).toBe(403);

    const first = await put(configure, {
      pages: ['/café/*'],
      addresses: ['203.0.113.9/24'],
      data_centers: true,
    });
    expect(first.status).toBe(200);
    expect(first.json()).toEqual({
      ...{ site_id: site.id, ...NONE, pages: ['/caf%C3%A9/*'], addresses: ['203.0.113.0/24'] },
      ...{ data_centers: true, dry_run: null },
    });
    await put(configure, { user_agents: ['MyMonitor, 1.0 (x)'], referrer_spam: false, pages: [] });
    expect(await api.read(read, path())).toEqual({
      ...{ site_id: site.id, ...NONE, addresses: ['203.0.113.0/24'], user_agents: ['MyMonitor, 1.0 (x)'] },
      ...{ data_centers: true, referrer_spam: false },
    });
    const bound = await api.key(account, { scopes: ['configure'], siteIds: [] });
    expect((await put(bound.key, {})).json()).toMatchObject({ code: 'SITE_NOT_FOUND' });
    // The response of GET can be sent back.
    await put(configure, { site_id: site.id, ...NONE });
    expect((await api.world.store.registry.siteById(site.id))?.exclusions).toBeNull();
  });

  it('tests a change on the events of the last days, and changes nothing', async () => {
    const tested = await put(configure, {
      ...{ pages: ['/admin/*'], referrers: ['spam.example'], hosts: ['staging.example.com'] },
      ...{ countries: ['FR'], addresses: ['203.0.113.1'], user_agents: ['x'], dry_run: true },
    });
    expect((tested.json() as ChangedExclusions).dry_run).toEqual({
      ...{ days: 7, events: 6, excluded: 5, since: null, unknown: ['addresses', 'user_agents'] },
      reasons: {
        ...{ 'excluded-page': 1, 'excluded-host': 1, 'excluded-referrer': 1, 'excluded-country': 1 },
        'referrer-spam': 1,
      },
    });
    const without = await put(configure, { referrer_spam: false, dry_run: true });
    expect(without.json()).toMatchObject({ referrer_spam: false, dry_run: { events: 6, excluded: 0 } });
    expect(await api.read(read, path())).toEqual({ site_id: site.id, ...NONE });
  });

  it.each<[unknown, RegExp]>([
    [{ addresses: ['nowhere'] }, /^“nowhere” is not an IP address/],
    [{ pages: ['admin'] }, /^“admin” is not a path/],
    [{ countries: ['QX'], dry_run: true }, /^“QX” is not a country code/],
    [{ user_agents: ['*'] }, /matches every browser/],
    [{ hosts: 'staging.example.com' }, /^hosts must be an array/],
    [{ referrer_spam: 'no' }, /^referrer_spam must be a boolean/],
    [{ agents: ['MyMonitor'] }, /^Unknown field "agents". Valid fields: pages, countries, .*, user_agents, /],
    [[], /^The body must be an object/],
  ])('refuses %o', async (body, message) => {
    const answer = await put(configure, body);
    expect([answer.status, answer.json()]).toEqual([
      400,
      { code: 'INVALID_REQUEST', error: expect.stringMatching(message) },
    ]);
  });
});

describe('the command line', () => {
  it('shows, changes and tests exclusions', async () => {
    const folder = await temporaryFolder();
    await json(folder, ['account', 'add', '--email', 'a@example.com']);
    const { id } = await json(folder, [
      'site',
      'add',
      '--account',
      'a@example.com',
      '--domain',
      'example.com',
    ]);
    const exclude = ['site', 'exclude', '--site', String(id)];
    const changed = await json(folder, [
      ...[
        ...exclude,
        '--addresses',
        '203.0.113.9/24,2001:db8::1',
        '--pages',
        '/admin/*',
        '--agents',
        'A b,C',
      ],
      ...['--referrer-spam', 'off'],
    ]);
    expect(changed).toEqual({
      ...{ id, pages: ['/admin/*'], countries: [], addresses: ['203.0.113.0/24', '2001:db8::1'] },
      ...{ referrers: [], hosts: [], user_agents: ['A b', 'C'], referrer_spam: false, data_centers: false },
    });
    expect(await json(folder, [...exclude, '--agents', 'none', '--dry-run'])).toMatchObject({
      ...{
        user_agents: [],
        days: 7,
        counted: 0,
        would_be_excluded: 0,
        not_testable: ['addresses'],
        since: null,
      },
    });
    const { stdout } = await command(folder, exclude);
    expect(stdout).toContain('addresses     203.0.113.0/24, 2001:db8::1\n');
    expect(stdout).toContain('user agents   A b, C\n');
    expect(stdout).toContain('referrer spam counted\n');
    for (const [args, code] of [
      [['--addresses', 'nowhere'], 'INVALID_EXCLUDED_ADDRESSES'],
      [['--hosts', '*'], 'INVALID_EXCLUDED_HOSTS'],
      [['--pages='], 'USAGE'],
      [['--data-centers', 'yes'], 'USAGE'],
    ] as const) {
      const refused = await command(folder, [...exclude, ...args, '--json']);
      expect([refused.code, (JSON.parse(refused.stderr) as { code: string }).code]).toEqual([1, code]);
    }
  });

  it('tests exclusions on archived days, beside a server', async () => {
    const dataDir = await temporaryFolder();
    const store = await openStore({
      dataDir,
      onBroken: (error) => {
        throw error;
      },
    });
    const now = systemClock.now();
    const account = await store.registry.createAccount({
      ...{ id: newAccountId(), email: 'a@example.com', plan: 'free', billingAnchorDay: 1 },
      ...{ passwordHash: 'none', createdAtMs: now },
    });
    const site = await store.registry.createSite(
      { id: newSiteId(), accountId: account.id, domain: 'example.com', key: newSiteKey(), createdAtMs: now },
      null,
    );
    for (let i = 0; i < 1_100; i++)
      void store.events.append(
        event({
          siteId: site.id,
          receivedAtMs: now - (i % 6) * DAY_MS,
          path: i % 11 === 0 ? '/a' : `/blog/${i}`,
        }),
      );
    await store.events.append(event({ siteId: site.id, receivedAtMs: now, path: '/last' }));
    await store.reports.sealDaysBefore(utcDay(now));
    await store.reports.archiveDaysBefore?.(utcDay(now) - 2);
    const shared = await openShared({ dataDir });
    const { run } = await dryRunExclusions(
      { reports: shared.reports, clock: systemClock },
      site,
      { pages: ['/blog/*'] },
      null,
    );
    expect(run).toMatchObject({ counted: 1_101, leftOut: 1_000, reasons: { 'excluded-page': 1_000 } });
    await shared.close();
    await store.close();
  });
});
