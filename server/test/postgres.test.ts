import { beforeAll, describe } from 'vitest';
import { openShared } from '../src/store/open.ts';
import { describeRegistry } from './registry-contract.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from './support/engines/postgres.ts';
import { temporaryFolder } from './support/paths.ts';

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  describeRegistry({
    name: 'PostgreSQL',
    newPlace: async () => server.createDatabase(),
    open: async (postgres) =>
      openShared({
        dataDir: await temporaryFolder(),
        databases: { postgres, clickhouse: 'http://127.0.0.1:1' },
      }),
    readsNulAs: '\uFFFD',
  });
});
