import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Databases } from '../../src/config.ts';
import { openStore } from '../../src/store/open.ts';
import { ShippedEvents } from '../../src/store/shipped-events.ts';
import type { Reports, Store } from '../../src/store/store.ts';
import { sharedClickHouse } from './engines/clickhouse.ts';
import { sharedPostgres } from './engines/postgres.ts';

/**
 * What opens the scale-out shape on a place, with databases of its own: a place that is opened again finds them.
 *
 * @param makeClickHouse makes an empty database of ClickHouse; @returns the setting that names it
 */
export function shippedOn(makeClickHouse: () => Promise<string>): (place: string) => Promise<Store> {
  const made = new Map<string, Promise<Databases>>();
  const make = async () => {
    const [clickhouse, postgres] = await Promise.all([makeClickHouse(), sharedPostgres()]);
    return { postgres: postgres.createDatabase(), clickhouse };
  };
  return async (place) => {
    const databases = made.get(place) ?? make();
    made.set(place, databases);
    return current(
      await openStore({
        dataDir: place,
        databases: await databases,
        onBroken: (error) => {
          throw error;
        },
      }),
    );
  };
}

/** On the two replicas that all suites of a run share. */
export const openShipped = shippedOn(async () =>
  (await (await sharedClickHouse()).createDatabase()).join(','),
);

/** From now on every commit of a place's spool fails with a part of it written, until what is returned is called. */
export async function failCommits(place: string): Promise<() => Promise<void>> {
  const alter = (sql: string) => {
    const db = new DatabaseSync(join(place, 'spool.db'), { timeout: 5000 });
    db.exec(sql);
    db.close();
  };
  // Deduplication keys are written before the chunk: the commit fails with much of it done.
  alter(
    "CREATE TRIGGER fault BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;",
  );
  return async () => alter('DROP TRIGGER fault;');
}

/**
 * The events of the scale-out shape, asked only when everything acknowledged has arrived: what is counted follows an
 * acknowledgement by the ship lag, and that is the one difference between this engine and the embedded one.
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
  return {
    ...store,
    events: {
      append: events.append,
      onCommitted: events.onCommitted,
      refuse: events.refuse,
      flush: events.flush,
      fill: events.fill,
      health: () => events.health(),
      countBySite: after(events.countBySite),
      ledger: after(events.ledger),
      keyUse: after(events.keyUse),
      page: after(events.page),
      expire: after((siteId: string, beforeMs: number) => events.expire(siteId, beforeMs)),
      remove: after((siteId: string) => events.remove(siteId)),
      holding: after((siteIds: readonly string[]) => events.holding(siteIds)),
      audit: after(() => events.audit()),
    },
    reports: {
      totals: after((...args: Parameters<Reports['totals']>) => reports.totals(...args)),
      series: after((...args: Parameters<Reports['series']>) => reports.series(...args)),
      breakdown: after((...args: Parameters<Reports['breakdown']>) => reports.breakdown(...args)),
      happenings: after((...args: Parameters<Reports['happenings']>) => reports.happenings(...args)),
      realtime: after((...args: Parameters<Reports['realtime']>) => reports.realtime(...args)),
      prepare: (beforeDay) => reports.prepare(beforeDay),
    },
    close: () => store.close(),
  };
}
