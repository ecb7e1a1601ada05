import type { Databases } from '../contract/databases.ts';
import type { Database } from '../drivers/postgres.ts';
import { PostgresGenerations } from './counts/generations.ts';
import type { ClickHouseWarehouse } from './warehouse/warehouse.ts';

/** Creates the warehouse for the configured ClickHouse addresses. It connects on first use. */
export async function warehouseOf({ clickhouse }: Databases, db: Database): Promise<ClickHouseWarehouse> {
  // Both load the driver, which only installations with a warehouse need.
  const [{ ClickHouseWarehouse }, { ClickHouseReports }] = await Promise.all([
    import('./warehouse/warehouse.ts'),
    import('./reports/index.ts'),
  ]);
  return new ClickHouseWarehouse(
    clickhouse.split(',').map((url) => url.trim()),
    (anyReplica) => new ClickHouseReports(anyReplica, new PostgresGenerations(db)),
  );
}
