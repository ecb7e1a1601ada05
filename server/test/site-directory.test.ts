import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type KnownSite, SiteDirectory } from '../src/collect/site-by-key.ts';
import { HOUR_MS, SECOND_MS } from '../src/domain/clock.ts';
import { newAccountId, newSiteId, newSiteKey } from '../src/domain/keys.ts';
import { type Registry, StoreUnavailable } from '../src/store/contract/store.ts';
import { openShared } from '../src/store/open.ts';
import { NOON_MS, TestClock } from './support/clock.ts';
import { temporaryFolder } from './support/paths.ts';

const RATE = { perSecond: 1, burst: 10 };
const ADDRESS = '192.0.2.1';

let registry: Registry;
let clock: TestClock;
let sites: SiteDirectory;

beforeEach(async () => {
  const store = await openShared({ dataDir: await temporaryFolder() });
  ({ registry } = store);
  clock = new TestClock();
  sites = new SiteDirectory({ registry, clock, rate: RATE, onOutage: () => {} });
  await sites.refresh();
  onTestFinished(() => store.close());
});

async function addSite(domain: string): Promise<{ id: string; key: string; accountId: string }> {
  const accountId = newAccountId();
  await registry.createAccount({
    ...{ id: accountId, email: `${accountId}@example.com`, plan: 'pro', billingAnchorDay: 1 },
    ...{ passwordHash: '$argon2id$', createdAtMs: NOON_MS },
  });
  const site = { id: newSiteId(), key: newSiteKey(), accountId };
  await registry.createSite({ ...site, domain, createdAtMs: NOON_MS }, null);
  await sites.refresh();
  return site;
}

function siteOf(key: string): KnownSite {
  const found = sites.resolve(key);
  if (found.kind === 'unknown' || found.kind === 'cannot-know') throw new Error(`the key is ${found.kind}`);
  return found.site;
}

/** Returns how many consecutive beacons from one address a site accepts now. */
function letThrough(key: string): number {
  for (let count = 0; count <= 10 * RATE.burst; count++) {
    if (siteOf(key).bucket.tryConsumeFor(ADDRESS, clock.now()) > 0) return count;
  }
  throw new Error('there is no end to it');
}

describe('the rate of a site', () => {
  it('starts with the full burst and refills over time', async () => {
    const { key } = await addSite('early.example');
    const { key: late } = await addSite('late.example');
    expect(letThrough(key)).toBe(RATE.burst);
    clock.advance(3 * SECOND_MS);
    expect(letThrough(key)).toBe(3);
    clock.advance(24 * HOUR_MS);
    expect(letThrough(late)).toBe(RATE.burst);
    expect(letThrough(key)).toBe(RATE.burst);
    expect(letThrough(key)).toBe(0);
  });

  it('limits each site separately, even of the same domain', async () => {
    const one = await addSite('shared.example');
    const two = await addSite('shared.example');
    expect(letThrough(one.key)).toBe(RATE.burst);
    expect(letThrough(two.key)).toBe(RATE.burst);
    expect(letThrough(one.key)).toBe(0);
  });

  it('shares the rate among all keys of a site, and does not refill it by changes', async () => {
    const { id, key } = await addSite('one.example');
    expect(letThrough(key)).toBe(RATE.burst);
    const newer = newSiteKey();
    await registry.addSiteKey(id, newer, NOON_MS);
    await registry.setHostRules(id, { allowSubdomains: true, extraHosts: ['other.example'] });
    await registry.setExclusions(id, { pages: ['/draft/*'], countries: [] });
    await sites.refresh();
    expect(letThrough(newer)).toBe(0);
    await registry.retireSiteKey(key);
    await sites.refresh();
    expect(sites.resolve(key).kind).toBe('retired');
    expect(siteOf(key)).toBe(siteOf(newer));
    expect(letThrough(newer)).toBe(0);
    clock.advance(2 * SECOND_MS);
    expect(letThrough(newer)).toBe(2);
  });
});

describe('the directory', () => {
  it('applies changed rules to beacons in progress', async () => {
    const { id, key } = await addSite('rules.example');
    const held = siteOf(key);
    expect(sites.sitesOnHost('blog.rules.example')).toEqual([]);
    await registry.setHostRules(id, { allowSubdomains: true, extraHosts: [] });
    await registry.setExclusions(id, { pages: ['/draft/*'], countries: [] });
    await registry.setMergeTrailingSlashes(id, true);
    await sites.refresh();
    expect(held).toMatchObject({
      allowSubdomains: true,
      mergeTrailingSlashes: true,
      exclusions: { pages: ['/draft/*'] },
    });
    expect(sites.sitesOnHost('blog.rules.example')).toEqual([held]);
  });

  it('counts keys, including retired ones, and drops those of a removed site', async () => {
    const { id, key } = await addSite('gone.example');
    const newer = newSiteKey();
    await registry.addSiteKey(id, newer, NOON_MS);
    await registry.retireSiteKey(key);
    await sites.refresh();
    expect(sites.size).toBe(2);
    await registry.removeSite(id);
    await sites.refresh();
    expect(sites.size).toBe(0);
    for (const each of [key, newer]) expect(sites.resolve(each)).toEqual({ kind: 'unknown' });
    expect(sites.sitesOnHost('gone.example')).toEqual([]);

    const again = await addSite('gone.example');
    expect(siteOf(again.key).id).toBe(again.id);
    expect(sites.sitesOnHost('www.gone.example').map((site) => site.id)).toEqual([again.id]);
  });

  it('finds the sites of all accounts for a domain, also after removals', async () => {
    const owners = [
      await addSite('many.example'),
      await addSite('many.example'),
      await addSite('many.example'),
    ];
    const told = () => sites.sitesOnHost('many.example').map(({ id }) => id);
    expect(told().sort()).toEqual(owners.map(({ id }) => id).sort());
    for (const owner of owners) {
      await registry.removeAccount(owner.accountId);
      await sites.refresh();
      expect(sites.resolve(owner.key).kind).toBe('unknown');
      expect(told()).not.toContain(owner.id);
    }
    expect(told()).toEqual([]);
    const last = await addSite('many.example');
    expect(told()).toEqual([last.id]);
  });
});

describe('an outage of the registry', () => {
  it('logs an outage once when it begins and once when it ends', async () => {
    const outages: (string | null)[] = [];
    let notify = () => {};
    let isAway = false;
    const flaky = {
      onSiteKeysChanged(listener: () => void) {
        notify = listener;
        return () => {};
      },
      async siteKeysSince(version: number) {
        if (isAway) throw new StoreUnavailable('away');
        return registry.siteKeysSince(version);
      },
    } as Pick<Registry, 'siteKeysSince' | 'onSiteKeysChanged'> as Registry; // the directory uses nothing else
    const directory = new SiteDirectory({
      ...{ registry: flaky, clock, rate: RATE },
      onOutage: (error) => outages.push(error),
    });
    await directory.start();
    onTestFinished(() => directory.stop());
    isAway = true;
    for (let tries = 0; tries < 3; tries++) {
      notify();
      await expect(directory.refresh()).rejects.toThrow('away');
    }
    await expect.poll(() => outages).toEqual(['away']);
    isAway = false;
    notify();
    await expect.poll(() => outages).toEqual(['away', null]);
  });
});
