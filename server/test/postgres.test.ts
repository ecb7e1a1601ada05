import { beforeAll, describe } from 'vitest';
import { openPostgresRegistry } from '../src/store/open.ts';
import { describeRegistry } from './registry-contract.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from './support/engines/postgres.ts';

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  describeRegistry({
    name: 'PostgreSQL',
    newPlace: async () => server.createDatabase(),
    open: openPostgresRegistry,
    readsNulAs: '\uFFFD',
  });
});
