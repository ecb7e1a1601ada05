import { type Database, prepared } from '../../drivers/sqlite.ts';

/** Returns the instant before which retention has deleted a site's rows; 0 if it has deleted none. */
export function expiredBefore(db: Database, site: number): number {
  return Number(prepared(db, 'SELECT before_at FROM expired WHERE site = ?').get(site)?.before_at ?? 0);
}
