import type { Queries } from '../../drivers/postgres.ts';
import type { FailingDay } from '../shipping.ts';
import { siteDayOf } from './site-days.ts';

/** How long a day waits after its first failure. The wait doubles with each further failure. */
const FIRST_WAIT_SECONDS = 15;
/** The longest wait after a failure. */
const LONGEST_WAIT_SECONDS = 900;
/** Maximum failing days that are named. */
const DAYS_NAMED = 10;

/** Puts off a day that could not be reconciled. It needs its own transaction. */
export async function putOff(tx: Queries, { siteId, day, error }: FailingDay): Promise<void> {
  const { count } = await tx.query(
    'SELECT 1 FROM event_settlements WHERE site_id = $1 AND day = $2 FOR UPDATE SKIP LOCKED',
    siteId,
    day,
  );
  // Another process is trying it.
  if (count === 0) return;
  const { rows } = await tx.query(
    `INSERT INTO event_settlement_failures AS f (site_id, day, failures, error) VALUES ($1, $2, 1, $3)
     ON CONFLICT (site_id, day) DO UPDATE SET failures = f.failures + 1, error = excluded.error RETURNING failures`,
    siteId,
    day,
    error,
  );
  const waitSeconds = Math.min(
    FIRST_WAIT_SECONDS * 2 ** (Number(rows[0]?.failures) - 1),
    LONGEST_WAIT_SECONDS,
  );
  await tx.query(
    `UPDATE event_settlements SET due_at = clock_timestamp() + $3 * interval '1 second'
     WHERE site_id = $1 AND day = $2`,
    siteId,
    day,
    waitSeconds,
  );
  // One mark stands for all, so that a day that fails for long does not fill the table.
  await tx.query(
    `WITH marks AS (DELETE FROM event_touches WHERE site_id = $1 AND day = $2 RETURNING first_at, last_at)
     INSERT INTO event_touches (site_id, day, first_at, last_at)
     SELECT $1, $2, min(first_at), max(last_at) FROM marks HAVING count(*) > 0`,
    siteId,
    day,
  );
}

/** Returns days whose last reconciliation failed, those that failed most often first. */
export async function failingDays(db: Queries): Promise<FailingDay[]> {
  const { rows } = await db.query(
    `SELECT site_id, day, error FROM event_settlement_failures ORDER BY failures DESC, site_id, day LIMIT $1`,
    DAYS_NAMED,
  );
  return rows.map((row) => ({ ...siteDayOf(row), error: String(row.error) }));
}
