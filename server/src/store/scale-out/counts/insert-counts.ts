import type { Queries } from '../../drivers/postgres.ts';
import type { LedgerDelta } from '../../shared/ledger-delta.ts';
import type { SiteDay } from '../shipping.ts';
import { columnsOf } from './site-days.ts';

/**
 * Inserts lines of the ledger in one statement.
 *
 * @param onConflict SQL for lines that already exist; if omitted, none of the lines may exist
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
    ...columnsOf(lines),
    lines.map(({ outcome }) => outcome),
    lines.map(({ host }) => host),
    lines.map(({ count }) => count),
    lines.map(({ firstAtMs }) => firstAtMs),
    lines.map(({ lastAtMs }) => lastAtMs),
  );
}

/** Inserts the event counts of sites by day in one statement. */
export async function insertCounters(
  tx: Queries,
  counted: readonly (SiteDay & { events: number })[],
  onConflict = '',
): Promise<void> {
  await tx.query(
    `INSERT INTO event_counters (site_id, day, events) SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
     ${onConflict}`,
    ...columnsOf(counted),
    counted.map(({ events }) => events),
  );
}
