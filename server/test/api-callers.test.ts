import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { newSiteId, newSiteKey } from '../src/domain/keys.ts';
import { type Account, type Registry, type Site, StoreUnavailable } from '../src/store/contract/store.ts';
import { openShared } from '../src/store/open.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { command, json, startProgram } from './support/program.ts';
import { type RunningServer, World } from './support/world.ts';

/** API authentication: a change to a key or account applies to the next request. */

let world: World;
let server: RunningServer;

beforeEach(async () => {
  world = await World.open();
  onTestFinished(() => world.close());
  server = await world.serve();
});

/** Opens the registry over a separate connection, as another process does. */
async function elsewhere(): Promise<Registry> {
  const shared = await openShared({ dataDir: world.dataDir });
  onTestFinished(() => shared.close());
  return shared.registry;
}

interface Owner {
  account: Account;
  site: Site;
  keyId: string;
}

const CHANGES: {
  name: string;
  change(registry: Registry, owner: Owner): Promise<unknown>;
  seen: { status: number; code?: string; limit?: string; sites?: (owner: Owner) => unknown };
}[] = [
  {
    name: 'a key that was revoked',
    change: (registry, { keyId }) => registry.revokeApiKey(keyId, 1),
    seen: { status: 401, code: 'INVALID_KEY', limit: '60' },
  },
  {
    name: 'an account that was removed',
    change: (registry, { account }) => registry.removeAccount(account.id),
    seen: { status: 401, code: 'USER_NOT_FOUND', limit: '60' },
  },
  {
    name: 'another plan',
    change: (registry, { account }) => registry.setPlan(account.id, 'pro'),
    seen: { status: 200, limit: '600' },
  },
  {
    name: 'a site that was added',
    change: (registry, { account }) =>
      registry.createSite(
        { id: newSiteId(), accountId: account.id, domain: 'new.example', key: newSiteKey(), createdAtMs: 1 },
        null,
      ),
    seen: { status: 200, sites: () => [{ domain: 'new.example' }, { domain: 'example.com' }] },
  },
  {
    name: 'a site that was removed',
    change: (registry, { site }) => registry.removeSite(site.id),
    seen: { status: 200, sites: () => [] },
  },
  {
    name: 'a new key of a site',
    change: (registry, { site }) => registry.addSiteKey(site.id, 'ak_new', 1),
    seen: { status: 200, sites: ({ site }) => [{ id: site.id, key: 'ak_new' }] },
  },
];

describe.each([
  { by: 'this process', registry: async () => world.store.registry },
  { by: 'another one', registry: elsewhere },
])('by $by', ({ registry }) => {
  it.each(CHANGES)('$name applies to the next request', async ({ change, seen }) => {
    const { account, site } = await world.addOwner();
    const { id: keyId, key } = await world.addApiKey(account);
    const changing = await registry();
    for (let i = 0; i < 2; i++) expect((await server.sites(key)).status).toBe(200);
    const owner = { account, site, keyId };
    await change(changing, owner);
    const answer = await server.sites(key);
    expect([answer.status, answer.headers['x-ratelimit-limit']]).toEqual([seen.status, seen.limit ?? '60']);
    const body = JSON.parse(answer.text) as { code?: string; sites?: unknown[] };
    expect(body.code).toBe(seen.code);
    if (seen.sites !== undefined) expect(body.sites).toMatchObject(seen.sites(owner) as unknown[]);
  });
});

it('refuses a key from the first request after it was revoked', async () => {
  const dataDir = await temporaryFolder();
  const email = 'ada@example.com';
  await json(dataDir, ['account', 'add', '--email', email]);
  const { id, key } = await json(dataDir, ['key', 'add', '--account', email, '--name', 'test']);
  const url = await startProgram(dataDir).address;
  const sites = () => ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${key}` } });
  for (let i = 0; i < 2; i++) expect((await sites()).status).toBe(200);
  expect((await command(dataDir, ['key', 'revoke', '--id', String(id)])).code).toBe(0);
  expect(await sites()).toMatchObject({ status: 401, text: expect.stringContaining('INVALID_KEY') });
});

it('limits keys of one account to the sites they are bound to', async () => {
  const { account, apiKey } = await world.addOwner('one.example', 'pro');
  const two = await world.addSite(account, 'two.example');
  const bound = await world.addApiKey(account, { siteIds: [two.id] });
  const domains = async (key: string) =>
    (JSON.parse((await server.sites(key)).text) as { sites: { domain: string }[] }).sites.map(
      ({ domain }) => domain,
    );
  for (let i = 0; i < 2; i++) {
    expect(await domains(apiKey)).toEqual(['one.example', 'two.example']);
    expect(await domains(bound.key)).toEqual(['two.example']);
  }
});

it('accepts the header in any case', async () => {
  const { account } = await world.addOwner();
  const { id, key } = await world.addApiKey(account);
  const headers = [`Bearer ${key}`, `bearer   ${key}  `, `Bearer${' '.repeat(200)}${key}`];
  const statuses = async () =>
    Promise.all(
      headers.map(
        async (authorization) =>
          (await server.ask({ path: '/api/v1/sites', headers: { authorization } })).status,
      ),
    );
  for (let i = 0; i < 2; i++) expect(await statuses()).toEqual([200, 200, 200]);
  await world.store.registry.revokeApiKey(id, 1);
  expect(await statuses()).toEqual([401, 401, 401]);
});

it('refuses malformed keys while the registry is down, and answers 503 for others', async () => {
  const { apiKey } = await world.addOwner();
  const { registry } = world.store;
  const away = new Proxy(registry, {
    get(target, name) {
      if (name === 'apiKeyByHash') {
        return async () => {
          throw new StoreUnavailable('disk gone');
        };
      }
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
  const running = await world.serve({ registry: away });
  expect(await running.sites('sk_made-up')).toMatchObject({
    status: 401,
    text: expect.stringContaining('INVALID_KEY'),
  });
  expect(await running.sites(apiKey)).toMatchObject({
    status: 503,
    text: expect.stringContaining('UNAVAILABLE'),
  });
});

describe('a long list', () => {
  const SITES = 300;
  let account: Account;
  let sites: Site[];
  let key: string;

  beforeEach(async () => {
    account = await world.addAccount({ plan: 'pro' });
    sites = [];
    for (let i = 0; i < SITES; i++) sites.push(await world.addSite(account, `site-${i}.example`));
    ({ key } = await world.addApiKey(account));
    // A new server loads all keys at startup; a running one would notice these later.
    server = await world.serve();
  });

  const view = (site: Site, more: object = {}) =>
    server.send(
      { key: site.key, url: `https://${site.domain}/`, ...more },
      { headers: { origin: `https://${site.domain}` } },
    );

  it('has the body and ETag of a fresh response after any change', async () => {
    const counted = new Map<string, number>();
    for (const number of [0, 1, 150, 150, 299]) {
      const site = sites[number] as Site; // below SITES
      expect((await view(site)).status).toBe(202);
      counted.set(site.id, (counted.get(site.id) ?? 0) + 1);
      const answer = await server.sites(key);
      const expected = sites.map(({ id, domain, key, createdAtMs }) => ({
        ...{ id, domain, key, events_this_month: counted.get(id) ?? 0 },
        created_at: new Date(createdAtMs).toISOString(),
      }));
      expect(answer.text).toBe(JSON.stringify({ sites: expected }));
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
      // A server that has not sent a response yet.
      const fresh = await (await world.serve()).sites(key);
      expect([fresh.text, fresh.headers.etag]).toEqual([answer.text, answer.headers.etag]);
    }
  });

  it('changes with events and months, and not otherwise', async () => {
    const site = sites[7] as Site; // below SITES
    await view(site, { id: 'view' });
    const first = await server.sites(key);
    expect((await view(site, { name: 'leave', view: 'view', engaged: 1_000 })).status).toBe(202);
    const again = await server.ask({
      path: '/api/v1/sites',
      headers: { authorization: `Bearer ${key}`, 'if-none-match': String(first.headers.etag) },
    });
    expect(again.status).toBe(304);
    world.clock.advance(32 * 86_400_000);
    const later = JSON.parse((await server.sites(key)).text) as { sites: { events_this_month: number }[] };
    expect(later.sites.filter(({ events_this_month }) => events_this_month !== 0)).toEqual([]);
  });
});
