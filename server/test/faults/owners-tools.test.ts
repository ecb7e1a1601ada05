import { cpSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Site } from '../../src/store/contract/store.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, json, startProgram } from '../support/program.ts';
import { BROWSER, World } from '../support/world.ts';
import { addSite, expectSound, ledgerOf, shownLedger } from './support/owner.ts';
import { beaconOf, outcomeOf, post } from './support/pages.ts';

/** Changes that an owner makes from the command line while events arrive: which hosts are allowed, and which keys. */

/** Number of hosts that the ledger lists separately per site, day and outcome. */
const LEDGER_HOSTS = 100;

/** Starts a server with one site, and returns a function that sends from a page on any host. */
async function stage() {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir, 'example.com');
  const url = await startProgram(dataDir).address;
  const visit = async (host: string, key = site.key) =>
    outcomeOf(await post(url, beaconOf({ key, domain: host }), { origin: `https://${host}` }));
  /** Sends until the running server has noticed a change. */
  const visitUntil = (host: string, outcome: string, key?: string) =>
    until(
      () => visit(host, key),
      (answer) => answer === outcome,
    );
  const rules = (...options: readonly string[]) =>
    json(dataDir, ['site', 'rules', '--site', site.id, ...options]);
  return { dataDir, site, url, visit, visitUntil, rules };
}

describe('the rules of a site', () => {
  it('can be previewed on last week’s events, and apply within a second', async () => {
    const { dataDir, site, visit, visitUntil, rules } = await stage();
    expect(await visit('shop.example.com')).toBe('wrong-domain');
    expect(await rules('--subdomains', 'on', '--allow', '*.partner.example,münchen.example')).toEqual({
      id: site.id,
      allow_subdomains: true,
      extra_hosts: ['*.partner.example', 'xn--mnchen-3ya.example'],
    });
    await visitUntil('shop.example.com', 'stored');
    for (const host of [
      'shop.example.com',
      'a.b.example.com',
      'one.partner.example',
      'xn--mnchen-3ya.example',
      'example.com',
    ])
      expect(await visit(host), host).toBe('stored');
    for (const host of ['partner.example', 'notpartner.example', 'example.com.evil.example'])
      expect(await visit(host), host).toBe('wrong-domain');

    const before = await shownLedger(dataDir, site.id);
    const dryRun = await rules(
      '--subdomains',
      'off',
      '--forbid',
      'münchen.example',
      '--dry-run',
      'yes',
    ).catch(() => null);
    expect(dryRun, 'a dry run').toMatchObject({
      allow_subdomains: false,
      extra_hosts: ['*.partner.example'],
      days: 7,
      accepted: before.stored,
      would_be_refused: 4,
      hosts: { 'shop.example.com': 2, 'a.b.example.com': 1, 'xn--mnchen-3ya.example': 1 },
    });
    expect(await rules(), 'nothing was changed').toMatchObject({ allow_subdomains: true });
    expect(await visit('shop.example.com')).toBe('stored');

    await rules('--subdomains', 'off', '--forbid', 'münchen.example');
    await visitUntil('shop.example.com', 'wrong-domain');
    expect(await visit('xn--mnchen-3ya.example')).toBe('wrong-domain');
    expect(await visit('one.partner.example')).toBe('stored');
    await expectSound(dataDir);
  });

  it('previews rules for the hosts in the ledger, and for no others', async () => {
    const { url, site, visit, visitUntil, rules } = await stage();
    await rules('--subdomains', 'on');
    await visitUntil('first.example.com', 'stored');
    const hosts = Array.from({ length: LEDGER_HOSTS + 30 }, (_, i) => `h${i}.example.com`);
    for (const host of hosts) expect(await visit(host)).toBe('stored');
    const tried = await rules('--subdomains', 'off', '--dry-run');
    expect(tried).toMatchObject({
      accepted: hosts.length + 1,
      would_be_refused: LEDGER_HOSTS,
      hosts_not_kept: 31,
    });
    expect(Object.keys(tried.hosts as object)).not.toContain('other');
    expect(await rules('--allow', 'more.example', '--dry-run'), 'nothing is lost').toMatchObject({
      would_be_refused: 0,
      hosts: {},
      hosts_not_kept: 31,
    });
    expect(outcomeOf(await post(url, beaconOf(site)))).toBe('stored');
  });

  it.each([
    ['--allow', 'not a host'],
    ['--allow', '*.*.example'],
    ['--allow', 'ftp://example.com'],
    ['--subdomains', 'maybe'],
  ])('leaves the rules of a site as they are after an invalid command: %s %s', async (option, value) => {
    const dataDir = await temporaryFolder();
    const site = await addSite(dataDir);
    const { code, stdout, stderr } = await command(dataDir, [
      'site',
      'rules',
      '--site',
      site.id,
      option,
      value,
      '--json',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: expect.any(String),
      code: expect.stringMatching(/^[A-Z_]+$/),
    });
    expect(await json(dataDir, ['site', 'rules', '--site', site.id])).toMatchObject({
      allow_subdomains: false,
      extra_hosts: [],
    });
  });
});

describe('the keys of a site', () => {
  interface ShownKey {
    key: string;
    state: string;
    current: boolean;
    events: number;
    last_seen_at: string | null;
  }

  const keysOf = async (dataDir: string, site: Site) =>
    ((await json(dataDir, ['site', 'keys', '--site', site.id])) as { keys: ShownKey[] }).keys;

  it('overlap on rotation, count until they are retired, and then get 410 and a ledger entry', async () => {
    const { dataDir, site, url, visit, visitUntil } = await stage();
    expect(await visit('example.com')).toBe('stored');
    const { key: fresh } = (await json(dataDir, ['site', 'rotate-key', '--site', site.id])) as {
      key: string;
    };
    await visitUntil('example.com', 'stored', fresh);
    expect(await visit('example.com'), 'the old key goes on').toBe('stored');

    const both = await keysOf(dataDir, site);
    expect(both).toMatchObject([
      { key: fresh, state: 'live', current: true, events: 1 },
      { key: site.key, state: 'live', current: false, events: 2 },
    ]);
    for (const { last_seen_at } of both) expect(Date.parse(last_seen_at ?? '')).not.toBeNaN();

    const refused = await command(dataDir, ['site', 'retire-key', '--key', fresh, '--json']);
    expect({ ...refused, stderr: JSON.parse(refused.stderr) }).toMatchObject({
      code: 1,
      stderr: { code: 'CURRENT_KEY' },
    });

    await json(dataDir, ['site', 'retire-key', '--key', site.key]);
    await visitUntil('example.com', 'retired-key');
    const answer = await post(url, beaconOf(site));
    expect(answer.status).toBe(410);
    expect(answer.json()).toMatchObject({ code: 'RETIRED_SITE_KEY' });
    expect(await visit('example.com', fresh)).toBe('stored');

    const ledger = await until(
      () => shownLedger(dataDir, site.id),
      (counts) => (counts['retired-key'] ?? 0) >= 2,
    );
    const [current, old] = await until(
      () => keysOf(dataDir, site),
      ([, { last_seen_at } = { last_seen_at: null }]) => last_seen_at !== both[1]?.last_seen_at,
    );
    expect(current).toMatchObject({ state: 'live', events: 2 });
    expect(old, 'seen, not counted').toMatchObject({ state: 'retired' });
    // Until the server noticed the change, the old key counted. Nothing was counted twice.
    expect((current?.events ?? 0) + (old?.events ?? 0)).toBe(ledger.stored);
    expect(Date.parse(old?.last_seen_at ?? '')).toBeGreaterThan(Date.parse(both[1]?.last_seen_at ?? ''));
    await expectSound(dataDir);
  });

  it('show their exact counts and times through rotation, retirement and a restart', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve();
    const start = world.clock.now();
    const at = async (passed: number, key: string, more: Record<string, unknown> = {}, agent = BROWSER) => {
      world.clock.nowMs = start + passed;
      const headers = { 'user-agent': agent };
      return outcomeOf(await server.send(beaconOf({ ...site, key }, more), { headers }));
    };
    const repeated = { id: 'twice' };
    expect(await at(0, site.key, repeated)).toBe('stored');
    expect(await at(1_000, site.key, repeated)).toBe('duplicate');
    expect(await at(2_000, site.key, { name: 'leave', engaged: 1 })).toBe('stored');
    const rotated = await json(world.dataDir, ['site', 'rotate-key', '--site', site.id]);
    const fresh = String(rotated.key);
    await until(
      async () => (await server.ask({ path: '/readyz' })).json() as { site_keys: number },
      ({ site_keys }) => site_keys === 2,
    );
    // Both keys count, separately.
    expect(await at(10_000, fresh)).toBe('stored');
    expect(await at(11_000, site.key)).toBe('stored');
    expect(await at(12_000, fresh)).toBe('stored');
    expect(await at(13_000, fresh, {}, 'Googlebot/2.1')).toBe('bot');
    expect(await at(14_000, fresh, { url: 7 })).toBe('malformed');
    await json(world.dataDir, ['site', 'retire-key', '--key', site.key]);
    // A leave is in no ledger, so it can show whether the server has noticed.
    await until(
      () => at(20_000, site.key, { name: 'leave', engaged: 1 }),
      (outcome) => outcome === 'retired-key',
    );
    expect(await at(30_000, site.key)).toBe('retired-key');
    expect(await at(31_000, site.key)).toBe('retired-key');
    await world.store.events.flush();

    const iso = (passed: number) => new Date(start + passed).toISOString();
    const shown = [
      { key: fresh, state: 'live', current: true, events: 2, last_seen_at: iso(14_000) },
      { key: site.key, state: 'retired', current: false, events: 2, last_seen_at: iso(31_000) },
    ];
    expect(await keysOf(world.dataDir, site)).toMatchObject(shown);
    expect(ledgerOf(world.dataDir, site.id)).toEqual({
      ...{ stored: 4, duplicate: 1, bot: 1, malformed: 1, 'retired-key': 2 },
    });
    const dataDir = await temporaryFolder();
    cpSync(world.dataDir, dataDir, { recursive: true });
    const url = await startProgram(dataDir).address;
    expect(await keysOf(dataDir, site)).toMatchObject(shown);
    const before = Date.now();
    expect(outcomeOf(await post(url, beaconOf({ ...site, key: fresh })))).toBe('stored');
    const [current, old] = await keysOf(dataDir, site);
    expect(current?.events).toBe(3);
    expect(Date.parse(current?.last_seen_at ?? '')).toBeGreaterThanOrEqual(before);
    expect(old).toMatchObject(shown[1] ?? {});
  });
});
