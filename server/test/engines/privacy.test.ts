import { beforeAll, describe, expect, it } from 'vitest';
import {
  everything,
  goEveryWay,
  goToTheDashboard,
  MARKS,
  OWNER,
  prepare,
  starter,
} from '../faults/support/marked-visitor.ts';
import { allFiles, findMarks } from '../faults/support/marks.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { temporaryFolder } from '../support/paths.ts';
import { SECRET_KEY } from '../support/secret-key.ts';

/** The scale-out counterpart of `faults/privacy.test.ts`, which covers the embedded store. */

describe.skipIf(!hasPostgres)('a visitor’s address and user agent beside databases', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await sharedPostgres();
  }, 150_000);

  it('leaves no address or user agent in a spool, a row of PostgreSQL, or a file after a kill', async () => {
    const databases = server.createDatabase();
    // No server listens there, so acknowledged events stay on this machine.
    const settings = { DATABASE_URL: databases, CLICKHOUSE_URL: 'http://127.0.0.1:1', SECRET_KEY };
    const dataDir = await temporaryFolder();
    const scene = await prepare(dataDir, settings);
    const start = starter(dataDir, { ...settings, LOG_LEVEL: 'trace' });
    const rows = () =>
      Buffer.from(server.sql(databases.split('/').at(-1) ?? '', "SELECT database_to_xml(true, false, '')"));
    const first = await start();
    const reached = await goEveryWay({ url: first.url, ...scene });
    await goToTheDashboard(first.url, OWNER);
    expect(reached).toContain('stored');
    const kept = () => ({ ...everything(dataDir, first.program), PostgreSQL: rows() });
    // Proves that the search works: it finds what may be stored.
    expect(
      findMarks({ path: '/event-' }, { spool: allFiles(dataDir)['spool.db-wal'] ?? Buffer.of() }),
    ).not.toEqual([]);
    expect(findMarks({ email: OWNER.email }, { PostgreSQL: rows() })).not.toEqual([]);
    expect(findMarks(MARKS, kept()), 'while it runs').toEqual([]);
    first.program.kill('SIGKILL');
    await first.program.exit;
    const second = await start();
    await goEveryWay({ url: second.url, ...scene });
    second.program.kill('SIGTERM');
    expect(await second.program.exit).toEqual({ code: 0, signal: null });
    expect(findMarks(MARKS, { ...kept(), ...everything(dataDir, second.program) })).toEqual([]);
  });
});
