import type { Databases } from '../contract/databases.ts';
import type { Database } from '../drivers/postgres.ts';
import { PostgresGenerations } from './counts/generations.ts';
import { ClickHouseReports } from './reports/index.ts';
import { ClickHouseWarehouse } from './warehouse/warehouse.ts';

/** Creates the warehouse for the configured ClickHouse addresses. It connects on first use. */
export function warehouseOf({ clickhouse }: Databases, db: Database): ClickHouseWarehouse {
  return new ClickHouseWarehouse(
    clickhouse.split(',').map((url) => url.trim()),
    (anyReplica) => new ClickHouseReports(anyReplica, new PostgresGenerations(db)),
  );
}
