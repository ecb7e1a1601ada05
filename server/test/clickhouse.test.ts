import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe } from 'vitest';
import { describeReports } from './reports-contract.ts';
import { describeStore } from './store-contract.ts';
import { hasClickHouse } from './support/engines/clickhouse.ts';
import { hasPostgres } from './support/engines/postgres.ts';
import { openShipped } from './support/shipped.ts';

function alter(file: string, sql: string): void {
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec(sql);
  db.close();
}

describe.skipIf(!hasClickHouse || !hasPostgres)('the scale-out shape', () => {
  describeStore({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
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
    propertyRuns: 3,
  });
  describeReports({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
    // Events follow each other by time of receipt: no steps of the clock.
    worlds: [{ seed: 5, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 120, visitors: 9, clockSteps: 0 }],
    byReceipt: true,
    outlivesRetention: false,
  });
});
