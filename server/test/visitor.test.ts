import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DailySalt, truncateAddress, visitorHash } from '../src/collect/visitor.ts';
import { DAY_MS, HOUR_MS, SECOND_MS, utcDay } from '../src/domain/clock.ts';
import { Agents } from '../src/domain/user-agents/read-agent.ts';
import { StoreUnavailable } from '../src/store/contract/store.ts';
import { TestClock } from './support/clock.ts';
import { BROWSER } from './support/world.ts';

describe('a truncated address', () => {
  it.each([
    { name: 'IPv4: the last byte goes', address: '203.0.113.77', is: '203.0.113' },
    { name: 'IPv4 mapped into IPv6 is the same', address: '::ffff:203.0.113.77', is: '203.0.113' },
    { name: 'the same in upper case', address: '::FFFF:203.0.113.77', is: '203.0.113' },
    { name: 'IPv6: 48 bits stay', address: '2001:db8:cafe:77:1:2:3:4', is: '2001:db8:cafe' },
    { name: 'shortened', address: '2001:db8:cafe::1', is: '2001:db8:cafe' },
    { name: 'shortened early', address: '2001::1', is: '2001:0:0' },
    { name: 'written otherwise', address: '2001:0DB8:00aa:0::', is: '2001:db8:aa' },
    { name: 'loopback', address: '::1', is: '0:0:0' },
    { name: 'with a zone', address: 'fe80::1%eth0', is: 'fe80:0:0' },
    { name: 'no address at all: it stays what it is', address: 'unknown', is: 'unknown' },
    { name: 'nothing', address: '', is: '' },
  ])('$name', ({ address, is }) => expect(truncateAddress(address)).toBe(is));

  it('never distinguishes households', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(255), (address, last) => {
        const neighbor = address.replace(/\d+$/, String(last));
        expect(truncateAddress(neighbor)).toBe(truncateAddress(address));
      }),
    );
    const group = fc.nat(0xffff).map((number) => number.toString(16));
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 3, maxLength: 3 }),
        fc.array(group, { minLength: 5, maxLength: 5 }),
        (net, host) => {
          const zeros = Array<string>(5).fill('0');
          expect(truncateAddress([...net, ...host].join(':'))).toBe(
            truncateAddress([...net, ...zeros].join(':')),
          );
        },
      ),
    );
  });
});

function familyOf(userAgent: string): string {
  return new Agents().of(userAgent).family;
}

describe("a visitor's hash", () => {
  const salt = '07'.repeat(32);
  const who = {
    siteId: 'site_a',
    host: 'example.com',
    address: '203.0.113.77',
    agentFamily: familyOf(BROWSER),
  };
  const known = visitorHash(salt, who);

  it('makes a hash that is a signed 64-bit number', () => {
    expect(typeof known).toBe('bigint');
    expect(BigInt.asIntN(64, known)).toBe(known);
  });

  it('makes the same hash for a visitor, a neighbor in the same network, and an updated browser', () => {
    expect(visitorHash(salt, { ...who })).toBe(known);
    expect(visitorHash(salt, { ...who, address: '203.0.113.1' })).toBe(known);
    expect(
      visitorHash(salt, { ...who, agentFamily: familyOf(BROWSER.replace('140.0.0.0', '141.0.1.2')) }),
    ).toBe(known);
  });

  it.each([
    { name: 'another day: another salt', other: visitorHash('08'.repeat(32), who) },
    { name: 'another site', other: visitorHash(salt, { ...who, siteId: 'site_b' }) },
    { name: 'another host', other: visitorHash(salt, { ...who, host: 'www.example.com' }) },
    { name: 'another network', other: visitorHash(salt, { ...who, address: '203.0.114.77' }) },
    {
      name: 'another browser',
      other: visitorHash(salt, { ...who, agentFamily: familyOf('Mozilla/5.0 Firefox/140.0') }),
    },
    {
      name: 'parts shifted into each other',
      other: visitorHash(salt, { ...who, siteId: 'site_ae', host: 'xample.com' }),
    },
  ])('differs for $name', ({ other }) => expect(other).not.toBe(known));
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
