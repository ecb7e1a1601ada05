import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/store/drivers/sqlite.ts';
import { migrate } from '../../src/store/drivers/sqlite-migrate.ts';
import { EVENT_MIGRATIONS } from '../../src/store/embedded/tables/schema.ts';
import { temporaryFolder } from './paths.ts';

/** Opens an empty events file as the writer does. It is closed when the test ends. */
export async function openEventFile(): Promise<Database> {
  const file = join(await temporaryFolder(), 'events.db');
  const db = openDatabase(file);
  onTestFinished(() => db.close());
  migrate(db, file, EVENT_MIGRATIONS);
  return db;
}
