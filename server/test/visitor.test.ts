import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Stats } from '../src/api/stats.ts';
import { DailySalt, visitorHash } from '../src/collect/visitor.ts';
import { DAY_MS, HOUR_MS, SECOND_MS, utcDay } from '../src/domain/clock.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { ApiWorld } from './support/api.ts';
import { TestClock } from './support/clock.ts';
import { BROWSER } from './support/world.ts';

describe("a visitor's hash", () => {
  const salt = '07'.repeat(32);
  const who = { siteId: 'site_a', address: '203.0.113.77', userAgent: BROWSER };
  const known = visitorHash(salt, who);
  const from = (address: string) => visitorHash(salt, { ...who, address });

  it('is a signed 64-bit number', () => {
    expect(typeof known).toBe('bigint');
    expect(BigInt.asIntN(64, known)).toBe(known);
  });

  it('is the same for every way to write an address', () => {
    expect(visitorHash(salt, { ...who })).toBe(known);
    for (const written of ['::ffff:203.0.113.77', '::FFFF:cb00:714d', '203.0.113.77:4711', '"203.0.113.77"'])
      expect(from(written), written).toBe(known);
    for (const written of [
      '2001:0DB8:1:0::1',
      '[2001:db8:1::1]:443',
      '"[2001:db8:1::1]"',
      '2001:db8:1::1%en0',
    ])
      expect(from(written), written).toBe(from('2001:db8:1::1'));
  });

  it('is the same within a /64 of IPv6, where clients change their addresses themselves', () => {
    expect(from('2001:db8:1:2:aaaa::1')).toBe(from('2001:db8:1:2:bbbb::2'));
    expect(from('2001:db8:1:3:aaaa::1')).not.toBe(from('2001:db8:1:2:aaaa::1'));
  });

  it.each([
    { name: 'another day: another salt', other: visitorHash('08'.repeat(32), who) },
    { name: 'another site', other: visitorHash(salt, { ...who, siteId: 'site_b' }) },
    { name: 'a neighboring address', other: from('203.0.113.78') },
    { name: 'another network', other: from('203.0.114.77') },
    { name: 'what is not an address', other: from('unknown') },
    { name: 'another browser', other: visitorHash(salt, { ...who, userAgent: 'Mozilla/5.0 Firefox/140.0' }) },
    {
      name: 'another version of the browser',
      other: visitorHash(salt, { ...who, userAgent: BROWSER.replace('140.0.0.0', '141.0.0.0') }),
    },
    {
      name: 'a user agent that differs at its end only',
      other: visitorHash(salt, { ...who, userAgent: `${BROWSER}${' '.repeat(2_000)}x` }),
    },
    {
      name: 'parts shifted into each other',
      other: visitorHash(salt, { ...who, siteId: 'site_a\n203.0.113.7', address: '7' }),
    },
  ])('differs for $name', ({ other }) => expect(other).not.toBe(known));

  it('differs for any two IPv4 addresses', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        expect(from(one) === from(other)).toBe(one === other);
      }),
    );
  });
});

describe('the visitors of a site', () => {
  const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

  async function open() {
    const api = await ApiWorld.open({ TRUST_PROXY: 'loopback' });
    onTestFinished(() => api.close());
    const { account, site, apiKey } = await api.world.addOwner();
    const send = async (
      { url = 'https://example.com/', address }: { url?: string; address: string },
      userAgent = AGENT,
    ) => {
      const headers = { origin: new URL(url).origin, 'user-agent': userAgent, 'x-forwarded-for': address };
      return (await api.server.send({ key: site.key, url }, { headers })).status;
    };
    const visitors = async () => {
      const { totals } = await api.read<Stats>(apiKey, `/sites/${site.id}/stats`);
      return totals.visitors;
    };
    // A crawler is not counted. Its request shows that the server knows the site.
    await expect.poll(() => send({ address: '192.0.2.1' }, 'Googlebot/2.1')).toBe(202);
    return { api, account, site, send, visitors };
  }

  it('counts a person once on the domain, its www. twin and the other hosts that count', async () => {
    const { api, site, send, visitors } = await open();
    await api.world.store.registry.setHostRules(site.id, {
      allowSubdomains: true,
      extraHosts: ['shop.example'],
    });
    await expect.poll(() => send({ url: 'https://shop.example/', address: '203.0.113.9' })).toBe(202);
    for (const host of ['example.com', 'www.example.com', 'blog.example.com', 'a.b.example.com'])
      expect(await send({ url: `https://${host}/`, address: '203.0.113.9' }), host).toBe(202);
    expect(await visitors()).toBe(1);
  });

  it('counts people behind neighboring addresses one by one', async () => {
    const { send, visitors } = await open();
    for (const last of [1, 2, 3, 4]) await send({ address: `203.0.113.${last}` });
    expect(await visitors()).toBe(4);
    for (const last of [1, 2, 3, 4]) await send({ address: `2001:db8:0:${last}::1` });
    expect(await visitors()).toBe(8);
    await send({ address: '2001:db8:0:1::ffff' });
    expect(await visitors()).toBe(8);
  });

  it('counts browsers at one address one by one', async () => {
    const { send, visitors } = await open();
    await send({ address: '203.0.113.9' });
    await send({ address: '203.0.113.9' }, AGENT.replaceAll('140.0', '141.0'));
    await send({ address: '203.0.113.9' }, BROWSER);
    expect(await visitors()).toBe(3);
  });

  it('counts a person once in events of pages and in those that servers report', async () => {
    const { api, account, site, send, visitors } = await open();
    const { key } = await api.key(account, { scopes: ['write'] });
    await send({ address: '203.0.113.9' });
    const event = { url: 'https://www.example.com/paid', address: '203.0.113.9', user_agent: AGENT };
    const events = [event, { ...event, address: '203.0.113.10' }, { ...event, user_agent: BROWSER }];
    expect((await api.post(key, `/sites/${site.id}/events`, events)).status).toBe(200);
    expect(await visitors()).toBe(3);
  });
});

/** Returns a registry of salts that records its calls. */
function salts() {
  const asked: { day: number; keepFromDay: number }[] = [];
  const state = { away: false };
  return {
    asked,
    state,
    registry: {
      async saltOf(day: number, keepFromDay: number): Promise<Uint8Array> {
        asked.push({ day, keepFromDay });
        if (state.away) throw new StoreUnavailable('away');
        return new Uint8Array(32).fill(day % 256);
      },
    },
  };
}

describe("the day's salt", () => {
  const noon = Date.UTC(2026, 4, 14, 12);
  const day = utcDay(noon);

  function begin() {
    const clock = new TestClock(noon);
    const { asked, state, registry } = salts();
    // The salt uses nothing else of the registry.
    return { clock, asked, state, salt: new DailySalt({ registry: registry as never, clock }) };
  }

  it('fetches the salt once a day, even for concurrent requests', async () => {
    const { clock, asked, salt } = begin();
    const [one, two] = await Promise.all([salt.today(), salt.today()]);
    expect(one).toBe(two);
    clock.advance(5 * HOUR_MS);
    expect(await salt.today()).toBe(one);
    expect(asked).toEqual([{ day, keepFromDay: day }]);
  });

  it('changes at midnight, and the previous salt is destroyed an hour later', async () => {
    const { clock, asked, salt } = begin();
    const today = await salt.today();
    clock.nowMs = (day + 1) * DAY_MS - 1;
    expect(await salt.today()).toBe(today);
    await setImmediate();
    clock.nowMs = (day + 1) * DAY_MS;
    const tomorrow = await salt.today();
    expect(tomorrow).not.toEqual(today);
    expect(asked.slice(1)).toEqual([{ day: day + 1, keepFromDay: day }]);
    clock.nowMs = (day + 1) * DAY_MS + HOUR_MS - 1;
    await salt.today();
    expect(asked).toHaveLength(2);
    clock.nowMs = (day + 1) * DAY_MS + HOUR_MS;
    expect(await salt.today()).toEqual(tomorrow);
    expect(asked.slice(2)).toEqual([{ day: day + 1, keepFromDay: day + 1 }]);
    await salt.today();
    expect(asked).toHaveLength(3);
  });

  it('fetches the salt ahead, so that midnight works without the registry', async () => {
    const { clock, asked, state, salt } = begin();
    const today = await salt.today();
    clock.nowMs = (day + 1) * DAY_MS - 6 * HOUR_MS - 1;
    await salt.today();
    await setImmediate();
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(await salt.today()).toBe(today);
    await setImmediate();
    await salt.today();
    expect(asked.slice(1)).toEqual([{ day: day + 1, keepFromDay: day }]);

    state.away = true;
    clock.nowMs = (day + 1) * DAY_MS;
    const tomorrow = salt.today();
    expect(tomorrow).toBe(Buffer.alloc(32, (day + 1) % 256).toString('hex'));
    expect(asked).toHaveLength(2);
    // Destroying yesterday's salt fails. It is retried every ten seconds at most, and delays no request.
    clock.advance(HOUR_MS);
    for (let second = 0; second < 20; second++) {
      expect(salt.today()).toBe(tomorrow);
      await setImmediate();
      clock.advance(SECOND_MS);
    }
    await expect(salt.clean()).rejects.toThrow(StoreUnavailable);
    expect(asked.slice(2)).toEqual(Array(3).fill({ day: day + 1, keepFromDay: day + 1 }));
    state.away = false;
    expect(salt.today()).toBe(tomorrow);
    await setImmediate();
    clock.advance(HOUR_MS);
    expect(salt.today()).toBe(tomorrow);
    expect(asked).toHaveLength(6);
  });

  it('fetches the salt again after a failure, and never uses it on another day', async () => {
    const { clock, state, salt } = begin();
    await salt.today();
    state.away = true;
    clock.nowMs = (day + 1) * DAY_MS - HOUR_MS;
    await salt.today();
    await setImmediate();
    state.away = false;
    clock.advance(10 * SECOND_MS);
    await salt.today();
    await setImmediate();
    state.away = true;
    clock.nowMs = (day + 1) * DAY_MS;
    expect(salt.today()).toHaveLength(64);
    // A day later it can no longer be fetched.
    clock.nowMs = (day + 2) * DAY_MS;
    await expect(salt.today()).rejects.toThrow(StoreUnavailable);
  });

  it('fetches the salt ahead even without visitors', async () => {
    const { clock, asked, state, salt } = begin();
    clock.nowMs = (day + 1) * DAY_MS - HOUR_MS;
    await salt.clean();
    expect(asked.at(-1)).toEqual({ day: day + 1, keepFromDay: day });
    state.away = true;
    clock.nowMs = (day + 1) * DAY_MS;
    expect(salt.today()).toHaveLength(64);
  });

  it('fetches the salt again after the registry was down', async () => {
    const { state, salt } = begin();
    state.away = true;
    await expect(salt.today()).rejects.toThrow(StoreUnavailable);
    state.away = false;
    expect(await salt.today()).toHaveLength(64);
  });
});
