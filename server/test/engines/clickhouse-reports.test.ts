import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DAY_MS, utcDay } from '../../src/domain/clock.ts';
import { type Entry, type Store, StoreUnavailable } from '../../src/store/contract/store.ts';
import { Database } from '../../src/store/drivers/postgres.ts';
import { inspect } from '../../src/store/offline/inspect.ts';
import { moveStore } from '../../src/store/offline/move.ts';
import { openStore } from '../../src/store/open.ts';
import { PostgresGenerations } from '../../src/store/scale-out/counts/generations.ts';
import { describeAnswers, describeReports, type ReportingEngine } from '../reports-contract.ts';
import { describeRollUps } from '../roll-up-contract.ts';
import { NOON_MS } from '../support/clock.ts';
import { type ChdbServer, hasChdb, startChdb } from '../support/engines/chdb.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { bot, event, leave, SITE } from '../support/entries.ts';
import { linkTo } from '../support/link.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { makeDatabases, nameIn, openCurrent, shippedOn } from '../support/shipped.ts';

/** Reports of the scale-out shape, which need a current ClickHouse: answers from generations of sealed days, and from open days. */

const START_DEADLINE_MS = 300_000;
/** chDB runs one statement at a time, and a test takes hundreds. */
const LIMIT_MS = 300_000;
const DAY = utcDay(NOON_MS);
const SCOPE = { siteId: SITE, fromMs: DAY * DAY_MS, toMs: (DAY + 1) * DAY_MS, filters: [] };
const OTHER_SITE = 'site_other';
const RELATIONS = ['events', 'bots', 'rollups', 'quarter_hours'] as const;

/** More than the events from which a day that is not over has generations. */
const LARGE = 100_000;

let chdb: ChdbServer;

beforeAll(async () => {
  if (hasChdb) chdb = await startChdb();
}, START_DEADLINE_MS);

describe.skipIf(!hasChdb || !hasPostgres)('reports of ClickHouse 26.7', { timeout: LIMIT_MS }, () => {
  const engine: ReportingEngine = {
    ...{ name: 'generations', open: shippedOn(() => chdb.createDatabase()) },
    worlds: [{ seed: 8, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 120, visitors: 9, clockSteps: 0 }],
    spans: 4,
    byReceipt: true,
    // Reports of a day end when retention deletes its rows, as those of an open day do.
    outlivesRetention: false,
  };
  describeReports(engine);
  describeAnswers(engine);
  describeRollUps(engine);
});

describe.skipIf(!hasChdb || !hasPostgres)('reports of a site without counted events', () => {
  async function openThrough(clickhouse: string): Promise<Store> {
    const postgres = (await sharedPostgres()).createDatabase();
    const store = await openStore({
      dataDir: await temporaryFolder(),
      databases: { postgres, clickhouse },
      onBroken: () => undefined,
    });
    onTestFinished(() => store.close());
    return store;
  }

  it('are unavailable while the server is down, since collectors may hold events', async () => {
    const link = await linkTo(Number(new URL(chdb.address).port));
    onTestFinished(() => link.close());
    const through = new URL(await chdb.createDatabase());
    through.port = String(link.port);
    const store = await openThrough(through.href);
    expect(await store.reports.totals(SCOPE)).toMatchObject({ events: 0 });
    link.cut();
    await store.events.append(event());
    await expect(store.reports.totals(SCOPE)).rejects.toThrow(StoreUnavailable);
    link.mend();
    await until(
      () => store.reports.totals(SCOPE).catch(() => null),
      (totals) => totals?.events === 1,
    );
  });

  it('are unavailable while the table is not the expected one', async () => {
    const clickhouse = await chdb.createDatabase();
    await chdb.sql(`CREATE TABLE ${nameIn(clickhouse)}.attractos_entries (site_id String) ENGINE = Memory`);
    const store = await openThrough(clickhouse);
    await expect(store.reports.totals(SCOPE)).rejects.toThrow(/attractos_entries .* is a Memory/);
  });
});

describe.skipIf(!hasChdb || !hasPostgres)('generations of a day', () => {
  async function opened() {
    const databases = await makeDatabases(() => chdb.createDatabase());
    const [inClickHouse, server] = [nameIn(databases.clickhouse), await sharedPostgres()];
    const store = await openCurrent(await temporaryFolder(), databases);
    onTestFinished(() => store.close());
    return {
      store,
      databases,
      seal: () => store.reports.sealDaysBefore(DAY + 1),
      totals: (siteId = SITE) => store.reports.totals({ ...SCOPE, siteId }),
      /** Runs SQL on ClickHouse. `TABLE_name` stands for the table of entries or of a relation. */
      clickhouse: (text: string) =>
        chdb.sql(
          text
            .replaceAll('TABLE_entries', `${inClickHouse}.attractos_entries`)
            .replaceAll(/TABLE_(\w+)/g, `${inClickHouse}.attractos_day_$1`),
        ),
      sql: (text: string) => server.sql(nameIn(databases.postgres), text),
    };
  }

  type Opened = Awaited<ReturnType<typeof opened>>;

  const inForce = ({ sql }: Opened) =>
    sql(
      'SELECT site_id, generation FROM event_generations WHERE generation IS NOT NULL AND changed_from IS NULL ORDER BY 1',
    );
  /** Counts the rows in the tables, whether anybody reads them or not. */
  const stored = async ({ clickhouse }: Opened) =>
    Promise.all(RELATIONS.map(async (name) => Number(await clickhouse(`SELECT count() FROM TABLE_${name}`))));
  /** Deletes entries behind the product's back, so that only generations can still answer. */
  const deleteEntries = ({ clickhouse }: Opened) =>
    clickhouse('DELETE FROM TABLE_entries WHERE 1 SETTINGS lightweight_deletes_sync = 2');

  const at = (minute: number) => NOON_MS + minute * 60_000;
  const traffic: readonly Entry[] = [
    event({ receivedAtMs: at(0), path: '/a', channel: 'ai', props: { plan: 'pro' } }),
    event({ receivedAtMs: at(1), path: '/b' }),
    leave({ receivedAtMs: at(2), path: '/b', engagedMs: 4_000 }),
    event({ receivedAtMs: at(45), path: '/a' }),
    event({ receivedAtMs: at(3), visitor: 2n, name: 'signup' }),
    bot({ receivedAtMs: at(4) }),
  ];
  const EXPECTED = {
    visitors: 2,
    visits: 3,
    events: 4,
    pageviews: 3,
    bounces: 1,
    engagedMs: 4_000,
    botVisits: 1,
  };

  async function filled(): Promise<Opened> {
    const world = await opened();
    await appendAll(world.store, traffic);
    return world;
  }

  async function appendAll(store: Store, entries: readonly Entry[]): Promise<void> {
    await Promise.all(entries.map((entry) => store.events.append(entry)));
  }

  it('of an earlier release are made again, and reports read the entries until then', async () => {
    const world = await filled();
    const paid = { name: 'paid', value: 9.5, currency: 'EUR', language: 'de', visitor: 3n };
    await world.store.events.append(event({ ...paid, receivedAtMs: at(5) }));
    expect(await world.seal()).toBe(1);
    const languages = async () =>
      (await world.store.reports.breakdown(SCOPE, 'language', { limit: 9 })).rows.map(
        ({ value, visitors }) => [value, visitors],
      );
    const before = { totals: await world.totals(), languages: await languages() };
    expect(before.languages).toEqual([
      [null, 2],
      ['de', 1],
    ]);
    const [counted] = await stored(world);
    // As that release left it.
    await world.sql('UPDATE event_generations SET complete = NULL');
    for (const column of ['language', 'value', 'currency'])
      await world.clickhouse(
        `ALTER TABLE TABLE_events UPDATE ${column} = NULL WHERE 1 SETTINGS mutations_sync = 2`,
      );
    expect({ totals: await world.totals(), languages: await languages() }).toEqual(before);
    expect(await world.seal()).toBe(1);
    expect((await stored(world))[0]).toBe(2 * (counted ?? 0));
    await deleteEntries(world);
    expect({ totals: await world.totals(), languages: await languages() }).toEqual(before);
  });

  it('answer for all sites of the day without an entry being read', async () => {
    const world = await filled();
    await appendAll(world.store, [event({ siteId: OTHER_SITE })]);
    expect(await world.totals()).toMatchObject(EXPECTED);
    expect(await world.seal()).toBe(2);
    expect(inForce(world)).toBe(`${SITE}|1\n${OTHER_SITE}|1`);
    await deleteEntries(world);
    expect(await world.totals()).toMatchObject(EXPECTED);
    expect(await world.totals(OTHER_SITE)).toMatchObject({ visitors: 1, events: 1 });
    expect(
      await world.store.reports.totals({
        ...SCOPE,
        filters: [{ by: 'prop:plan', values: ['pro'], negated: false }],
      }),
    ).toMatchObject({ events: 1, visits: 1, referrals: 1 });
    expect(await world.seal()).toBe(0);
  });

  it.each([
    [
      'an event',
      event({ receivedAtMs: at(46), path: '/late' }),
      { ...EXPECTED, events: 5, pageviews: 4, bounces: 0 },
    ],
    [
      'the end of a view',
      leave({ receivedAtMs: at(46), view: 9n, engagedMs: 20_000 }),
      { ...EXPECTED, engagedMs: 24_000, bounces: 0 },
    ],
    ['a crawler', bot({ receivedAtMs: at(46) }), { ...EXPECTED, botVisits: 2 }],
  ])('do not hold any more once %s arrives late', async (_, late, expected) => {
    const world = await filled();
    await world.seal();
    await appendAll(world.store, [late]);
    expect(await world.totals()).toMatchObject(expected);
    expect(inForce(world)).toBe('');
    expect(await world.seal()).toBe(1);
    expect(inForce(world)).toBe(`${SITE}|2`);
    await deleteEntries(world);
    expect(await world.totals()).toMatchObject(expected);
  });

  it('are not read if the process ends between making and naming them', async () => {
    const world = await filled();
    await world.totals();
    world.sql(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'the process ended'; END; $$;
      CREATE TRIGGER fail BEFORE UPDATE OF generation ON event_generations
      FOR EACH ROW WHEN (NEW.generation IS NOT NULL) EXECUTE FUNCTION fail()`);
    await expect(world.seal()).rejects.toThrow('the process ended');
    const orphans = await stored(world);
    expect(orphans.every((rows) => rows > 0)).toBe(true);
    expect(inForce(world)).toBe('');
    expect(await world.totals()).toMatchObject(EXPECTED);
    world.sql('DROP TRIGGER fail ON event_generations');

    expect(await world.seal(), 'it may still be under way elsewhere').toBe(0);
    world.sql("UPDATE event_generations SET making_since = making_since - interval '61 minutes'");
    expect(await world.seal()).toBe(1);
    expect(inForce(world)).toBe(`${SITE}|2`);
    expect(await world.totals()).toMatchObject(EXPECTED);
    expect(await stored(world)).toEqual(orphans.map((rows) => 2 * rows));

    world.sql("UPDATE event_generation_leftovers SET since = since - interval '121 minutes'");
    await world.seal();
    expect(await stored(world)).toEqual(orphans);
    expect(world.sql('SELECT count(*) FROM event_generation_leftovers')).toBe('0');
    await deleteEntries(world);
    expect(await world.totals()).toMatchObject(EXPECTED);
  });

  it('are not named if the day changes while they are made, or if they are not what is counted', async () => {
    const world = await filled();
    await world.totals();
    const db = new Database(world.databases.postgres);
    onTestFinished(() => db.close());
    const generations = new PostgresGenerations(db);
    const rows = { events: 4, bots: 1, rollups: 1, quarter_hours: 1 };
    const commit = async (change: () => Promise<unknown>, made = rows) => {
      world.sql("UPDATE event_generations SET making_since = making_since - interval '61 minutes'");
      const begun = await generations.begin(DAY + 1);
      if (begun === null) throw new Error('the day is due');
      await change();
      return generations.commit(begun, [{ siteId: SITE, day: DAY, rows: made }]);
    };
    const nothing = async () => undefined;
    expect(await commit(nothing, { ...rows, events: 3 })).toBe(0);
    expect(await commit(nothing, { ...rows, bots: 2 })).toBe(0);
    // The mark of the leave is reconciled before the commit.
    const late = leave({ receivedAtMs: at(46), engagedMs: 1 });
    expect(
      await commit(async () => {
        await appendAll(world.store, [late]);
        await world.totals();
      }),
    ).toBe(0);
    expect(
      await commit(async () => {
        const other = await generations.begin(DAY + 1);
        expect(other, 'two at once').toBe(null);
      }),
    ).toBe(1);
  });

  it('are made anew if a server has lost their rows', async () => {
    const world = await filled();
    await world.seal();
    await world.clickhouse(
      "DELETE FROM TABLE_rollups WHERE dimension = 'page' SETTINGS lightweight_deletes_sync = 2",
    );
    const { rows } = await world.store.reports.breakdown(SCOPE, 'page', { limit: 10 });
    expect(rows.map(({ value, events }) => [value, events])).toEqual([
      ['/a', 2],
      ['/', 1],
      ['/b', 1],
    ]);
    expect(inForce(world)).toBe('');
    expect(await world.seal()).toBe(1);
    expect(inForce(world)).toBe(`${SITE}|2`);
  });

  it('are looked for again minutes after a server had their rows', async () => {
    const world = await filled();
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await world.seal();
    expect(await world.totals()).toMatchObject(EXPECTED);
    await world.clickhouse('DELETE FROM TABLE_quarter_hours WHERE 1 SETTINGS lightweight_deletes_sync = 2');
    vi.advanceTimersByTime(5 * 60_000);
    expect(await world.totals()).toMatchObject(EXPECTED);
    expect(inForce(world)).toBe('');
  });

  it('are audited, each with its own rows and counts', async () => {
    const world = await filled();
    await appendAll(world.store, [event({ siteId: OTHER_SITE })]);
    await world.seal();
    // The other site's day has rows of two generations now.
    await appendAll(world.store, [event({ siteId: OTHER_SITE, receivedAtMs: at(1) })]);
    await world.totals(OTHER_SITE);
    await world.seal();
    const audited = async () =>
      (await inspect({ dataDir: await temporaryFolder(), databases: world.databases })).audit?.rollups;
    expect(await audited()).toEqual([]);

    await world.clickhouse(
      `DELETE FROM TABLE_rollups WHERE site = '${SITE}' AND dimension = 'bot' SETTINGS lightweight_deletes_sync = 2`,
    );
    world.sql(`UPDATE event_counters SET events = events + 1 WHERE site_id = '${OTHER_SITE}'`);
    expect(await audited()).toEqual([
      {
        siteId: SITE,
        day: DAY,
        what: 'rollups in generation 1',
        kept: expect.any(Number),
        rows: expect.any(Number),
      },
      { siteId: OTHER_SITE, day: DAY, what: 'events in generation 2', kept: 2, rows: 3 },
    ]);
  });

  it('of a large open day are made for a report, and only visitors with newer entries are made anew', async () => {
    const world = await filled();
    await world.totals();
    const made = () => world.sql('SELECT generation FROM event_generations');
    expect(made(), 'small').toBe('');
    world.sql(`UPDATE event_counters SET events = events + ${LARGE}`);
    await Promise.all([world.totals(), world.totals()]);
    world.sql(`UPDATE event_counters SET events = events - ${LARGE}`);
    expect(made(), 'once for both').toBe('1');
    expect(world.sql("SELECT nextval('event_generation_numbers')")).toBe('2');
    expect(await world.totals()).toMatchObject(EXPECTED);

    // The second visitor is there again; a third one is new. The first one's entries are not read.
    await appendAll(world.store, [
      event({ receivedAtMs: at(90), visitor: 2n, path: '/again' }),
      event({ receivedAtMs: at(91), visitor: 3n, path: '/new' }),
      bot({ receivedAtMs: at(92) }),
    ]);
    const expected = {
      ...{ visitors: 3, visits: 5, events: 6, pageviews: 5, bounces: 3, engagedMs: 4_000, botVisits: 2 },
    };
    expect(await world.totals()).toMatchObject(expected);
    expect(inForce(world)).toBe('');
    await world.clickhouse(
      'DELETE FROM TABLE_entries WHERE visitor = 1 SETTINGS lightweight_deletes_sync = 2',
    );
    expect(await world.totals()).toMatchObject(expected);
    await world.clickhouse(
      'DELETE FROM TABLE_entries WHERE visitor = 3 SETTINGS lightweight_deletes_sync = 2',
    );
    expect(await world.totals()).toMatchObject({
      ...expected,
      ...{ visitors: 2, visits: 4, events: 5, pageviews: 4, bounces: 2 },
    });

    await world.store.reports.sealDaysBefore(DAY);
    expect(made(), 'not again at once').toBe('1');
    world.sql("UPDATE event_generations SET made_at = made_at - interval '11 minutes'");
    await world.store.reports.sealDaysBefore(DAY);
    expect(made()).toBe('3');
    await deleteEntries(world);
    expect(await world.totals()).toMatchObject({ visitors: 1, visits: 2, events: 2, botVisits: 2 });
    expect(await world.seal(), 'it is not what is counted').toBe(0);
  });

  it('go with the entries that are deleted', async () => {
    const world = await filled();
    await appendAll(world.store, [event({ siteId: OTHER_SITE })]);
    await world.seal();
    expect(await world.store.events.remove(SITE)).toBe(traffic.length);
    expect(await world.totals()).toMatchObject({ visitors: 0, events: 0, botVisits: 0 });
    await world.seal();
    expect((await stored(world)).slice(0, 2)).toEqual([1, 0]);
    expect(inForce(world)).toBe(`${OTHER_SITE}|1`);
    expect(await world.totals(OTHER_SITE)).toMatchObject({ visitors: 1, events: 1 });
  });

  it('are made of days that were moved there, and of those that were moved again', async () => {
    const dataDir = await temporaryFolder();
    const world = await opened();
    const move = () => moveStore({ dataDir, to: world.databases, onProgress: () => undefined });
    const old = await openStore({ dataDir, onBroken: () => undefined });
    onTestFinished(() => old.close());
    await appendAll(old, traffic.slice(0, 3));
    await move();
    expect(await world.seal()).toBe(1);
    expect(await world.totals()).toMatchObject({ events: 2, engagedMs: 4_000, botVisits: 0 });
    await appendAll(old, traffic.slice(3));
    await move();
    expect(await world.totals()).toMatchObject(EXPECTED);
    expect(await world.totals()).toEqual(await old.reports.totals(SCOPE));
    expect(await world.seal()).toBe(1);
    await deleteEntries(world);
    expect(await world.totals()).toMatchObject(EXPECTED);
  });

  it('keep entries apart that two collectors received at once under one ordinal', async () => {
    const world = await filled();
    // Ordinals begin with the clock, so these entries get ordinals of their own.
    await appendAll(world.store, [
      event({ receivedAtMs: at(50), path: '/c' }),
      event({ receivedAtMs: at(50), path: '/d' }),
    ]);
    await world.totals();
    await world.clickhouse(
      `ALTER TABLE TABLE_entries UPDATE ordinal = 7 WHERE received_at = ${at(50)} SETTINGS mutations_sync = 2`,
    );
    const expected = { ...EXPECTED, events: 6, pageviews: 5, bounces: 0 };
    expect(await world.totals()).toMatchObject(expected);
    await world.seal();
    expect(await world.totals()).toMatchObject(expected);
  });
});
