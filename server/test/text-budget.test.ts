import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { balance } from '../src/app/ledger.ts';
import { DAY_MS, SECOND_MS, utcDay } from '../src/domain/clock.ts';
import type { EventEntry, Store, TextLimits } from '../src/store/contract/store.ts';
import { openStore } from '../src/store/open.ts';
import { EVENT_TEXT_BYTES, TextBudgets } from '../src/store/shared/text-budget.ts';
import { NOON_MS } from './support/clock.ts';
import { event, SITE } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';
import { World } from './support/world.ts';

/** How much text a site may store per day, so that nobody can fill the disk with its public key. */

const MIB = 1024 ** 2;
const OTHER = '(other)';
const ALL_DAYS = { firstDay: 0, lastDay: utcDay(NOON_MS) + 10 };

function open(dataDir: string, textLimits: TextLimits): Promise<Store> {
  return openStore({
    dataDir,
    textLimits,
    onBroken: (error) => {
      throw error;
    },
  });
}

let unique = 0;

/** A text of this length that was never sent before, and that no compression makes much shorter. */
function newText(chars: number): string {
  let text = `${++unique}-`;
  while (text.length < chars) text += Math.random().toString(36).slice(2);
  return text.slice(0, chars);
}

async function ledgerOf({ events }: Store, siteId = SITE) {
  await events.flush();
  return balance(await events.ledger(siteId, ALL_DAYS));
}

/** Returns a site's events, newest first. */
async function newestEvents({ events }: Store, siteId: string) {
  return (await events.page(siteId, { limit: 10 })).events;
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

describe('ten minutes of an attack with a public key', () => {
  // All at one five-hundredth of the defaults: rate, burst and both limits.
  const SCALE = 500;
  const RATE = 1_000 / SCALE;
  const BURST = 5_000 / SCALE;
  const LIMITS = { texts: 1_000_000 / SCALE, bytes: Math.round((1024 * MIB) / SCALE) };
  const SECONDS = 600;
  /** The seconds whose events are sent at once. */
  const STEP_SECONDS = 3;
  /** The events of a request, which has at most 64 KiB. */
  const BATCH = 6;
  /** What an event takes besides its text: rows, indexes and deduplication keys. */
  const EVENT_BYTES = 250;
  /** What text takes in the file, as a multiple: pages of long texts are not full. */
  const PAGES = 1.1;
  /** The size of an empty data folder. */
  const EMPTY_BYTES = MIB / 4;

  it('takes no more of the disk than the limit and a fixed amount per event, and counts every event', async () => {
    const world = await World.open({ textLimits: LIMITS });
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve({ settings: { SITE_RATE: String(RATE), SITE_BURST: String(BURST) } });
    let sentBytes = 0;
    const attack = () => {
      const beacon = {
        key: site.key,
        id: newText(20),
        name: newText(64),
        url: `https://example.com/${newText(1_800)}?utm_source=${newText(64)}&utm_campaign=${newText(120)}`,
        ref: `https://${newText(8)}.example/${newText(480)}`,
        props: Object.fromEntries(Array.from({ length: 8 }, () => [newText(60), newText(500)])),
      };
      sentBytes += JSON.stringify(beacon).length;
      return beacon;
    };
    let counted = 0;
    const sendAllowed = async (events: number) => {
      for (let left = events; left > 0; left -= BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, left) }, attack);
        const { headers } = await server.send(batch);
        counted += String(headers['x-attractos-outcome'])
          .split(', ')
          .filter((each) => each === 'stored').length;
      }
    };
    await sendAllowed(BURST);
    for (let second = 0; second < SECONDS; second += STEP_SECONDS) {
      world.clock.advance(STEP_SECONDS * SECOND_MS);
      await sendAllowed(RATE * STEP_SECONDS);
    }
    expect(counted).toBe(BURST + RATE * SECONDS);

    const { events } = world.store;
    const { accepted, shortened, received } = await ledgerOf(world.store, site.id);
    expect({ accepted, received }).toEqual({ accepted: counted, received: counted });
    expect(await events.countBySite([site.id], ALL_DAYS)).toEqual(new Map([[site.id, counted]]));
    expect(shortened).toBeGreaterThan(counted / 2);
    expect(await events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });

    await world.store.close();
    const allowedBytes = LIMITS.bytes * PAGES + counted * (EVENT_BYTES + EVENT_TEXT_BYTES) + EMPTY_BYTES;
    expect(bytesIn(world.dataDir)).toBeLessThan(allowedBytes);
    expect(sentBytes, 'the attack was larger').toBeGreaterThan(2 * allowedBytes);
  }, 60_000);
});

describe('a site beyond its limit of different texts', () => {
  const LIMITS = { texts: 100, bytes: MIB };

  /** Stores events with a new page each until new pages are replaced. */
  async function exhaust(store: Store, more: Partial<EventEntry> = {}): Promise<void> {
    for (let n = 0; n < 60; n++) await store.events.append(event({ path: `/new-${++unique}`, ...more }));
    await store.events.append(event({ path: '/popular', ...more }));
    for (let n = 0; n < 60; n++) await store.events.append(event({ path: `/new-${++unique}`, ...more }));
  }

  it('keeps the texts that it had that day, and replaces new ones until the next day', async () => {
    const store = await open(await temporaryFolder(), LIMITS);
    onTestFinished(() => store.close());
    await exhaust(store);
    const storeOne = async (more: Partial<EventEntry>) => {
      await store.events.append(event({ host: 'example.com', ...more }));
      const [newest] = await newestEvents(store, SITE);
      return newest;
    };
    expect(await storeOne({ path: '/popular' })).toMatchObject({ path: '/popular', host: 'example.com' });
    expect(
      await storeOne({
        ...{ path: '/never-seen', name: 'Sign-up', referrer: 'a.example/b', source: 'a.example' },
        ...{ campaign: 'May', utmTerm: 'shoes', props: { plan: 'pro' }, value: 12, currency: 'EUR' },
      }),
    ).toMatchObject({
      ...{ path: OTHER, name: OTHER, host: 'example.com', referrer: OTHER, props: { [OTHER]: true } },
      ...{ value: 12, currency: 'EUR' },
    });
    const another = event({ siteId: 'site_another', path: '/never-seen-2' });
    await store.events.append(another);
    expect(await newestEvents(store, another.siteId)).toMatchObject([{ path: '/never-seen-2' }]);
    expect(await storeOne({ path: '/tomorrow', receivedAtMs: NOON_MS + DAY_MS })).toMatchObject({
      path: '/tomorrow',
    });
  });

  it('does not count a duplicate as shortened', async () => {
    const store = await open(await temporaryFolder(), LIMITS);
    onTestFinished(() => store.close());
    await exhaust(store);
    const { shortened: before } = await ledgerOf(store);
    for (let n = 0; n < 3; n++) await store.events.append(event({ id: 'same', path: '/x-1' }));
    expect(await ledgerOf(store)).toMatchObject({ shortened: before + 1, duplicate: 2 });
  });
});

describe('a site beyond its limit of bytes', () => {
  const LIMITS = { texts: 10_000, bytes: 64 * 1024 };

  async function exhaust(store: Store): Promise<void> {
    for (let n = 0; n < 40; n++)
      await store.events.append(event({ path: '/long', props: { long: newText(4_000) } }));
  }

  it('keeps short texts, known or new, and replaces long ones', async () => {
    const store = await open(await temporaryFolder(), LIMITS);
    onTestFinished(() => store.close());
    await exhaust(store);
    await store.events.append(event({ path: '/short', name: 'Sign-up', props: { long: newText(4_000) } }));
    expect((await newestEvents(store, SITE))[0]).toMatchObject({
      ...{ path: '/short', name: 'Sign-up', props: { [OTHER]: true } },
    });
    await store.events.append(event({ path: '/short', props: { plan: 'pro' } }));
    expect((await newestEvents(store, SITE))[0]).toMatchObject({ path: '/short', props: { plan: 'pro' } });
  });

  it('stays beyond it after a restart', async () => {
    const dataDir = await temporaryFolder();
    const first = await open(dataDir, LIMITS);
    await exhaust(first);
    await first.close();
    const second = await open(dataDir, LIMITS);
    onTestFinished(() => second.close());
    for (let n = 0; n < 3; n++) await second.events.append(event({ props: { long: newText(4_000) } }));
    const newest = (await newestEvents(second, SITE)).slice(0, 2);
    expect(newest).toMatchObject([{ props: { [OTHER]: true } }, { props: { [OTHER]: true } }]);
  });
});

describe('the texts in memory', () => {
  it('are remembered for a large site, also while made-up texts flood other sites', () => {
    const budgets = new TextBudgets({ texts: 100, bytes: MIB }, [], { maxKnownTexts: 60 });
    const isWhole = (siteId: string, path: string) => {
      const entry = event({ siteId, path });
      return budgets.fit(entry) === entry;
    };
    for (const siteId of ['flooded', 'flooded, too'])
      for (let n = 0; n < 200; n++) isWhole(siteId, `/new-${n}`);
    const shortened = Array.from({ length: 1_000 }, (_, n) => `/page-${n % 10}`).filter(
      (path) => !isWhole('large', path),
    );
    expect(shortened).toEqual([]);
  });
});

describe('the default limits', () => {
  it('leave a large site as it is: 400,000 events on 20,000 pages', () => {
    const budgets = new TextBudgets({ texts: 1_000_000, bytes: 1024 * MIB });
    for (let n = 0; n < 400_000; n++) {
      const entry = event({
        path: `/articles/2026/a-title-of-the-usual-length-${n % 20_000}`,
        referrer: `search-${n % 50}.example/results`,
        source: `search-${n % 50}.example`,
      });
      if (budgets.fit(entry) !== entry) throw new Error(`event ${n} was shortened`);
    }
  });
});
