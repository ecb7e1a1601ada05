import type { Database } from '../../drivers/postgres.ts';
import { NewerSchema } from '../../shared/newer-schema.ts';
import { POSTGRES_SCHEMA } from './schema.ts';

/** The findings of an inspection of the PostgreSQL server. */
export interface ServerFound {
  version: string;
  /** The version of the registry's schema; 0 before a server first starts. */
  schema: number;
  /** Whether the write-ahead log is archived. If it is, the archive keeps destroyed salts. */
  archives: boolean;
}

/** Inspects the server and the registry's schema without changing anything. @throws StoreUnavailable, NewerSchema */
export async function examineServer(db: Database): Promise<ServerFound> {
  const settings = await db.query(
    "SELECT current_setting('server_version') AS version, current_setting('archive_mode') <> 'off' AS archives, to_regclass('schema_versions') IS NOT NULL AS begun",
  );
  const [found] = settings.rows;
  const versions =
    found?.begun === true
      ? await db.query("SELECT version FROM schema_versions WHERE part = 'registry'")
      : { rows: [] };
  const schema = Number(versions.rows[0]?.version ?? 0);
  const known = POSTGRES_SCHEMA.version;
  if (schema > known) throw new NewerSchema('The registry in PostgreSQL', schema, known);
  return { version: String(found?.version), schema, archives: found?.archives === true };
}
