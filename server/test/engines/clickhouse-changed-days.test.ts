import { beforeAll, describe } from 'vitest';
import type { Databases } from '../../src/store/contract/databases.ts';
import { describeReports } from '../reports-contract.ts';
import { type ChdbServer, hasChdb, startChdb } from '../support/engines/chdb.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { SITE } from '../support/entries.ts';
import { makeDatabases, nameIn, openCurrent } from '../support/shipped.ts';

/** Reports of the scale-out shape from days that have changed since they were sealed. They need a current ClickHouse. */

const START_DEADLINE_MS = 300_000;
/** chDB runs one statement at a time, and a test takes hundreds. */
const LIMIT_MS = 300_000;
/** More than the events from which a day that is not over has generations. */
const LARGE = 100_000;

let chdb: ChdbServer;

beforeAll(async () => {
  if (hasChdb) chdb = await startChdb();
}, START_DEADLINE_MS);

describe.skipIf(!hasChdb || !hasPostgres)('reports of ClickHouse 26.7', { timeout: LIMIT_MS }, () => {
  const databases = new Map<string, Databases>();
  describeReports({
    name: 'generations of days that have changed since',
    // One day, so that its second half comes after the generation.
    worlds: [
      { seed: 8, fromMs: Date.UTC(2026, 11, 31), days: 1, perDay: 80, visitors: 6, clockSteps: 0, third: 1 },
    ],
    ...{ spans: 1, byReceipt: true, outlivesRetention: false },
    open: async (place) => {
      const made = databases.get(place) ?? (await makeDatabases(() => chdb.createDatabase()));
      databases.set(place, made);
      const store = await openCurrent(place, made);
      const server = await sharedPostgres();
      const sealDaysBefore = async () => {
        const ask = () => store.reports.totals({ siteId: SITE, fromMs: 0, toMs: 1e14, filters: [] });
        await ask();
        // As if each day were large.
        server.sql(nameIn(made.postgres), `UPDATE event_counters SET events = events + ${LARGE}`);
        await ask();
        server.sql(nameIn(made.postgres), `UPDATE event_counters SET events = events - ${LARGE}`);
        return 0;
      };
      return { ...store, reports: { ...store.reports, sealDaysBefore } };
    },
  });
});
