import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe } from 'vitest';
import type { Databases } from '../src/config.ts';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { describeStore } from './store-contract.ts';
import { hasClickHouse, sharedClickHouse } from './support/engines/clickhouse.ts';
import { hasPostgres, sharedPostgres } from './support/engines/postgres.ts';
import { current } from './support/shipped.ts';

/** The databases of each place, so that a place that is opened again finds them. */
const databases = new Map<string, Promise<Databases>>();

async function makeDatabases(): Promise<Databases> {
  const [cluster, postgres] = await Promise.all([sharedClickHouse(), sharedPostgres()]);
  return { postgres: postgres.createDatabase(), clickhouse: (await cluster.createDatabase()).join(',') };
}

async function open(place: string): Promise<Store> {
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

function alter(file: string, sql: string): void {
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec(sql);
  db.close();
}

describe.skipIf(!hasClickHouse || !hasPostgres)('the scale-out shape', () => {
  describeStore({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open,
    async failCommits(place) {
      const file = join(place, 'spool.db');
      // Deduplication keys are written before the chunk: the commit fails with much of it done.
      alter(
        file,
        "CREATE TRIGGER fault BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END;",
      );
      return async () => alter(file, 'DROP TRIGGER fault;');
    },
    queueEntries: 10_000,
    ledgerHosts: 100,
    propertyRuns: 6,
  });
});
