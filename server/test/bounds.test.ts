import { describe, expect, it } from 'vitest';
import { AddressShares } from '../src/collect/fair-bucket.ts';
import { LiveFeed } from '../src/live-feed.ts';
import { PendingRefusals } from '../src/store/refusals.ts';
import { OTHER_HOST } from '../src/store/store.ts';
import { NOON_MS } from './support/clock.ts';
import { refusal } from './support/entries.ts';

/** What is kept in memory of what anybody may send: so much and no more, and still exact where it counts. */

describe('refusals that wait for a commit', () => {
  const HOSTS = 20;

  it('keep few hosts and every count, also when a commit failed and they are put back', () => {
    const pending = new PendingRefusals();
    const flood = () => {
      for (let i = 0; i < 5_000; i++) {
        pending.add(refusal({ host: `h${i}.example`, siteKey: 'ak_one', receivedAtMs: NOON_MS + i }));
        pending.add(refusal({ reason: 'malformed', host: '' }));
      }
    };
    flood();
    for (let failures = 0; failures < 3; failures++) {
      const taken = pending.take();
      expect(pending.size).toBe(0);
      flood();
      pending.putBack(taken);
      expect(pending.size).toBeLessThanOrEqual(HOSTS + 2);
    }
    const { ledger, keys } = pending.take();
    const sum = (outcome: string) =>
      ledger.filter((line) => line.outcome === outcome).reduce((all, { count }) => all + count, 0);
    expect([sum('wrong-domain'), sum('malformed')]).toEqual([20_000, 20_000]);
    expect(ledger).toContainEqual(expect.objectContaining({ host: OTHER_HOST, lastAtMs: NOON_MS + 4_999 }));
    expect(keys).toMatchObject([{ key: 'ak_one', events: 0, lastSeenAtMs: NOON_MS + 4_999 }]);
  });
});

describe('shares of addresses', () => {
  const SHARES = 100_000;

  it('begin anew when there are too many, and not before', () => {
    const shares = new AddressShares({ perSecond: 0.001, burst: 10 });
    const site = shares.nextSite();
    expect(shares.take(site, 1, NOON_MS)).toBe(0);
    for (let address = 2; address <= SHARES; address++) shares.take(site, address, NOON_MS);
    expect(shares.take(site, 1, NOON_MS), 'its share was used up').toBeGreaterThan(0);
    shares.take(site, SHARES + 1, NOON_MS);
    expect(shares.take(site, 1, NOON_MS)).toBe(0);
  });

  it('of one address are apart from site to site', () => {
    const shares = new AddressShares({ perSecond: 0.001, burst: 10 });
    const [one, other] = [shares.nextSite(), shares.nextSite()];
    expect(shares.take(one, 7, NOON_MS)).toBe(0);
    expect(shares.take(one, 7, NOON_MS)).toBeGreaterThan(0);
    expect(shares.take(other, 7, NOON_MS)).toBe(0);
  });
});

describe('the live feed', () => {
  const SITES = 1_000;
  const SIGHTINGS = 50;
  const LISTENERS = 20;

  it('remembers the newest sightings of the sites seen last', () => {
    const feed = new LiveFeed(NOON_MS);
    const see = (site: string, times = 1) => {
      for (let i = 0; i < times; i++) feed.sawScript(site, `h${i}.example`, NOON_MS);
    };
    see('site 0', 3 * SIGHTINGS);
    expect(feed.since('site 0', 0).map(({ host }) => host)).toEqual(
      Array.from({ length: SIGHTINGS }, (_, i) => `h${2 * SIGHTINGS + i}.example`),
    );
    for (let i = 1; i < SITES; i++) see(`site ${i}`);
    see('site 0');
    see('one more');
    expect(feed.since('site 1', 0), 'quiet the longest').toEqual([]);
    expect(feed.since('site 0', 0)).toHaveLength(SIGHTINGS);
    expect(feed.since('site 2', 0)).toHaveLength(1);
  });

  it('has room for so many who listen to a site, and for others when they leave', () => {
    const feed = new LiveFeed(NOON_MS);
    const ends = Array.from({ length: LISTENERS }, () => feed.listen('site', () => undefined));
    expect(ends).not.toContain(null);
    expect(feed.listen('site', () => undefined)).toBeNull();
    expect(feed.listen('other', () => undefined)).not.toBeNull();
    ends[0]?.();
    expect(feed.listen('site', () => undefined)).not.toBeNull();
    expect(feed.listeners).toBe(LISTENERS + 1);
  });
});
