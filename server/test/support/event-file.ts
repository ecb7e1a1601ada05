import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/store/sqlite/driver.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { EVENT_MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { temporaryFolder } from './paths.ts';

/** An empty events file, open as the writer has it, until the test is over. */
export async function openEventFile(): Promise<Database> {
  const file = join(await temporaryFolder(), 'events.db');
  const db = openDatabase(file);
  onTestFinished(() => db.close());
  migrate(db, file, EVENT_MIGRATIONS);
  return db;
}
