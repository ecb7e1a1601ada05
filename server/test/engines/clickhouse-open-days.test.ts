import { beforeAll, describe } from 'vitest';
import { describeReports } from '../reports-contract.ts';
import { type ChdbServer, hasChdb, startChdb } from '../support/engines/chdb.ts';
import { hasPostgres } from '../support/engines/postgres.ts';
import { shippedOn, unsealed } from '../support/shipped.ts';

/** Reports of the scale-out shape from days that are not sealed. They need a current ClickHouse. */

const START_DEADLINE_MS = 300_000;
/** chDB runs one statement at a time, and a test takes hundreds. */
const LIMIT_MS = 300_000;

let chdb: ChdbServer;

beforeAll(async () => {
  if (hasChdb) chdb = await startChdb();
}, START_DEADLINE_MS);

describe.skipIf(!hasChdb || !hasPostgres)('reports of ClickHouse 26.7', { timeout: LIMIT_MS }, () => {
  const open = shippedOn(() => chdb.createDatabase());
  describeReports({
    name: 'open days',
    // Each question makes all visits.
    worlds: [
      { seed: 8, fromMs: Date.UTC(2026, 11, 31), days: 2, perDay: 60, visitors: 6, clockSteps: 0, third: 0 },
    ],
    ...{ spans: 2, byReceipt: true, outlivesRetention: false },
    open: async (place) => unsealed(await open(place)),
  });
});
