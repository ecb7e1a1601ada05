import type { LedgerDelta } from '../ledger-delta.ts';
import type { SiteDay } from '../shipping.ts';
import type { Queries } from './driver.ts';

/**
 * Inserts lines of the ledger, all of them by one statement.
 *
 * @param onConflict what becomes of lines that are there already, in SQL; nothing: then there must be none
 */
export async function insertLines(
  tx: Queries,
  lines: readonly LedgerDelta[],
  onConflict = '',
): Promise<void> {
  await tx.query(
    `INSERT INTO event_ledger (site_id, day, outcome, host, count, first_at, last_at)
     SELECT * FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
     ${onConflict}`,
    lines.map(({ siteId }) => siteId),
    lines.map(({ day }) => day),
    lines.map(({ outcome }) => outcome),
    lines.map(({ host }) => host),
    lines.map(({ count }) => count),
    lines.map(({ firstAtMs }) => firstAtMs),
    lines.map(({ lastAtMs }) => lastAtMs),
  );
}

/** Inserts events counted of sites' days, likewise. */
export async function insertCounters(
  tx: Queries,
  counted: readonly (SiteDay & { events: number })[],
  onConflict = '',
): Promise<void> {
  await tx.query(
    `INSERT INTO event_counters (site_id, day, events) SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
     ${onConflict}`,
    counted.map(({ siteId }) => siteId),
    counted.map(({ day }) => day),
    counted.map(({ events }) => events),
  );
}
