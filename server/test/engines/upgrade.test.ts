import { describe, expect, it, onTestFinished } from 'vitest';
import { openShared } from '../../src/store/open.ts';
import { REGISTRY_TABLES } from '../../src/store/registry/tables.ts';
import { hasPostgres, sharedPostgres } from '../support/engines/postgres.ts';
import { temporaryFolder } from '../support/paths.ts';
import { expectReleaseIn, readRelease, releaseAsSql } from '../support/release.ts';

const { known } = readRelease();

describe.skipIf(!hasPostgres)('a registry in PostgreSQL of the release of 2026-11-26', () => {
  it('keeps everything, to the last token that was used', async () => {
    const server = await sharedPostgres();
    const postgres = server.createDatabase();
    server.sql(new URL(postgres).pathname.slice(1), releaseAsSql());
    const dataDir = await temporaryFolder();
    const { registry, close } = await openShared({
      ...{ dataDir, databases: { postgres, clickhouse: 'http://127.0.0.1:1' } },
    });
    onTestFinished(close);
    await expectReleaseIn(registry);
    // New sites come after those of the release.
    const { bob } = known.accountIds;
    const site = { id: 'site_new', accountId: bob, domain: 'new.example', key: 'ak_new', createdAtMs: 1 };
    await registry.createSite(site, null);
    expect((await registry.sitesAfter(null)).at(-1)?.id).toBe('site_new');
  }, 150_000);

  it('has the same tables as a new registry', async () => {
    const server = await sharedPostgres();
    const names = REGISTRY_TABLES.map(({ name }) => `'${name}'`).join(', ');
    const tables = async (sql: string | null) => {
      const postgres = server.createDatabase();
      const database = new URL(postgres).pathname.slice(1);
      if (sql !== null) server.sql(database, sql);
      const dataDir = await temporaryFolder();
      await (
        await openShared({ dataDir, databases: { postgres, clickhouse: 'http://127.0.0.1:1' } })
      ).close();
      const ask = (text: string) => server.sql(database, text).split('\n').sort();
      return {
        columns: ask(
          `SELECT table_name, column_name, data_type, collation_name, column_default, is_nullable, is_identity
             FROM information_schema.columns WHERE table_name IN (${names})`,
        ),
        constraints: ask(
          `SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE conrelid::regclass::text IN (${names})`,
        ),
        indexes: ask(`SELECT indexdef FROM pg_indexes WHERE tablename IN (${names})`),
        version: ask("SELECT version FROM schema_versions WHERE part = 'registry'"),
      };
    };
    expect(await tables(releaseAsSql())).toEqual(await tables(null));
  }, 150_000);
});
