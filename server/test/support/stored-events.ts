import { join } from 'node:path';
import type { StoredEvent } from '../../src/store/contract/store.ts';
import { openForReading } from '../../src/store/drivers/sqlite.ts';
import { SELECT_EVENTS, toStoredEvent } from '../../src/store/embedded/tables/stored-event.ts';

/** Reads a site's events from the events file, newest first, while a server may be running. Archived days are left out. */
export function storedEvents(dataDir: string, siteId: string): StoredEvent[] {
  const db = openForReading(join(dataDir, 'events.db'));
  try {
    const select = db.prepare(
      `${SELECT_EVENTS} WHERE e.site = (SELECT id FROM sites WHERE site = ?) ORDER BY e.at DESC, e.n DESC`,
    );
    select.setReadBigInts(true);
    return select.all(siteId).map((row) => toStoredEvent(siteId, '', row));
  } finally {
    db.close();
  }
}
