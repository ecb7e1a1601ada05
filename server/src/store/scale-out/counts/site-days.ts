import type { Queries, Row } from '../../drivers/postgres.ts';
import type { SiteDay } from '../shipping.ts';

/** Sites' days as parameters and as rows of statements. */

/** A relation of days, given `columnsOf` them as the first parameters. */
export const DAYS = 'unnest($1::text[], $2::integer[]) AS d (site_id, day)';

export function columnsOf(days: readonly SiteDay[]): readonly [string[], number[]] {
  return [days.map(({ siteId }) => siteId), days.map(({ day }) => day)];
}

export function siteDayOf(row: Row): SiteDay {
  return { siteId: String(row.site_id), day: Number(row.day) };
}

/** Opens days, so that reports read their entries. */
export async function reopen(db: Queries, days: readonly SiteDay[]): Promise<void> {
  await db.query('SELECT reopen_event_days($1::text[], $2::integer[])', ...columnsOf(days));
}
