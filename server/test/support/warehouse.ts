import { ClickHouseReports } from '../../src/store/scale-out/reports/index.ts';
import { ClickHouseWarehouse } from '../../src/store/scale-out/warehouse/warehouse.ts';

/** Opens a warehouse without PostgreSQL, for tests that ask for no reports. */
export function openWarehouse(urls: readonly string[]): ClickHouseWarehouse {
  const none = () => Promise.reject(new Error('this test has no generations'));
  return new ClickHouseWarehouse(
    urls,
    (on) =>
      new ClickHouseReports(on, {
        ...{ daysOf: none, begin: none, beginOpen: none, commit: none },
        ...{ unchangedAfter: none, reopen: none, leftovers: none, forget: none },
      }),
  );
}
