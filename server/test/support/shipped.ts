import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Databases } from '../../src/store/contract/databases.ts';
import type { AskedReports, Reports, SiteLimit, Store } from '../../src/store/contract/store.ts';
import { openStore } from '../../src/store/open.ts';
import { ShippedEvents } from '../../src/store/scale-out/shipped-events.ts';
import { sharedClickHouse } from './engines/clickhouse.ts';
import { sharedPostgres } from './engines/postgres.ts';

/**
 * Returns a function that opens a scale-out store at a place, with its own databases. Reopening a place finds them again.
 *
 * @param makeClickHouse creates an empty ClickHouse database; @returns the setting that names it
 */
export function shippedOn(makeClickHouse: () => Promise<string>): (place: string) => Promise<Store> {
  const made = new Map<string, Promise<Databases>>();
  return async (place) => {
    const databases = made.get(place) ?? makeDatabases(makeClickHouse);
    made.set(place, databases);
    return openCurrent(place, await databases);
  };
}

/** Creates the databases of a scale-out store. */
export async function makeDatabases(makeClickHouse: () => Promise<string>): Promise<Databases> {
  const [clickhouse, postgres] = await Promise.all([makeClickHouse(), sharedPostgres()]);
  return { postgres: postgres.createDatabase(), clickhouse };
}

/** Opens a scale-out store that answers once everything acknowledged has arrived (see `current`). */
export async function openCurrent(dataDir: string, databases: Databases): Promise<Store> {
  const onBroken = (error: unknown) => {
    throw error;
  };
  return current(await openStore({ dataDir, databases, onBroken }));
}

/** Returns the name of the database that a setting names. */
export const nameIn = (url: string) => new URL(url).pathname.slice(1);

/** Opens a scale-out store on the two replicas that all suites of a run share. */
export const openShipped = shippedOn(async () =>
  (await (await sharedClickHouse()).createDatabase()).join(','),
);

/** Wraps a store so that all of its days stay open. */
export function unsealed(store: Store): Store {
  return { ...store, reports: { ...store.reports, sealDaysBefore: async () => 0 } };
}

/** Makes every commit of a place's spool fail halfway. @returns a function that stops this */
export async function failCommits(place: string): Promise<() => Promise<void>> {
  const alter = (sql: string) => {
    const db = new DatabaseSync(join(place, 'spool.db'), { timeout: 5000 });
    db.exec(sql);
    db.close();
  };
  // Deduplication keys are written before the chunk, so the commit fails with much of it done.
  alter(
    "CREATE TRIGGER fault BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;",
  );
  return async () => alter('DROP TRIGGER fault;');
}

/**
 * Wraps a scale-out store so that it answers queries only once everything acknowledged has arrived. Counts lag behind
 * acknowledgements by the ship lag, which is the only difference from the embedded engine.
 */
export function current(store: Store): Store {
  const { events, reports } = store;
  if (!(events instanceof ShippedEvents)) throw new Error('this store ships nothing');
  const after =
    <Args extends unknown[], Answer>(ask: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await events.caughtUp();
      return ask(...args);
    };
  const asked = (by: AskedReports): AskedReports => ({
    totals: after((...args: Parameters<AskedReports['totals']>) => by.totals(...args)),
    series: after((...args: Parameters<AskedReports['series']>) => by.series(...args)),
    seriesBySite: after((...args: Parameters<AskedReports['seriesBySite']>) => by.seriesBySite(...args)),
    breakdown: after((...args: Parameters<AskedReports['breakdown']>) => by.breakdown(...args)),
    views: after((...args: Parameters<AskedReports['views']>) => by.views(...args)),
    revenue: after((...args: Parameters<AskedReports['revenue']>) => by.revenue(...args)),
    revenueBy: after((...args: Parameters<AskedReports['revenueBy']>) => by.revenueBy(...args)),
    goals: after((...args: Parameters<AskedReports['goals']>) => by.goals(...args)),
    funnel: after((...args: Parameters<AskedReports['funnel']>) => by.funnel(...args)),
    journeys: after((...args: Parameters<AskedReports['journeys']>) => by.journeys(...args)),
    properties: after((...args: Parameters<AskedReports['properties']>) => by.properties(...args)),
    eventsSince: after((...args: Parameters<AskedReports['eventsSince']>) => by.eventsSince(...args)),
    listActivity: after((...args: Parameters<AskedReports['listActivity']>) => by.listActivity(...args)),
    realtime: after((...args: Parameters<AskedReports['realtime']>) => by.realtime(...args)),
  });
  return {
    ...store,
    events: {
      append: events.append,
      onEntry: events.onEntry,
      onCommit: events.onCommit,
      refuse: events.refuse,
      flush: events.flush,
      fill: events.fill,
      refusedInOutage: (siteId) => events.refusedInOutage(siteId),
      health: () => events.health(),
      countBySite: after(events.countBySite),
      ledger: after(events.ledger),
      keyUse: after(events.keyUse),
      page: after(events.page),
      expire: after((limits: readonly SiteLimit[]) => events.expire(limits)),
      remove: after((siteId: string) => events.remove(siteId)),
      holding: after((siteIds: readonly string[]) => events.holding(siteIds)),
      audit: after(() => events.audit()),
    },
    reports: {
      ...asked(reports),
      askedBy: (asker) => asked(reports.askedBy(asker)),
      sealDaysBefore: after((...args: Parameters<Reports['sealDaysBefore']>) =>
        reports.sealDaysBefore(...args),
      ),
    },
    close: () => store.close(),
  };
}
