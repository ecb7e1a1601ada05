import type { Databases } from '../../src/config.ts';
import { openStore } from '../../src/store/open.ts';
import { ShippedEvents } from '../../src/store/shipped-events.ts';
import type { Reports, Store } from '../../src/store/store.ts';
import { sharedClickHouse } from './engines/clickhouse.ts';
import { sharedPostgres } from './engines/postgres.ts';

/** The databases of each place, so that a place that is opened again finds them. */
const databases = new Map<string, Promise<Databases>>();

async function makeDatabases(): Promise<Databases> {
  const [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
  return { postgres: postgres.createDatabase(), clickhouse: (await cluster.createDatabase()).join(',') };
}

/** Opens the scale-out shape on a place, with databases of its own. */
export async function openShipped(place: string): Promise<Store> {
  const made = databases.get(place) ?? makeDatabases();
  databases.set(place, made);
  return current(
    await openStore({
      dataDir: place,
      databases: await made,
      onBroken: (error) => {
        throw error;
      },
    }),
  );
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
      refuse: events.refuse,
      flush: events.flush,
      fill: events.fill,
      health: () => events.health(),
      countBySite: after(events.countBySite),
      ledger: after(events.ledger),
      keyUse: after(events.keyUse),
      page: after(events.page),
      expire: after((siteId: string, beforeMs: number) => events.expire(siteId, beforeMs)),
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
