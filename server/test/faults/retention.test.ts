import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { removeLeftovers } from '../../src/app/jobs.ts';
import { DAY_MS } from '../../src/domain/clock.ts';
import type { Events, Site } from '../../src/store/contract/store.ts';
import { event, SITE } from '../support/entries.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { type Exit, json, startProgram } from '../support/program.ts';
import { World } from '../support/world.ts';
import { countOf, expectSound, expectSoundHere, ledgerOf, rowCounts, storedPaths } from './support/owner.ts';
import { beaconOf, outcomeOf, post } from './support/pages.ts';

/** Retention deletes old events, but counts stay the same. */

const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const DAYS = 30;
/** Enough events that a sweep takes many commits. */
const SWEPT_EVENTS = 20_000;

/** Creates a folder with two sites that had three events, a leave and a crawler visit on each of the last 30 days. */
async function agedInstallation(): Promise<{ dataDir: string; kept: Site; short: Site }> {
  const world = await World.open();
  onTestFinished(() => world.close());
  const account = await world.addAccount({ plan: 'pro' });
  const [kept, short] = [
    await world.addSite(account, 'kept.example'),
    await world.addSite(account, 'short.example'),
  ];
  const server = await world.serve();
  for (let ago = DAYS; ago >= 1; ago--) {
    world.clock.nowMs = Date.now() - ago * DAY_MS + 60_000;
    for (const site of [kept, short]) {
      const origin = { origin: `https://${site.domain}` };
      for (let i = 0; i < 3; i++)
        expect(outcomeOf(await server.send(beaconOf(site), { headers: origin }))).toBe('stored');
      await server.send(beaconOf(site, { name: 'leave', engaged: 1000 }), { headers: origin });
      await server.send(beaconOf(site), { headers: { ...origin, 'user-agent': CRAWLER } });
    }
  }
  await world.store.events.flush();
  const dataDir = await temporaryFolder();
  cpSync(world.dataDir, dataDir, { recursive: true });
  return { dataDir, kept, short };
}

/** Returns whether a word occurs anywhere in the events file or its log. */
function stands(dataDir: string, word: string): boolean {
  return ['events.db', 'events.db-wal']
    .map((name) => join(dataDir, name))
    .some((file) => existsSync(file) && readFileSync(file).includes(word));
}

/** Returns the number of references to texts that do not exist. */
function danglingTexts(dataDir: string): number {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true, timeout: 5000 });
  const uses = Object.entries({
    events: ['name', 'host', 'path', 'query', 'referrer', 'nav', 'props', 'currency'],
    visits: ['profile', 'entry', 'exit'],
    leaves: ['path', 'vitals'],
    bots: ['crawler', 'host', 'path'],
    facets: ['value'],
    ledger: ['outcome', 'host'],
  }).flatMap(([table, columns]) => columns.map((column) => `SELECT ${column} AS id FROM ${table}`));
  try {
    const row = db
      .prepare(
        `SELECT count(*) AS n FROM (${uses.join(' UNION ALL ')}) WHERE id <> 0 AND id NOT IN (SELECT id FROM texts)`,
      )
      .get();
    return Number(row?.n);
  } finally {
    db.close();
  }
}

/**
 * Ends a server during its sweep of a table, when some of the rows to delete are gone and others are not.
 *
 * @returns how it ended, and whether in time
 */
async function endInSweep(
  dataDir: string,
  table: 'events' | 'texts',
  { signal, stay }: { signal: 'SIGKILL' | 'SIGTERM'; stay: number },
): Promise<Exit & { inside: boolean }> {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true, timeout: 5000 });
  const count = db.prepare(`SELECT count(*) AS n FROM ${table}`);
  const rows = () => Number(count.get()?.n);
  const before = rows();
  const program = startProgram(dataDir, { RETENTION_DAYS: '10' });
  let ended = false;
  program.exit.then(() => {
    ended = true;
  });
  try {
    // A collection of strings begins by adding one.
    while (!ended && rows() >= before) await new Promise((resolve) => setImmediate(resolve));
    program.kill(signal);
    const exit = await program.exit;
    return { ...exit, inside: rows() < before && rows() > stay };
  } finally {
    db.close();
  }
}

describe('retention', () => {
  it('overwrites strings that only deleted events contained, and keeps those of younger events', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const site = await world.addSite(await world.addAccount({ plan: 'pro' }), 'said.example');
    const server = await world.serve();
    const say = async (ago: number, told: { ref: string; coupon: string; search: string }) => {
      world.clock.nowMs = Date.now() - ago * DAY_MS;
      const url = `https://said.example/p${ago}?q=${told.search}`;
      const more = {
        url,
        keep: 'q',
        ref: `https://from.example/${told.ref}`,
        props: { coupon: told.coupon },
      };
      const answer = await server.send(beaconOf(site, more), { headers: { origin: 'https://said.example' } });
      expect(outcomeOf(answer)).toBe('stored');
    };
    const common = { ref: 'common-referrer', coupon: 'common-coupon', search: 'common-search' };
    const old = { ref: 'old-referrer', coupon: 'old-coupon', search: `old-search-${'x'.repeat(1500)}` };
    await say(20, common);
    await say(20, old);
    await say(1, common);
    await world.store.events.flush();
    const dataDir = await temporaryFolder();
    cpSync(world.dataDir, dataDir, { recursive: true });
    const oldWords = ['old-referrer', 'old-coupon', 'old-search'];
    expect(oldWords.map((word) => stands(dataDir, word))).toEqual([true, true, true]);

    const program = startProgram(dataDir, { RETENTION_DAYS: '10' });
    const url = await program.address;
    await until(
      () => oldWords.filter((word) => stands(dataDir, word)),
      (left) => left.length === 0,
    );
    expect(danglingTexts(dataDir)).toBe(0);
    for (const word of ['common-referrer', 'common-coupon', 'common-search'])
      expect(stands(dataDir, word), word).toBe(true);
    // A text that was deleted may be stored again.
    const again = beaconOf(site, { props: { coupon: 'old-coupon' } });
    expect(outcomeOf(await post(url, again, { origin: 'https://said.example' }))).toBe('stored');
    program.kill('SIGTERM');
    await program.exit;
    expect(stands(dataDir, 'old-coupon')).toBe(true);
    expect(danglingTexts(dataDir)).toBe(0);
    expect(countOf(dataDir, site.id)).toBe(4);
    await expectSound(dataDir);
  });

  it('deletes everything of a removed site but its counts, even if the removal was interrupted', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const account = await world.addAccount({ plan: 'pro' });
    const [gone, stays] = [
      await world.addSite(account, 'gone.example'),
      await world.addSite(account, 'stays.example'),
    ];
    const server = await world.serve();
    const say = async (site: Site, ago: number, path: string, told: string) => {
      world.clock.nowMs = Date.now() - ago * DAY_MS;
      const more = {
        url: `https://${site.domain}/${path}`,
        ref: `https://${told}.example/`,
        props: { told },
      };
      const headers = { origin: `https://${site.domain}` };
      expect(outcomeOf(await server.send(beaconOf(site, more), { headers }))).toBe('stored');
    };
    await say(gone, 9, 'old-page', 'old-words');
    await say(gone, 3, 'young-page', 'young-words');
    await say(gone, 3, 'common-page', 'common-words');
    await say(stays, 3, 'common-page', 'common-words');
    // Only rollups remain of the oldest day; they refer to its pages and sources.
    await world.store.events.expire([{ siteId: gone.id, beforeMs: Date.now() - 5 * DAY_MS }]);
    const words = ['old-page', 'old-words', 'young-page', 'young-words'];
    const dataDir = await temporaryFolder();
    await world.store.events.flush();
    // The state after a kill: the site is removed from the registry, and nothing else has happened.
    await world.store.registry.removeSite(gone.id);
    cpSync(world.dataDir, dataDir, { recursive: true });
    const counted = { rows: rowCounts(dataDir), ledger: ledgerOf(dataDir, gone.id) };
    expect(words.filter((word) => stands(dataDir, word))).toEqual(words);
    expect(counted).toMatchObject({ ledger: { stored: 3 }, rows: { events: 3, counters: 3 } });

    const program = startProgram(dataDir);
    await program.address;
    await until(
      () => words.filter((word) => stands(dataDir, word)),
      (left) => left.length === 0,
    );
    expect(rowCounts(dataDir)).toMatchObject({ events: 1, visits: 1, sealed_days: 1, counters: 3 });
    expect(danglingTexts(dataDir)).toBe(0);
    expect(stands(dataDir, 'common-page') && stands(dataDir, 'common-words')).toBe(true);
    expect(countOf(dataDir, gone.id), 'counts stay').toBe(3);
    expect(ledgerOf(dataDir, gone.id)).toEqual(counted.ledger);
    expect(storedPaths(dataDir, stays.id)).toEqual(['/common-page']);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    await expectSound(dataDir);
  });

  it('writes nothing for removed sites without data, and deletes what arrives later', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { registry, events } = world.store;
    const account = await world.addAccount({ plan: 'pro' });
    const sites: Site[] = [];
    for (let i = 0; i < 250; i++) sites.push(await world.addSite(account, `s${i}.example`));
    const comes = async (...places: number[]) => {
      for (const place of places)
        expect(await events.append(event({ siteId: sites[place]?.id ?? '' }))).toBe('stored');
    };
    const asked: string[] = [];
    const recorded: Pick<Events, 'holding' | 'remove'> = {
      holding: (siteIds) => events.holding(siteIds),
      remove(siteId, signal) {
        asked.push(siteId);
        return events.remove(siteId, signal);
      },
    };
    const clean = () => removeLeftovers({ registry, events: recorded }, new AbortController().signal);
    const idsOf = (...places: number[]) => places.map((place) => sites[place]?.id).sort();

    await comes(0, 7, 249, 249);
    for (const { id } of sites.slice(1)) await registry.removeSite(id);
    expect(await clean()).toBe(3);
    expect(asked).toEqual(idsOf(7, 249));
    expect(await clean()).toBe(0);
    expect(asked).toHaveLength(2);

    // Long afterwards, from a collector that was unavailable, or from a backup.
    await comes(3, 7);
    expect(await clean()).toBe(2);
    expect(asked.slice(2)).toEqual(idsOf(3, 7));
    expect(storedPaths(world.dataDir, sites[0]?.id ?? '')).toEqual(['/']);
    expect(await clean()).toBe(0);
    expect(asked).toHaveLength(4);
    await expectSoundHere(world.dataDir);
  });

  it('leaves nothing half-done if it is stopped during a sweep, and finishes the next time', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const site = await world.addSite(await world.addAccount({ plan: 'pro' }), 'swept.example');
    const receivedAtMs = Date.now() - 20 * DAY_MS;
    const said = Array.from({ length: SWEPT_EVENTS }, (_, i) =>
      event({ siteId: site.id, receivedAtMs, visitor: BigInt(i), props: { said: `swept-word-${i}` } }),
    );
    for (let i = 0; i < said.length; i += 5_000)
      await Promise.all(said.slice(i, i + 5_000).map((entry) => world.store.events.append(entry)));
    await world.store.close();
    const ledger = ledgerOf(world.dataDir, site.id);
    expect(ledger).toEqual({ stored: SWEPT_EVENTS });

    const copied = async () => {
      const folder = await temporaryFolder();
      cpSync(world.dataDir, folder, { recursive: true });
      return folder;
    };
    let dataDir = await copied();
    for (const table of ['events', 'texts'] as const) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        // If a sweep ends too soon to observe, another copy is tried.
        let inside = false;
        for (let tries = 0; tries < 5 && !inside; tries++) {
          if (tries > 0) dataDir = await copied();
          const end = await endInSweep(dataDir, table, { signal, stay: 50 });
          expect(end).toMatchObject(signal === 'SIGTERM' ? { code: 0, signal: null } : { signal });
          inside = end.inside;
          expect(countOf(dataDir, site.id)).toBe(SWEPT_EVENTS);
          expect(ledgerOf(dataDir, site.id)).toEqual(ledger);
          expect(danglingTexts(dataDir)).toBe(0);
          await expectSoundHere(dataDir);
        }
        expect({ table, signal, inside }).toEqual({ table, signal, inside: true });
      }
    }

    const program = startProgram(dataDir, { RETENTION_DAYS: '10' });
    const url = await program.address;
    await until(
      () => stands(dataDir, 'swept-word-'),
      (there) => !there,
    );
    expect(rowCounts(dataDir)).toMatchObject({ events: 0, visits: 0 });
    expect(outcomeOf(await post(url, beaconOf(site), { origin: 'https://swept.example' }))).toBe('stored');
    expect(countOf(dataDir, site.id)).toBe(SWEPT_EVENTS + 1);
    await expectSound(dataDir);
  });

  it('keeps a string that is used again during collection', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { events } = world.store;
    const send = async (coupon: string) =>
      expect(await events.append(event({ props: { coupon } }))).toBe('stored');
    const coupons = Array.from({ length: 200 }, (_, i) => `coupon-${i}`);
    for (const coupon of coupons) await send(coupon);
    await events.expire([{ siteId: SITE, beforeMs: Number.MAX_SAFE_INTEGER }]);
    const collecting = events.collectTexts?.(new AbortController().signal);
    for (const coupon of coupons.slice(0, 50)) await send(coupon);
    expect(await collecting).toBeGreaterThan(0);
    for (const coupon of coupons.slice(0, 100)) await send(coupon);
    expect(danglingTexts(world.dataDir)).toBe(0);
  });

  it('deletes events without changing counts, by the server default and by the setting of a site', async () => {
    const { dataDir, kept, short } = await agedInstallation();
    const counted = { kept: countOf(dataDir, kept.id), short: countOf(dataDir, short.id) };
    expect(counted).toEqual({ kept: 3 * DAYS, short: 3 * DAYS });
    const ledgers = [ledgerOf(dataDir, kept.id), ledgerOf(dataDir, short.id)];
    const { leaves, bots } = rowCounts(dataDir);

    await json(dataDir, ['site', 'retention', '--site', short.id, '--days', '5']);
    const program = startProgram(dataDir, { RETENTION_DAYS: '20' });
    const url = await program.address;
    await until(
      () => [storedPaths(dataDir, kept.id).length, storedPaths(dataDir, short.id).length],
      ([keptRows, shortRows]) => keptRows === 3 * 20 && shortRows === 3 * 5,
    );
    expect({ kept: countOf(dataDir, kept.id), short: countOf(dataDir, short.id) }).toEqual(counted);
    expect([ledgerOf(dataDir, kept.id), ledgerOf(dataDir, short.id)]).toEqual(ledgers);
    expect(rowCounts(dataDir)).toMatchObject({ leaves: 25, bots: 25 });
    expect({ leaves, bots }).toEqual({ leaves: 2 * DAYS, bots: 2 * DAYS });
    await expectSound(dataDir);

    // New events add to the count.
    expect(outcomeOf(await post(url, beaconOf(short), { origin: 'https://short.example' }))).toBe('stored');
    expect(countOf(dataDir, short.id)).toBe(counted.short + 1);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    await expectSound(dataDir);
  });

  it('deletes nothing when it is off', async () => {
    const { dataDir, kept } = await agedInstallation();
    const program = startProgram(dataDir);
    const url = await program.address;
    expect(outcomeOf(await post(url, beaconOf(kept), { origin: 'https://kept.example' }))).toBe('stored');
    program.kill('SIGTERM');
    await program.exit;
    expect(storedPaths(dataDir, kept.id)).toHaveLength(3 * DAYS + 1);
    await expectSound(dataDir);
  });
});
