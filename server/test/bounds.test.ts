import { describe, expect, it } from 'vitest';
import { LiveFeed, withLiveFeed } from '../src/app/live-feed.ts';
import { AddressShares } from '../src/collect/fair-bucket.ts';
import { HOUR_MS } from '../src/domain/clock.ts';
import { memoize } from '../src/domain/memoize.ts';
import { OTHER_HOST, type Refusal } from '../src/store/contract/store.ts';
import { PendingRefusals } from '../src/store/shared/refusals.ts';
import { NOON_MS } from './support/clock.ts';
import { refusal } from './support/entries.ts';

/** Memory for data that anyone can send is bounded, and counts stay exact. */

describe('refusals that wait for a commit', () => {
  const HOSTS = 20;

  it('keep few hosts but every count, also after a failed commit', () => {
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

  it('resets the shares of addresses when there are too many, and not before', () => {
    const shares = new AddressShares({ perSecond: 0.001, burst: 10 });
    const site = shares.nextSite();
    expect(shares.tryConsume(site, 1, NOON_MS)).toBe(0);
    for (let address = 2; address <= SHARES; address++) shares.tryConsume(site, address, NOON_MS);
    expect(shares.tryConsume(site, 1, NOON_MS), 'its share was used up').toBeGreaterThan(0);
    shares.tryConsume(site, SHARES + 1, NOON_MS);
    expect(shares.tryConsume(site, 1, NOON_MS)).toBe(0);
  });

  it('keeps separate shares of one address for each site', () => {
    const shares = new AddressShares({ perSecond: 0.001, burst: 10 });
    const [one, other] = [shares.nextSite(), shares.nextSite()];
    expect(shares.tryConsume(one, 7, NOON_MS)).toBe(0);
    expect(shares.tryConsume(one, 7, NOON_MS)).toBeGreaterThan(0);
    expect(shares.tryConsume(other, 7, NOON_MS)).toBe(0);
  });
});

describe('cached computations', () => {
  const MAX = 100;

  it('keeps cached results for the most recent inputs, up to the limit', () => {
    const computed: string[] = [];
    const lengthOf = memoize(MAX, (text) => {
      computed.push(text);
      return text === '' ? null : text.length;
    });
    const latest = Array.from({ length: MAX / 2 - 1 }, (_, i) => `text ${i}`);
    for (const text of ['oldest', '', ...latest, '', ...latest]) lengthOf(text);
    expect([lengthOf(''), lengthOf('text 0')]).toEqual([null, 6]);
    expect(computed).toEqual(['oldest', '', ...latest]);
    for (let i = 0; i < MAX; i++) lengthOf(`more ${i}`);
    computed.length = 0;
    for (const text of ['oldest', '', ...latest]) lengthOf(text);
    expect(computed).toEqual(['oldest', '', ...latest]);
  });

  it('does not cache failures', () => {
    let calls = 0;
    const failing = memoize(MAX, () => {
      calls += 1;
      throw new RangeError();
    });
    for (let i = 0; i < 3; i++) expect(() => failing('text')).toThrow(RangeError);
    expect(calls).toBe(3);
  });
});

describe('the live feed', () => {
  const SITES = 1_000;
  const SIGHTINGS = 50;
  const LISTENERS = 20;

  it('keeps the newest events of the most recent sites', () => {
    const feed = new LiveFeed(NOON_MS);
    const seen = { what: 'counted', group: null, reason: null, field: '', path: '/', name: null } as const;
    const nobody = { source: null, country: null, device: null };
    const see = (siteId: string, times = 1) => {
      for (let i = 0; i < times; i++)
        feed.publish({ ...seen, ...nobody, siteId, host: `h${i}.example`, atMs: NOON_MS });
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

  it('keeps one event of all that anyone can cause without a key, with their count', () => {
    const feed = new LiveFeed(NOON_MS);
    const refused: Refusal[] = [];
    const { refuse } = withLiveFeed(
      { append: async () => 'stored', onEntry: () => undefined, refuse: (refusal) => refused.push(refusal) },
      feed,
    );
    const from = { siteId: 'site', receivedAtMs: NOON_MS } as const;
    refuse({ ...from, siteKey: 'ak_real', reason: 'wrong-domain', host: 'copy.example' });
    for (let i = 0; i < 3 * SIGHTINGS; i++) {
      feed.recordScriptFetch('site', `h${i}.example`, NOON_MS);
      refuse({ ...from, siteKey: null, reason: 'unknown-key', host: `h${i}.example` });
    }
    expect(feed.since('site', 0)).toMatchObject([
      { what: 'refused', reason: 'wrong-domain', count: 1 },
      { what: 'script', host: `h${3 * SIGHTINGS - 1}.example`, count: 3 * SIGHTINGS },
      { what: 'refused', reason: 'unknown-key', count: 3 * SIGHTINGS },
    ]);
    feed.recordScriptFetch('site', 'h.example', NOON_MS + HOUR_MS);
    expect(feed.since('site', 0).at(-1), 'counted anew after a while').toMatchObject({ count: 1 });
    expect(refused).toHaveLength(3 * SIGHTINGS + 1);
  });

  it('limits listeners per site, and frees their places', () => {
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
