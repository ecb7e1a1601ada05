import { NewerSchema } from '../newer-schema.ts';
import type { Database } from './driver.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';

/** What a look at the server found. */
export interface ServerFound {
  version: string;
  /** Steps of the registry's schema that are done; 0 before the first start of a server. */
  schema: number;
  /** Whether somebody else's copy of the write-ahead log keeps destroyed salts: the log is archived. */
  archives: boolean;
}

/** Looks at the server and the registry's schema, and changes nothing. @throws StoreUnavailable, NewerSchema */
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
  const known = REGISTRY_MIGRATIONS.length;
  if (schema > known) throw new NewerSchema('The registry in PostgreSQL', schema, known);
  return { version: String(found?.version), schema, archives: found?.archives === true };
}
