import type { Queries } from '../../drivers/postgres.ts';
import type { DueDay, SiteDay } from '../shipping.ts';
import { columnsOf, DAYS, siteDayOf } from './site-days.ts';

/** Maximum dirty days looked at in one step. Neighbors share blocks of rows, so counting many at once costs little more. */
const DAYS_AT_ONCE = 1_000;

/**
 * Looks at the next dirty days in the order of sites, so that no day keeps others from being looked at. It jumps from day to
 * day in the index, because a day may have many marks. It needs its own transaction. See `Counts`.
 */
export async function dueDaysAfter(
  tx: Queries,
  after: SiteDay | null,
): Promise<{ days: DueDay[]; end: SiteDay | null }> {
  // A plan made for a few marks would read all of them for every jump.
  await tx.query('SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off');
  const { rows } = await tx.query(
    `WITH RECURSIVE dirty (site_id, day, no) AS (
       (SELECT site_id, day, 1 FROM event_touches WHERE (site_id, day) > ($1, $2::integer)
        ORDER BY site_id, day LIMIT 1)
       UNION ALL
       SELECT next.site_id, next.day, no + 1 FROM dirty, LATERAL (
         SELECT t.site_id, t.day FROM event_touches t WHERE (t.site_id, t.day) > (dirty.site_id, dirty.day)
         ORDER BY t.site_id, t.day LIMIT 1) next
       WHERE no < $3)
     SELECT site_id, day, s.site_id IS NULL AS is_new, coalesce(due_at <= clock_timestamp(), true) AS is_due,
       (SELECT coalesce(sum(count), 0)::bigint FROM event_ledger l
        WHERE l.site_id = dirty.site_id AND l.day = dirty.day AND outcome IN ('stored', 'bot')) AS claimed,
       coalesce(failures, 0) AS failures
     FROM dirty LEFT JOIN event_settlements s USING (site_id, day)
       LEFT JOIN event_settlement_failures f USING (site_id, day) ORDER BY no`,
    after?.siteId ?? '',
    after?.day ?? -1,
    DAYS_AT_ONCE,
  );
  const seen = rows.map((row) => ({
    day: {
      ...siteDayOf(row),
      ...{ claimed: Number(row.claimed), failures: Number(row.failures) },
    },
    isNew: row.is_new === true,
    isDue: row.is_due === true,
  }));
  await addLocks(
    tx,
    seen.filter(({ isNew }) => isNew).map(({ day }) => day),
  );
  return {
    days: seen.filter(({ isDue }) => isDue).map(({ day }) => day),
    end: seen.length < DAYS_AT_ONCE ? null : (seen.at(-1)?.day ?? null),
  };
}

/** Adds the rows that are locked while days are reconciled. In that long transaction, others would wait for new rows. */
async function addLocks(tx: Queries, days: readonly SiteDay[]): Promise<void> {
  await tx.query(
    `INSERT INTO event_settlements (site_id, day) SELECT * FROM ${DAYS} ON CONFLICT DO NOTHING`,
    ...columnsOf(days),
  );
}
