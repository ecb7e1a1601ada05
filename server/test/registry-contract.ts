import { describe, expect, it, onTestFinished } from 'vitest';
import { utcDay } from '../src/domain/clock.ts';
import {
  type NewAccount,
  type Registry,
  RegistryConflict,
  SITE_KEYS_MAX,
  type SiteKeyRecord,
} from '../src/store/contract/store.ts';
import { NOON_MS } from './support/clock.ts';

/** A connection to a registry, as each process has one. */
export interface OpenRegistry {
  registry: Registry;
  close(): void | Promise<void>;
}

/** What an engine must provide so that the promises of `store.ts` about the registry can be checked on it. */
export interface RegistryEngine {
  name: string;
  /** Creates an empty place, which is removed after the test. */
  newPlace(): Promise<string>;
  /** Opens the registry at a place, and creates it if there is none. A place may be open more than once. */
  open(place: string): Promise<OpenRegistry>;
  /** How a NUL character in a text reads back. */
  readsNulAs: '\0' | '\uFFFD';
}

const TODAY = utcDay(NOON_MS);

/** Checks the promises of `store.ts` about the registry on an engine. */
export function describeRegistry(engine: RegistryEngine): void {
  describe(`${engine.name}: registry`, () => describeSites(engine));
  describe(`${engine.name}: people`, () => describePeople(engine));
}

/** Opens a registry at its own place. It can be reopened, and is closed with the test. */
async function begin(
  engine: RegistryEngine,
): Promise<{ place: string; store: OpenRegistry; reopen(): Promise<OpenRegistry> }> {
  const place = await engine.newPlace();
  const opened = { place, store: await engine.open(place), reopen };
  async function reopen(): Promise<OpenRegistry> {
    await opened.store.close();
    opened.store = await engine.open(place);
    return opened.store;
  }
  onTestFinished(() => opened.store.close());
  return opened;
}

let made = 0;

async function addAccount(registry: Registry, email = `owner${++made}@example.com`): Promise<string> {
  const { id } = await registry.createAccount({
    id: `acc_${++made}`,
    email,
    plan: 'free',
    billingAnchorDay: 31,
    passwordHash: '$argon2id$not-a-hash',
    createdAtMs: NOON_MS,
  });
  return id;
}

function newSite(accountId: string, domain: string, createdAtMs = NOON_MS) {
  return { id: `site_${++made}`, accountId, domain, key: `ak_${++made}`, createdAtMs };
}

function newApiKey(accountId: string) {
  return {
    id: `key_${++made}`,
    accountId,
    name: 'laptop',
    prefix: 'sk_abc',
    hash: `hash${++made}`,
    createdAtMs: NOON_MS,
  };
}

async function allKeys(
  registry: Registry,
  since = 0,
): Promise<{ records: SiteKeyRecord[]; version: number }> {
  const records: SiteKeyRecord[] = [];
  for (let version = since; ; ) {
    const changes = await registry.siteKeysSince(version);
    records.push(...changes.records);
    version = changes.version;
    if (!changes.more) return { records, version };
  }
}

const conflict = (reason: RegistryConflict['reason']) =>
  expect.objectContaining({ name: 'RegistryConflict', reason });

function describeSites(engine: RegistryEngine): void {
  it('finds an account by its id and by its email in any case, also after reopening', async () => {
    const { store, reopen } = await begin(engine);
    const id = await addAccount(store.registry, 'Ada@Example.com');
    const account = {
      id,
      email: 'Ada@Example.com',
      plan: 'free',
      billingAnchorDay: 31,
      timeZone: 'UTC',
      createdAtMs: NOON_MS,
    };
    const { registry } = await reopen();
    expect(await registry.accountById(id)).toEqual(account);
    expect(await registry.accountByEmail('ada@example.COM')).toEqual(account);
  });

  it('finds the oldest account', async () => {
    const { registry } = (await begin(engine)).store;
    expect(await registry.oldestAccount()).toBeNull();
    const first = await addAccount(registry);
    const account = (id: string, createdAtMs: number) => ({
      ...{ id, email: `${id}@example.com`, plan: 'free' as const, billingAnchorDay: 1, passwordHash: '' },
      createdAtMs,
    });
    await registry.createAccount(account('acc_later', NOON_MS + 1));
    expect((await registry.oldestAccount())?.id).toBe(first);
    await registry.createAccount(account('acc_earlier_b', NOON_MS - 1));
    await registry.createAccount(account('acc_earlier_a', NOON_MS - 1));
    expect((await registry.oldestAccount())?.id).toBe('acc_earlier_a');
  });

  it('returns null for unknown ids', async () => {
    const { registry } = (await begin(engine)).store;
    expect(await registry.accountById('acc_none')).toBeNull();
    expect(await registry.accountByEmail('nobody@example.com')).toBeNull();
    expect(await registry.apiKeyByHash('no such hash')).toBeNull();
    expect(await registry.revokeApiKey('key_none', NOON_MS)).toBeNull();
    expect(await registry.siteById('site_none')).toBeNull();
    expect(await registry.setHostRules('site_none', { allowSubdomains: true, extraHosts: [] })).toBeNull();
    expect(await registry.setRetention('site_none', 1)).toBeNull();
    expect(await registry.setSiteTimeZone('site_none', 'UTC')).toBeNull();
    expect(await registry.setExclusions('site_none', null)).toBeNull();
    expect(await registry.addSiteKey('site_none', 'ak_x', NOON_MS)).toBeNull();
    expect(await registry.retireSiteKey('ak_none')).toBeNull();
    expect(await registry.siteKeysOf('site_none')).toEqual([]);
    expect(await registry.sitesOf('acc_none')).toEqual([]);
    expect(await registry.removeAccount('acc_none')).toBe(false);
    expect(await registry.siteKeysSince(0)).toEqual({ records: [], version: 0, more: false });
  });

  it('allows an email once, in any case', async () => {
    const { registry } = (await begin(engine)).store;
    await addAccount(registry, 'ada@example.com');
    await expect(addAccount(registry, 'ADA@example.com')).rejects.toEqual(conflict('email-taken'));
    expect((await registry.accountByEmail('ada@example.com'))?.email).toBe('ada@example.com');
  });

  it('lists the oldest site first, and those of one instant in the order they were added', async () => {
    const { store, reopen } = await begin(engine);
    const account = await addAccount(store.registry);
    for (const [domain, atMs] of [
      ['b.example', NOON_MS],
      ['c.example', NOON_MS],
      ['a.example', NOON_MS],
      ['first.example', NOON_MS - 1],
    ] as const) {
      const site = newSite(account, domain, atMs);
      const expected = {
        ...site,
        ...{ allowSubdomains: false, extraHosts: [], retentionDays: null, timeZone: null, exclusions: null },
        mergeTrailingSlashes: false,
      };
      expect(await store.registry.createSite(site, null)).toEqual(expected);
      expect(await store.registry.siteById(site.id)).toEqual(expected);
    }
    const sites = await (await reopen()).registry.sitesOf(account);
    expect(sites.map(({ domain }) => domain)).toEqual([
      'first.example',
      'b.example',
      'c.example',
      'a.example',
    ]);
  });

  it('allows a domain once per account', async () => {
    const { registry } = (await begin(engine)).store;
    const [one, two] = [await addAccount(registry), await addAccount(registry)];
    await registry.createSite(newSite(one, 'example.com'), null);
    await expect(registry.createSite(newSite(one, 'example.com'), null)).rejects.toEqual(
      conflict('domain-taken'),
    );
    await registry.createSite(newSite(two, 'example.com'), null);
    expect(await registry.sitesOf(one)).toHaveLength(1);
    expect((await allKeys(registry)).records).toHaveLength(2);
  });

  it('enforces the site limit, even if two connections add at once', async () => {
    const { place, store } = await begin(engine);
    const second = await engine.open(place);
    onTestFinished(() => second.close());
    const account = await addAccount(store.registry);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? store.registry : second.registry).createSite(newSite(account, `s${i}.example`), 3),
      ),
    );
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(refused).toHaveLength(5);
    for (const reason of refused) {
      expect(reason).toBeInstanceOf(RegistryConflict);
      expect(reason).toEqual(conflict('site-limit'));
    }
    expect(await store.registry.sitesOf(account)).toHaveLength(3);
    // A key that cannot be added leaves nothing behind.
    expect((await allKeys(second.registry)).records).toHaveLength(3);
    await store.registry.createSite(newSite(account, 'more.example'), null);
    expect(await second.registry.sitesOf(account)).toHaveLength(4);
  });

  it('revokes an API key permanently', async () => {
    const { store, reopen } = await begin(engine);
    const key = newApiKey(await addAccount(store.registry));
    const { hash, ...rest } = key;
    const kept = { ...rest, scopes: ['read'], siteIds: null, lastUsedAtMs: null };
    expect(await store.registry.createApiKey(key)).toEqual({ ...kept, revokedAtMs: null });
    expect(await store.registry.apiKeyByHash(hash)).toEqual({ ...kept, revokedAtMs: null });
    const revoked = { ...kept, revokedAtMs: NOON_MS + 1 };
    expect(await store.registry.revokeApiKey(key.id, NOON_MS + 1)).toEqual(revoked);
    expect(await store.registry.revokeApiKey(key.id, NOON_MS + 2)).toEqual(revoked);
    expect(await (await reopen()).registry.apiKeyByHash(hash)).toEqual(revoked);
  });

  it('stores the scopes of an API key and when it was last used', async () => {
    const { store, reopen } = await begin(engine);
    const account = await addAccount(store.registry);
    const plain = newApiKey(account);
    const bound = {
      ...newApiKey(account),
      scopes: ['read', 'write'] as const,
      siteIds: ['site_1', 'site_2'],
    };
    await store.registry.createApiKey(plain);
    expect(await store.registry.createApiKey(bound)).toMatchObject({
      scopes: ['read', 'write'],
      siteIds: ['site_1', 'site_2'],
      lastUsedAtMs: null,
    });
    await store.registry.noteApiKeyUses(
      new Map([
        ['key_none', NOON_MS],
        [bound.id, NOON_MS + 5],
      ]),
    );
    await store.registry.noteApiKeyUses(new Map([[bound.id, NOON_MS]]));
    const { registry } = await reopen();
    const keys = await registry.apiKeysOf(account);
    expect(keys.map(({ id }) => id).sort()).toEqual([plain.id, bound.id].sort());
    expect(keys.find(({ id }) => id === bound.id)).toMatchObject({
      scopes: ['read', 'write'],
      siteIds: ['site_1', 'site_2'],
      lastUsedAtMs: NOON_MS + 5,
    });
    expect(keys.find(({ id }) => id === plain.id)).toMatchObject({
      scopes: ['read'],
      siteIds: null,
      lastUsedAtMs: null,
    });
    expect(await registry.apiKeysOf('acc_none')).toEqual([]);
  });

  it('stores the time zone of an account', async () => {
    const { store, reopen } = await begin(engine);
    const id = await addAccount(store.registry);
    expect(await store.registry.setTimeZone(id, 'Europe/Berlin')).toMatchObject({
      id,
      timeZone: 'Europe/Berlin',
    });
    expect(await store.registry.setTimeZone('acc_none', 'UTC')).toBeNull();
    expect((await (await reopen()).registry.accountById(id))?.timeZone).toBe('Europe/Berlin');
  });

  it('removes an account with its sites, remembers its API keys, and reports its site keys as gone', async () => {
    const { store, reopen } = await begin(engine);
    const { registry } = store;
    const [account, other] = [await addAccount(registry, 'ada@example.com'), await addAccount(registry)];
    const site = await registry.createSite(newSite(account, 'example.com'), null);
    await registry.addSiteKey(site.id, 'ak_newer', NOON_MS);
    await registry.createSite(newSite(other, 'example.com'), null);
    const apiKey = newApiKey(account);
    await registry.createApiKey(apiKey);
    const { version } = await allKeys(registry);

    expect(await registry.removeAccount(account)).toBe(true);
    expect(await registry.removeAccount(account)).toBe(false);
    const again = (await reopen()).registry;
    expect(await again.accountById(account)).toBeNull();
    expect(await again.sitesOf(account)).toEqual([]);
    expect(await again.sitesOf(other)).toHaveLength(1);
    expect(await again.apiKeyByHash(apiKey.hash)).toMatchObject({ id: apiKey.id, accountId: account });
    const { records } = await allKeys(again, version);
    expect(records.map(({ key, state }) => [key, state]).sort()).toEqual(
      [
        [site.key, 'gone'],
        ['ak_newer', 'gone'],
      ].sort(),
    );
    await addAccount(again, 'ada@example.com');
  });

  it('returns all site keys first, and then only changes', async () => {
    const { place, store, reopen } = await begin(engine);
    const { registry } = store;
    const account = await addAccount(registry);
    const one = await registry.createSite(newSite(account, 'one.example'), null);
    const first = await allKeys(registry);
    const live: SiteKeyRecord = {
      key: one.key,
      state: 'live',
      siteId: one.id,
      domain: 'one.example',
      allowSubdomains: false,
      extraHosts: [],
      exclusions: null,
      mergeTrailingSlashes: false,
    };
    expect(first.records).toEqual([live]);
    expect(await allKeys(registry, first.version)).toEqual({ records: [], version: first.version });

    // A key that another process adds is seen.
    const second = await engine.open(place);
    const two = await second.registry.createSite(newSite(account, 'two.example'), null);
    await second.close();
    const next = await allKeys(registry, first.version);
    expect(next.records.map(({ key }) => key)).toEqual([two.key]);
    expect(next.version).toBeGreaterThan(first.version);

    // Changing the rules of a site changes all of its keys.
    await registry.addSiteKey(one.id, 'ak_newer', NOON_MS);
    const rules = { allowSubdomains: true, extraHosts: ['*.preview.example', '[::1]'] };
    await registry.setHostRules(one.id, rules);
    const changed = await allKeys((await reopen()).registry, next.version);
    expect(changed.records).toHaveLength(2);
    expect(changed.records).toEqual(
      expect.arrayContaining([
        { ...live, ...rules },
        { ...live, ...rules, key: 'ak_newer' },
      ]),
    );
  });

  it('starts over for a reader with a version from the future', async () => {
    const { registry } = (await begin(engine)).store;
    const site = await registry.createSite(newSite(await addAccount(registry), 'example.com'), null);
    const { records, version } = await registry.siteKeysSince(1_000_000);
    expect(records.map(({ key }) => key)).toEqual([site.key]);
    expect(await registry.siteKeysSince(version)).toEqual({ records: [], version, more: false });
  });

  it('rolls back refused changes without affecting concurrent ones', async () => {
    const { registry } = (await begin(engine)).store;
    const account = await addAccount(registry);
    await registry.createSite(newSite(account, 'taken.example'), null);
    const at = { createdAtMs: NOON_MS, lastSeenAtMs: NOON_MS, expiresAtMs: NOON_MS + 1000 };
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const refused = registry.createSite(newSite(account, 'taken.example'), null).catch(() => 'refused');
        const session = { id: `s${i}`, accountId: account, label: 'Firefox, Linux', ...at };
        await registry.createSession(session, `token${i}`);
        return [await refused, (await registry.sessionByToken(`token${i}`, NOON_MS))?.id];
      }),
    );
    expect(outcomes).toEqual(Array.from({ length: 40 }, (_, i) => ['refused', `s${i}`]));
    expect(await registry.sessionsOf(account, NOON_MS)).toHaveLength(40);
    expect((await allKeys(registry)).records).toHaveLength(1);
  });

  it('stores the time zone and exclusions of a site, and reports them as changes of its keys', async () => {
    const { store, reopen } = await begin(engine);
    const { registry } = store;
    const site = await registry.createSite(newSite(await addAccount(registry), 'example.com'), null);
    const other = await registry.createSite(newSite(site.accountId, 'example.net'), null);
    await registry.addSiteKey(site.id, 'ak_newer', NOON_MS);
    const { version } = await allKeys(registry);
    const exclusions = { pages: ['/admin/*', '/%C3%BC%20%22quoted%22%20%_'], countries: ['DE', 'FR'] };
    expect(await registry.setSiteTimeZone(site.id, 'Asia/Tokyo')).toMatchObject({ timeZone: 'Asia/Tokyo' });
    expect(await registry.setExclusions(site.id, exclusions)).toMatchObject({ id: site.id, exclusions });

    const merged = { id: site.id, mergeTrailingSlashes: true };
    expect(await registry.setMergeTrailingSlashes(site.id, true)).toMatchObject(merged);
    expect(await registry.setMergeTrailingSlashes('site_none', true)).toBeNull();

    const again = (await reopen()).registry;
    expect(await again.siteById(site.id)).toMatchObject({ timeZone: 'Asia/Tokyo', exclusions, ...merged });
    expect(await again.siteById(other.id)).toMatchObject({
      ...{ timeZone: null, exclusions: null, mergeTrailingSlashes: false },
    });
    const changed = await allKeys(again, version);
    expect(changed.records.map(({ key }) => key).sort()).toEqual([site.key, 'ak_newer'].sort());
    for (const record of changed.records)
      expect(record).toMatchObject({ exclusions, mergeTrailingSlashes: true });

    expect(await again.setSiteTimeZone(site.id, null)).toMatchObject({ timeZone: null });
    expect(await again.setExclusions(site.id, null)).toMatchObject({ exclusions: null });
    const back = await allKeys(again, changed.version);
    expect(back.records.map((record) => record.exclusions)).toEqual([null, null]);
  });

  it('rotates site keys: both work until the old one is retired', async () => {
    const { registry } = (await begin(engine)).store;
    const site = await registry.createSite(newSite(await addAccount(registry), 'example.com'), null);
    await expect(registry.retireSiteKey(site.key)).rejects.toEqual(conflict('last-key'));
    const added = { key: 'ak_second', siteId: site.id, state: 'live', createdAtMs: NOON_MS + 1 };
    expect(await registry.addSiteKey(site.id, 'ak_second', NOON_MS + 1)).toEqual(added);
    expect((await registry.siteById(site.id))?.key).toBe('ak_second');
    expect((await allKeys(registry)).records.map(({ state }) => state)).toEqual(['live', 'live']);
    const retired = { key: site.key, siteId: site.id, state: 'retired', createdAtMs: NOON_MS };
    expect(await registry.retireSiteKey(site.key)).toEqual(retired);
    expect(await registry.retireSiteKey(site.key)).toEqual(retired);
    expect(await registry.siteKeysOf(site.id)).toEqual([added, retired]);
    const { records } = await allKeys(registry);
    expect(records).toHaveLength(2);
    expect(records.find(({ key }) => key === site.key)?.state).toBe('retired');
    await expect(registry.retireSiteKey('ak_second')).rejects.toEqual(conflict('last-key'));
  });

  it('allows 100 keys per site, including retired ones', async () => {
    const { registry } = (await begin(engine)).store;
    const site = await registry.createSite(newSite(await addAccount(registry), 'example.com'), null);
    const keys = [site.key];
    while (keys.length < SITE_KEYS_MAX) {
      keys.push(`ak_key${keys.length}`);
      await registry.addSiteKey(site.id, keys.at(-1) ?? '', NOON_MS);
    }
    await registry.retireSiteKey(site.key);
    await expect(registry.addSiteKey(site.id, 'ak_more', NOON_MS)).rejects.toEqual(conflict('key-limit'));
    expect((await registry.siteById(site.id))?.key).toBe(keys.at(-1));
    expect((await registry.siteKeysOf(site.id)).map(({ key }) => key).sort()).toEqual(keys.sort());
    expect((await allKeys(registry)).records).toHaveLength(SITE_KEYS_MAX);
  });

  it('lists each removed site once, whether removed alone or with its account', async () => {
    const { store, reopen } = await begin(engine);
    const { registry } = store;
    const [stays, goes] = [await addAccount(registry), await addAccount(registry)];
    const kept = await registry.createSite(newSite(stays, 'kept.example'), null);
    const removed = [
      await registry.createSite(newSite(stays, 'removed.example'), null),
      await registry.createSite(newSite(goes, 'one.example'), null),
      await registry.createSite(newSite(goes, 'two.example'), null),
    ].map(({ id }) => id);
    await registry.addSiteKey(removed[0] ?? '', 'ak_second', NOON_MS);
    await registry.addSiteKey(kept.id, 'ak_third', NOON_MS);
    await registry.retireSiteKey(kept.key);
    expect(await registry.removedSites('')).toEqual([]);

    await registry.removeSite(removed[0] ?? '');
    await registry.removeAccount(goes);
    const again = (await reopen()).registry;
    const [first = '', ...rest] = [...removed].sort();
    expect(await again.removedSites('')).toEqual([first, ...rest]);
    expect(await again.removedSites(first)).toEqual(rest);
    expect(await again.removedSites(rest.at(-1) ?? '')).toEqual([]);
  });

  it('iterates over all sites once, or over those with their own retention', async () => {
    const { registry } = (await begin(engine)).store;
    const account = await addAccount(registry);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++)
      ids.push((await registry.createSite(newSite(account, `s${i}.example`), null)).id);
    const goThrough = async (options?: { ownRetention: boolean }) => {
      const seen: string[] = [];
      for (;;) {
        const sites = await registry.sitesAfter(seen.at(-1) ?? null, options);
        seen.push(...sites.map(({ id }) => id));
        if (sites.length === 0) return seen;
      }
    };
    expect(await goThrough()).toEqual(ids);
    expect(await goThrough({ ownRetention: true })).toEqual([]);
    await registry.setRetention(ids[3] ?? '', 30);
    await registry.setRetention(ids[1] ?? '', 10);
    expect(await goThrough({ ownRetention: true })).toEqual([ids[1], ids[3]]);
    expect(await goThrough({ ownRetention: false })).toEqual(ids);
  });

  it('creates one random salt per day for all processes, and destroys old ones', async () => {
    const { place, store, reopen } = await begin(engine);
    const second = await engine.open(place);
    const yesterday = await store.registry.saltOf(TODAY - 1, TODAY - 2);
    const today = await second.registry.saltOf(TODAY, TODAY - 1);
    await second.close();
    expect(today.byteLength).toBeGreaterThanOrEqual(16);
    expect(Buffer.from(today).equals(yesterday)).toBe(false);
    expect(Buffer.from(await store.registry.saltOf(TODAY, TODAY - 1)).equals(today)).toBe(true);
    expect(Buffer.from(await store.registry.saltOf(TODAY - 1, TODAY - 1)).equals(yesterday)).toBe(true);
    await store.registry.saltOf(TODAY, TODAY);
    const { registry } = await reopen();
    expect(Buffer.from(await registry.saltOf(TODAY, TODAY)).equals(today)).toBe(true);
    expect(Buffer.from(await registry.saltOf(TODAY - 1, TODAY - 1)).equals(yesterday)).toBe(false);
    // A salt fetched ahead of its day is the one that every process gets on that day, and today's stays the same.
    const tomorrow = await registry.saltOf(TODAY + 1, TODAY);
    expect(Buffer.from(await registry.saltOf(TODAY, TODAY)).equals(today)).toBe(true);
    expect(Buffer.from(await registry.saltOf(TODAY + 1, TODAY + 1)).equals(tomorrow)).toBe(true);
  });
}

function describePeople(engine: RegistryEngine): void {
  async function beginWithSite(): Promise<{
    opened: Awaited<ReturnType<typeof begin>>;
    registry: Registry;
    account: string;
    site: string;
  }> {
    const opened = await begin(engine);
    const { registry } = opened.store;
    const account = await addAccount(registry);
    const { id: site } = await registry.createSite(newSite(account, 'example.com'), null);
    return { opened, registry, account, site };
  }

  const firstAccount = (id: string) => ({
    id,
    email: `${id}@example.com`,
    plan: 'pro' as const,
    billingAnchorDay: 1,
    passwordHash: '$argon2id$not-a-hash',
    createdAtMs: NOON_MS,
  });

  it('creates the first account once, even for concurrent requests', async () => {
    const { place, store } = await begin(engine);
    const second = await engine.open(place);
    onTestFinished(() => second.close());
    expect(await store.registry.hasAccounts()).toBe(false);
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? store : second).registry.createFirstAccount(firstAccount(`acc_first${i}`)),
      ),
    );
    expect(made.filter((account) => account !== null)).toHaveLength(1);
    expect(await second.registry.hasAccounts()).toBe(true);
  });

  it('stores credentials', async () => {
    const { opened, registry, account } = await beginWithSite();
    const other = await addAccount(registry, 'taken@example.com');
    await registry.setEmail(account, 'Ada@example.com');
    await registry.setPassword(account, '$argon2id$another');
    await registry.setPlan(account, 'pro');
    await expect(registry.setEmail(account, 'TAKEN@example.com')).rejects.toEqual(conflict('email-taken'));
    const again = (await opened.reopen()).registry;
    const credentials = {
      accountId: account,
      email: 'Ada@example.com',
      passwordHash: '$argon2id$another',
      totpSecret: null,
    };
    expect(await again.credentialsOf(account)).toEqual(credentials);
    expect(await again.credentialsByEmail('aDA@example.com')).toEqual(credentials);
    expect((await again.accountById(account))?.plan).toBe('pro');
    expect(await again.credentialsByEmail('ada@example.co')).toBeNull();
    expect(await again.credentialsOf('acc_none')).toBeNull();
    expect((await again.credentialsOf(other))?.email).toBe('taken@example.com');
  });

  it('compares emails by everything but ASCII case', async () => {
    const { registry } = await beginWithSite();
    await addAccount(registry, '\u00e4da@example.com');
    expect(await registry.accountByEmail('\u00c4DA@example.com')).toBeNull();
    expect((await registry.accountByEmail('\u00e4DA@example.com'))?.email).toBe('\u00e4da@example.com');
  });

  it('accepts each time step and each recovery code once', async () => {
    const { opened, registry, account } = await beginWithSite();
    const second = await engine.open(opened.place);
    onTestFinished(() => second.close());
    await registry.setTotp(account, { secret: 'BASE32', recoveryHashes: ['one', 'two'] });
    expect((await registry.credentialsOf(account))?.totpSecret).toBe('BASE32');
    const both = [registry, second.registry];
    const steps = await Promise.all(both.flatMap((each) => [1, 2].map(() => each.useTotpStep(account, 7))));
    expect(steps.filter(Boolean)).toHaveLength(1);
    expect(await registry.useTotpStep(account, 6)).toBe(false);
    expect(await registry.useTotpStep(account, 8)).toBe(true);
    const codes = await Promise.all(both.map((each) => each.useRecoveryCode(account, 'one')));
    expect(codes.filter(Boolean)).toHaveLength(1);
    await registry.setTotp(account, null);
    expect(await registry.useRecoveryCode(account, 'two')).toBe(false);
    expect((await registry.credentialsOf(account))?.totpSecret).toBeNull();
  });

  it('lists second factors, and replaces only what is still stored', async () => {
    const { registry, account } = await beginWithSite();
    const others = await Promise.all(['a', 'b'].map((name) => addAccount(registry, `${name}@example.com`)));
    await registry.setTotp(account, { secret: 'BASE32', recoveryHashes: ['one', 'two'] });
    await registry.setTotp(others[0] ?? '', { secret: 'OTHER', recoveryHashes: [] });
    const list = async () => {
      const page = await registry.secondFactorsAfter('');
      return page.map((each) => ({ ...each, recoveryHashes: each.recoveryHashes.toSorted() }));
    };
    const other = { accountId: others[0], totpSecret: 'OTHER', recoveryHashes: [] };
    const before = { accountId: account, totpSecret: 'BASE32', recoveryHashes: ['one', 'two'] };
    const listed = await list();
    expect(listed).toHaveLength(2);
    expect(listed).toEqual(expect.arrayContaining([before, other]));
    const [first, last] = listed;
    expect((await registry.secondFactorsAfter(first?.accountId ?? '')).length).toBe(1);
    expect(await registry.secondFactorsAfter(last?.accountId ?? '')).toEqual([]);

    await registry.replaceTotpSecret(account, 'ANOTHER', 'wrong');
    await registry.replaceTotpSecret(account, 'BASE32', 'sealed');
    await registry.replaceRecoveryHash(account, 'one', 'slow');
    expect(await registry.useRecoveryCode(account, 'two')).toBe(true);
    await registry.replaceRecoveryHash(account, 'two', 'used');
    const after = { accountId: account, totpSecret: 'sealed', recoveryHashes: ['slow'] };
    expect(await list()).toEqual(expect.arrayContaining([after, other]));
    expect(await registry.recoveryHashesOf(account)).toEqual(['slow']);
  });

  it('keeps the secret that a session sets up for a while, and lets it be used once', async () => {
    const { opened, registry, account } = await beginWithSite();
    const second = await engine.open(opened.place);
    onTestFinished(() => second.close());
    for (const id of ['s1', 's2'])
      await registry.createSession(
        {
          ...{ id, accountId: account, label: 'Firefox, Linux', createdAtMs: NOON_MS },
          ...{ lastSeenAtMs: NOON_MS, expiresAtMs: NOON_MS + 1000 },
        },
        `hash of ${id}`,
      );
    expect(await registry.pendingTotp('s1', NOON_MS)).toBeNull();
    await registry.setPendingTotp('s1', 'first', NOON_MS + 5);
    await registry.setPendingTotp('s1', 'sealed', NOON_MS + 10);
    expect(await second.registry.pendingTotp('s1', NOON_MS + 9)).toBe('sealed');
    expect(await registry.pendingTotp('s1', NOON_MS + 10)).toBeNull();
    expect(await registry.pendingTotp('s2', NOON_MS)).toBeNull();
    expect(await registry.usePendingTotp('s1', 'first')).toBe(false);
    expect(await registry.usePendingTotp('s2', 'sealed')).toBe(false);
    const both = [registry, second.registry].map((each) => each.usePendingTotp('s1', 'sealed'));
    expect((await Promise.all(both)).filter(Boolean)).toHaveLength(1);
    expect(await registry.pendingTotp('s1', NOON_MS)).toBeNull();
  });

  it('links an account to one person of the identity provider, and a person to one account', async () => {
    const { opened, registry, account } = await beginWithSite();
    const other = await addAccount(registry, 'other@example.com');
    expect(await registry.hasIdentity(account)).toBe(false);
    expect(await registry.credentialsByIdentity('issuer subject')).toBeNull();
    const second = await engine.open(opened.place);
    onTestFinished(() => second.close());
    const both = [registry, second.registry].map((each, i) => each.linkIdentity(account, `issuer ${i}`));
    const [isFirst, isSecond] = await Promise.all(both);
    expect([isFirst, isSecond].filter(Boolean)).toHaveLength(1);
    const identity = isFirst ? 'issuer 0' : 'issuer 1';
    expect((await second.registry.credentialsByIdentity(identity))?.accountId).toBe(account);
    expect(await registry.linkIdentity(other, identity)).toBe(false);
    expect(await registry.linkIdentity('acc_none', 'issuer none')).toBe(false);
    expect(await registry.hasIdentity(other)).toBe(false);
    const third: NewAccount = {
      ...{ id: 'acc_third', email: 'third@example.com', plan: 'free', billingAnchorDay: 1 },
      ...{ passwordHash: 'none', identity, createdAtMs: NOON_MS },
    };
    await expect(registry.createAccount(third)).rejects.toEqual(conflict('email-taken'));
    await registry.unlinkIdentity(account);
    expect(await registry.credentialsByIdentity(identity)).toBeNull();
    await registry.createAccount(third);
    expect((await registry.credentialsByIdentity(identity))?.accountId).toBe('acc_third');
  });

  it('keeps sessions until they expire or end', async () => {
    const { opened, registry, account } = await beginWithSite();
    const session = (id: string, lastSeenAtMs: number, expiresAtMs = NOON_MS + 1000) => ({
      ...{ id, accountId: account, label: 'Firefox, Linux', createdAtMs: NOON_MS },
      ...{ lastSeenAtMs, expiresAtMs },
    });
    await registry.createSession(session('s1', NOON_MS), 'hash1');
    await registry.createSession(session('s2', NOON_MS + 1), 'hash2');
    await registry.createSession(session('s3', NOON_MS + 9, NOON_MS + 10), 'hash3');
    expect(await registry.sessionByToken('hash1', NOON_MS)).toEqual(session('s1', NOON_MS));
    expect(await registry.sessionByToken('hash3', NOON_MS + 10)).toBeNull();
    expect(await registry.sessionByToken('hash', NOON_MS)).toBeNull();
    await registry.touchSession('s1', NOON_MS + 5);
    const again = (await opened.reopen()).registry;
    const ids = async () => (await again.sessionsOf(account, NOON_MS + 10)).map(({ id }) => id);
    expect(await ids()).toEqual(['s1', 's2']);
    expect(await again.endSession('acc_none', 's1')).toBe(false);
    expect(await again.endSession(account, 's1')).toBe(true);
    expect(await again.endSession(account, 's1')).toBe(false);
    await again.createSession(session('s4', NOON_MS), 'hash4');
    await again.endSessionsOf(account, 's4');
    expect(await ids()).toEqual(['s4']);
    await again.endSessionsOf(account, null);
    expect(await ids()).toEqual([]);
  });

  it('keeps a security log of each account, newest first, and counts repeated events of a day', async () => {
    const { opened, registry, account } = await beginWithSite();
    const other = await addAccount(registry);
    const entry = {
      ...{ accountId: account, event: 'sign-in' as const, atMs: NOON_MS, repeatedOnDay: null, actorId: null },
      ...{ via: 'dashboard' as const, browser: 'Firefox on Linux', country: 'DE', details: {} },
    };
    const failed = { ...entry, event: 'sign-in-failed' as const, repeatedOnDay: TODAY };
    const second = await engine.open(opened.place);
    onTestFinished(() => second.close());
    await registry.addSecurityEntry(entry, 3);
    await Promise.all(
      [registry, second.registry, registry, second.registry].map((each) => each.addSecurityEntry(failed, 3)),
    );
    await registry.addSecurityEntry({ ...failed, atMs: NOON_MS + 5, country: null }, 3);
    await registry.addSecurityEntry({ ...failed, repeatedOnDay: TODAY + 1, atMs: NOON_MS + 6 }, 3);
    await registry.addSecurityEntry({ ...failed, accountId: other }, 3);
    const shared = { site: 'example.com', name: 'Board' };
    const byOther = { ...entry, event: 'share-created' as const, actorId: other, details: shared };
    await registry.addSecurityEntry({ ...byOther, atMs: NOON_MS + 7 }, 3);
    const again = (await opened.reopen()).registry;
    const range = { sinceMs: 0, before: null, limit: 10 };
    const entries = await again.securityEntriesOf(account, range);
    const { email } = (await again.accountById(other)) ?? { email: '' };
    expect(entries.map(({ seq: _, ...rest }) => rest)).toEqual([
      {
        ...{ event: 'share-created', atMs: NOON_MS + 7, firstAtMs: NOON_MS + 7, count: 1, details: shared },
        ...{
          actorId: other,
          actorEmail: email,
          via: 'dashboard',
          browser: 'Firefox on Linux',
          country: 'DE',
        },
      },
      expect.objectContaining({ event: 'sign-in-failed', atMs: NOON_MS + 6, count: 1 }),
      expect.objectContaining({
        ...{ event: 'sign-in-failed', atMs: NOON_MS + 5, firstAtMs: NOON_MS, count: 5, country: null },
      }),
      expect.objectContaining({ event: 'sign-in', atMs: NOON_MS, actorId: null, actorEmail: null }),
    ]);
    const [first] = entries;
    expect(await again.securityEntriesOf(account, { ...range, before: first ?? null })).toEqual(
      entries.slice(1),
    );
    expect(await again.securityEntriesOf(account, { ...range, sinceMs: NOON_MS + 5, limit: 2 })).toEqual(
      entries.slice(0, 2),
    );
    expect(await again.securityEntriesOf(other, range)).toHaveLength(1);

    // The oldest of its own leaves; repeated ones stay.
    for (let i = 0; i < 3; i++) await again.addSecurityEntry({ ...byOther, atMs: NOON_MS + 8 }, 3);
    const events = async () => (await again.securityEntriesOf(account, range)).map(({ event }) => event);
    const newest = ['share-created', 'share-created', 'share-created'];
    expect(await events()).toEqual([...newest, 'sign-in-failed', 'sign-in-failed']);
    await again.removeAccount(other);
    expect((await again.securityEntriesOf(account, range))[0]).toMatchObject({
      actorId: other,
      actorEmail: null,
    });
    await again.expireSecurityEntries(NOON_MS + 6);
    expect(await events()).toEqual([...newest, 'sign-in-failed']);
    await again.removeAccount(account);
    expect(await events()).toEqual([]);
  });

  it('accepts a one-time token once, even for concurrent requests, and not after it expires', async () => {
    const { opened, registry, account, site } = await beginWithSite();
    const second = await engine.open(opened.place);
    onTestFinished(() => second.close());
    const ticket = {
      ...{ kind: 'invitation' as const, email: 'guest@example.com', accountId: account, siteId: site },
      ...{ role: 'viewer' as const, expiresAtMs: NOON_MS + 1000 },
    };
    const reset = { ...ticket, kind: 'reset' as const, siteId: null, role: null };
    await registry.createOneTimeToken(ticket, 'invited');
    await registry.createOneTimeToken(reset, 'late');
    expect(await registry.oneTimeToken('invited', NOON_MS)).toEqual(ticket);
    expect(await registry.invitationsTo(site, NOON_MS)).toEqual([ticket]);
    expect(await registry.oneTimeToken('late', NOON_MS + 1000)).toBeNull();
    const used = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        (i % 2 === 0 ? registry : second.registry).useOneTimeToken('invited', NOON_MS),
      ),
    );
    expect(used.filter((each) => each !== null)).toEqual([ticket]);
    expect(await registry.useOneTimeToken('late', NOON_MS + 1000)).toBeNull();
    expect(await registry.useOneTimeToken('late', NOON_MS)).toBeNull();
    expect(await registry.invitationsTo(site, NOON_MS)).toEqual([]);
  });

  it('withdraws the resets of an account, and the invitations of an address to a site', async () => {
    const { registry, account, site } = await beginWithSite();
    const other = await addAccount(registry, 'other@example.com');
    const expiresAtMs = NOON_MS + 1000;
    const reset = { kind: 'reset' as const, email: 'a@example.com', siteId: null, role: null, expiresAtMs };
    const invitation = {
      ...{
        kind: 'invitation' as const,
        accountId: account,
        siteId: site,
        role: 'viewer' as const,
        expiresAtMs,
      },
      email: 'Guest@example.com',
    };
    await registry.createOneTimeToken({ ...reset, accountId: account }, 'mine');
    await registry.createOneTimeToken({ ...reset, accountId: other }, 'theirs');
    await registry.createOneTimeToken(invitation, 'guest');
    await registry.createOneTimeToken({ ...invitation, email: 'else@example.com' }, 'else');
    const left = async () => {
      const found = await Promise.all(
        ['mine', 'theirs', 'guest', 'else'].map(async (hash) => [
          hash,
          await registry.oneTimeToken(hash, NOON_MS),
        ]),
      );
      return found.filter(([, token]) => token !== null).map(([hash]) => hash);
    };
    await registry.withdrawResets(account);
    expect(await left()).toEqual(['theirs', 'guest', 'else']);
    await registry.withdrawInvitations('site_other', 'guest@example.com');
    expect(await left()).toEqual(['theirs', 'guest', 'else']);
    await registry.withdrawInvitations(site, 'guest@EXAMPLE.com');
    expect(await left()).toEqual(['theirs', 'else']);
  });

  it('keeps members of a site until the site or their account is removed', async () => {
    const { opened, registry, account, site } = await beginWithSite();
    const [bob, cyd] = [
      await addAccount(registry, 'Bob@example.com'),
      await addAccount(registry, 'a@example.com'),
    ];
    await registry.setMember(site, bob, 'viewer');
    await registry.setMember(site, cyd, 'viewer');
    await registry.setMember(site, bob, 'admin');
    const again = (await opened.reopen()).registry;
    expect(await again.membersOf(site)).toEqual([
      { siteId: site, accountId: cyd, email: 'a@example.com', role: 'viewer' },
      { siteId: site, accountId: bob, email: 'Bob@example.com', role: 'admin' },
    ]);
    expect(await again.membershipsOf(bob)).toHaveLength(1);
    expect(await again.roleOn(site, bob)).toBe('admin');
    expect(await again.roleOn(site, account)).toBeNull();
    await again.removeMember(site, bob);
    expect(await again.roleOn(site, bob)).toBeNull();
    await again.removeAccount(cyd);
    expect(await again.membersOf(site)).toEqual([]);
    await again.setMember(site, bob, 'viewer');
    await again.removeSite(site);
    expect(await again.membershipsOf(bob)).toEqual([]);
  });

  it('stores shared links and goals of a site', async () => {
    const { opened, registry, site } = await beginWithSite();
    const share = {
      ...{ id: 'sh1', siteId: site, name: 'Board', passwordHash: null },
      ...{ createdAtMs: NOON_MS, expiresAtMs: NOON_MS + 10, embedHosts: [] },
    };
    const embedHosts = ['www.example.com', '*.example.org'];
    const open = { ...share, id: 'sh2', passwordHash: '$argon2id$x', expiresAtMs: null, embedHosts };
    await registry.createShare(share, 'token1');
    await registry.createShare(open, 'token2');
    const goal = { id: 'g1', siteId: site, kind: 'page' as const, pattern: '/thanks*' };
    expect(await registry.addGoal(goal)).toBe(true);
    expect(await registry.addGoal({ ...goal, id: 'g2' })).toBe(false);
    expect(await registry.addGoal({ ...goal, id: 'g3', kind: 'event', pattern: 'Sale' })).toBe(true);
    const again = (await opened.reopen()).registry;
    expect(await again.shareByToken('token1', NOON_MS)).toEqual(share);
    expect(await again.shareByToken('token1', NOON_MS + 10)).toBeNull();
    expect(await again.shareByToken('token2', NOON_MS + 10)).toEqual(open);
    expect(await again.sharesOf(site)).toEqual([share, open]);
    expect(await again.removeShare(site, 'sh1')).toBe(true);
    expect(await again.removeShare(site, 'sh1')).toBe(false);
    expect(await again.goalsOf(site)).toEqual([goal, { ...goal, id: 'g3', kind: 'event', pattern: 'Sale' }]);
    expect(await again.removeGoal(site, 'g1')).toBe(true);
    expect(await again.removeGoal('site_none', 'g3')).toBe(false);
    await again.removeSite(site);
    expect(await again.sharesOf(site)).toEqual([]);
  });

  it('stores annotations of the days of a site', async () => {
    const { opened, registry, site } = await beginWithSite();
    const note = { id: 'note_1', siteId: site, day: TODAY, text: 'Launch', createdAtMs: NOON_MS };
    const later = { ...note, id: 'note_0', text: '\u00fc \u{1F600}', createdAtMs: NOON_MS + 1 };
    const before = { ...note, id: 'note_2', day: -3 };
    for (const each of [later, note, before]) await registry.addAnnotation(each);
    const again = (await opened.reopen()).registry;
    expect(await again.annotationsOf(site, { firstDay: -3, lastDay: TODAY })).toEqual([before, note, later]);
    expect(await again.annotationsOf(site, { firstDay: -2, lastDay: TODAY })).toEqual([note, later]);
    expect(await again.annotationsOf(site, { firstDay: -3, lastDay: TODAY - 1 })).toEqual([before]);
    expect(await again.annotationsOf('site_none', { firstDay: -3, lastDay: TODAY })).toEqual([]);
    expect(await again.countAnnotations(site)).toBe(3);
    expect(await again.removeAnnotation('site_none', note.id)).toBe(false);
    expect(await again.removeAnnotation(site, note.id)).toBe(true);
    expect(await again.removeAnnotation(site, note.id)).toBe(false);
    expect(await again.countAnnotations(site)).toBe(2);
    await again.removeSite(site);
    expect(await again.countAnnotations(site)).toBe(0);
  });

  it('stores saved queries of a team and of each account, with names that are unique among what they see', async () => {
    const { opened, registry, account, site } = await beginWithSite();
    const [bob, cyd] = [
      await addAccount(registry, 'bob@example.com'),
      await addAccount(registry, 'cyd@example.com'),
    ];
    for (const each of [bob, cyd]) await registry.setMember(site, each, 'viewer');
    const base = { siteId: site, kind: 'segment', query: 'f=country%3ADE', createdAtMs: NOON_MS } as const;
    const saved = (id: string, name: string, accountId: string | null) => ({ ...base, id, name, accountId });
    const team = saved('segment_1', 'b \u00fc', null);
    const second = saved('segment_2', 'A', null);
    const own = saved('segment_3', 'a', bob);
    const funnel = { ...saved('funnel_1', 'a', null), kind: 'funnel' } as const;
    for (const each of [team, second, own, funnel, saved('segment_4', 'a', cyd), saved('s5', 'z', account)])
      expect(await registry.addSavedQuery(each)).toBe(true);
    for (const each of [saved('s6', 'B \u00fc', null), saved('s7', 'A', bob)])
      expect(await registry.addSavedQuery(each)).toBe(false);
    const again = (await opened.reopen()).registry;
    expect(await again.savedQueriesOf(site, 'segment', bob)).toEqual([second, team, own]);
    expect(await again.savedQueriesOf(site, 'segment', null)).toEqual([second, team]);
    expect(await again.savedQueriesOf(site, 'funnel', bob)).toEqual([funnel]);
    expect(await again.savedQueriesOf('site_none', 'segment', bob)).toEqual([]);
    const renamed = { ...own, name: 'C', query: 'f=country%3AAT' };
    expect(await again.changeSavedQuery(renamed)).toBe(true);
    expect(await again.changeSavedQuery({ ...renamed, name: 'c' })).toBe(true);
    expect(await again.changeSavedQuery({ ...team, name: 'a' })).toBe(false);
    await again.changeSavedQuery({ ...team, siteId: 'site_none', name: 'x' });
    expect(await again.savedQueriesOf(site, 'segment', bob)).toEqual([
      second,
      team,
      { ...renamed, name: 'c' },
    ]);
    expect(await again.removeSavedQuery('site_none', second.id)).toBe(false);
    expect(await again.removeSavedQuery(site, second.id)).toBe(true);
    expect(await again.removeSavedQuery(site, second.id)).toBe(false);
    await again.removeMember(site, bob);
    expect(await again.savedQueriesOf(site, 'segment', bob)).toEqual([team]);
    await again.removeAccount(cyd);
    expect(await again.savedQueriesOf(site, 'segment', cyd)).toEqual([team]);
    await again.removeSite(site);
    expect(await again.savedQueriesOf(site, 'segment', account)).toEqual([]);
  });

  it('returns the strangest texts unchanged, including attempts at SQL injection', async () => {
    const { opened, registry, account, site } = await beginWithSite();
    const strange = "'; DROP TABLE accounts; -- \\\\ \u{1F600} %s $1 ? \u202e \n";
    const nul = `a${'\0'}b`;
    const share = {
      ...{ id: 'sh', siteId: site, passwordHash: null, createdAtMs: NOON_MS, expiresAtMs: null },
      embedHosts: [],
    };
    await registry.createShare({ ...share, name: strange }, 'token');
    await registry.createShare({ ...share, id: 'sh_nul', name: nul, createdAtMs: NOON_MS + 1 }, 'nul');
    expect(await registry.accountByEmail(strange)).toBeNull();
    expect(await registry.accountByEmail(nul)).toBeNull();
    expect(await registry.sessionByToken(nul, NOON_MS)).toBeNull();
    const again = (await opened.reopen()).registry;
    expect((await again.sharesOf(site)).map(({ name }) => name)).toEqual([strange, `a${engine.readsNulAs}b`]);
    expect(await again.accountById(account)).not.toBeNull();
  });
}
