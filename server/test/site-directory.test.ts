import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { HOUR_MS, SECOND_MS } from '../src/clock.ts';
import { type KnownSite, SiteDirectory } from '../src/collect/site-by-key.ts';
import { newAccountId, newSiteId, newSiteKey } from '../src/keys.ts';
import { openShared } from '../src/store/open.ts';
import type { Registry } from '../src/store/store.ts';
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
  sites = new SiteDirectory({ registry, clock, rate: RATE });
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

/** Beacons of one address that a site lets through now, one after the other. */
function letThrough(key: string): number {
  for (let count = 0; count <= 10 * RATE.burst; count++) {
    if (siteOf(key).bucket.takeFor(ADDRESS, clock.now()) > 0) return count;
  }
  throw new Error('there is no end to it');
}

describe('the rate of a site', () => {
  it('is its burst at first, whenever the first beacon comes, and then what has come since', async () => {
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

  it('is no other site’s, of the same domain neither', async () => {
    const one = await addSite('shared.example');
    const two = await addSite('shared.example');
    expect(letThrough(one.key)).toBe(RATE.burst);
    expect(letThrough(two.key)).toBe(RATE.burst);
    expect(letThrough(one.key)).toBe(0);
  });

  it('is one for all of its keys, and nothing that its owner changes fills it up', async () => {
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
  it('takes over changed rules into the site that beacons under way hold on to', async () => {
    const { id, key } = await addSite('rules.example');
    const held = siteOf(key);
    expect(sites.sitesOnHost('blog.rules.example')).toEqual([]);
    await registry.setHostRules(id, { allowSubdomains: true, extraHosts: [] });
    await registry.setExclusions(id, { pages: ['/draft/*'], countries: [] });
    await sites.refresh();
    expect(held).toMatchObject({ allowSubdomains: true, exclusions: { pages: ['/draft/*'] } });
    expect(sites.sitesOnHost('blog.rules.example')).toEqual([held]);
  });

  it('counts keys, retired ones too, and forgets all of a site that is removed', async () => {
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

  it('knows every account’s site of a domain, whichever of them are removed', async () => {
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
