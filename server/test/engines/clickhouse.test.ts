import { describe } from 'vitest';
import { describeReports } from '../reports-contract.ts';
import { describeStore } from '../store-contract.ts';
import { hasClickHouse } from '../support/engines/clickhouse.ts';
import { hasPostgres } from '../support/engines/postgres.ts';
import { failCommits, openShipped } from '../support/shipped.ts';

describe.skipIf(!hasClickHouse || !hasPostgres)('the scale-out shape', () => {
  describeStore({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
    failCommits,
    queueEntries: 10_000,
    ledgerHosts: 100,
    propertyRuns: 3,
  });
  describeReports({
    name: 'ClickHouse 18.16 and PostgreSQL',
    open: openShipped,
    // Events are in order of receipt, so the clock never steps back.
    worlds: [{ seed: 5, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 120, visitors: 9, clockSteps: 0 }],
    spans: 40,
    byReceipt: true,
    outlivesRetention: false,
  });
});
