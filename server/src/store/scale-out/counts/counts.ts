import { DAY_MS, type DayRange } from '../../../domain/clock.ts';
import type { Audit, KeyUse, LedgerLine, SiteLimit } from '../../contract/store.ts';
import type { Database } from '../../drivers/postgres.ts';
import { migrate } from '../../drivers/postgres-migrate.ts';
import { readLine } from '../../shared/ledger-delta.ts';
import type { ActualCount, Batch, Counts, DirtyDay, DueDay, FailingDay, SiteDay, Span } from '../shipping.ts';
import { dueDaysAfter } from './due-days.ts';
import { failingDays, putOff } from './failing-days.ts';
import { merge } from './merge.ts';
import { reconcile, reconcileDeadlineMs } from './reconcile.ts';
import { COUNT_MIGRATIONS } from './schema.ts';
import { columnsOf, DAYS, siteDayOf } from './site-days.ts';

/** The span of a mark that only asks for a new count. It leaves the spans of other marks as they are. */
const NO_NEW_ROWS: Span = { firstAtMs: Number.MAX_SAFE_INTEGER, lastAtMs: 0 };

/** The counts in PostgreSQL. The first call that needs the tables creates them. */
export class PostgresCounts implements Counts {
  readonly #db: Database;
  #migrated: Promise<void> | null = null;

  constructor(db: Database) {
    this.#db = db;
  }

  async merge(batch: Pick<Batch, 'id' | 'claimed'>): Promise<void> {
    const db = await this.#ready();
    await db.transaction((tx) => merge(tx, batch));
  }

  async dueDaysAfter(after: SiteDay | null): ReturnType<Counts['dueDaysAfter']> {
    const db = await this.#ready();
    return db.transaction((tx) => dueDaysAfter(tx, after));
  }

  async reconcile(
    days: readonly DueDay[],
    count: (days: readonly DirtyDay[]) => Promise<ActualCount[]>,
  ): Promise<void> {
    const db = await this.#ready();
    const deadlineMs = reconcileDeadlineMs(days);
    await db.transaction((tx) => reconcile(tx, days, { count, deadlineMs }), deadlineMs);
  }

  async putOff(day: FailingDay): Promise<void> {
    const db = await this.#ready();
    await db.transaction((tx) => putOff(tx, day));
  }

  async failingDays(): Promise<FailingDay[]> {
    return failingDays(await this.#ready());
  }

  async markDirty(days: readonly SiteDay[]): Promise<void> {
    const db = await this.#ready();
    await db.query(
      `INSERT INTO event_touches (site_id, day, first_at, last_at)
       SELECT DISTINCT site_id, day, $3::bigint, $4::bigint FROM ${DAYS}`,
      ...columnsOf(days),
      NO_NEW_ROWS.firstAtMs,
      NO_NEW_ROWS.lastAtMs,
    );
  }

  async dirtyDays(): Promise<number> {
    const db = await this.#ready();
    const { rows } = await db.query('SELECT count(DISTINCT (site_id, day)) AS days FROM event_touches');
    return Number(rows[0]?.days);
  }

  async expire(limits: readonly SiteLimit[]): Promise<void> {
    const db = await this.#ready();
    const columns = [limits.map(({ siteId }) => siteId), limits.map(({ beforeMs }) => beforeMs)] as const;
    await db.transaction(async (tx) => {
      // Waits for processes that are reconciling, so that no row is deleted while they count it.
      await tx.query(
        `SELECT 1 FROM event_settlements s JOIN unnest($1::text[], $2::bigint[]) AS x (site_id, before_at)
           ON s.site_id = x.site_id AND s.day <= x.before_at / ${DAY_MS}
         ORDER BY s.site_id, s.day FOR UPDATE OF s`,
        ...columns,
      );
      await tx.query(
        `INSERT INTO event_expiry (site_id, before_at) SELECT * FROM unnest($1::text[], $2::bigint[])
         ON CONFLICT (site_id) DO UPDATE SET before_at = excluded.before_at WHERE event_expiry.before_at < excluded.before_at`,
        ...columns,
      );
    });
  }

  async countBySite(siteIds: readonly string[], range: DayRange): Promise<Map<string, number>> {
    const counts = new Map(siteIds.map((siteId) => [siteId, 0]));
    if (siteIds.length === 0) return counts;
    const db = await this.#ready();
    const { rows } = await db.query(
      `SELECT site_id, sum(events - excess)::bigint AS events FROM event_counters
       WHERE site_id = ANY($1) AND day BETWEEN $2 AND $3 GROUP BY site_id`,
      siteIds,
      range.firstDay,
      range.lastDay,
    );
    for (const row of rows) counts.set(String(row.site_id), Number(row.events));
    return counts;
  }

  async ledger(siteId: string, range: DayRange): Promise<LedgerLine[]> {
    const db = await this.#ready();
    // The ledger shows the overcount as duplicates of the same host.
    const { rows } = await db.query(
      `WITH shown AS (
         SELECT day, outcome, host, count - excess AS count, first_at, last_at FROM event_ledger
         WHERE site_id = $1 AND day BETWEEN $2 AND $3
         UNION ALL
         SELECT day, 'duplicate', host, excess, last_at, last_at FROM event_ledger
         WHERE site_id = $1 AND day BETWEEN $2 AND $3 AND excess > 0)
       SELECT day, outcome, host, sum(count)::bigint AS count, min(first_at) AS first_at, max(last_at) AS last_at
       FROM shown GROUP BY day, outcome, host HAVING sum(count) > 0
       ORDER BY day, outcome COLLATE "C", host COLLATE "C"`,
      siteId,
      range.firstDay,
      range.lastDay,
    );
    return rows.map((row) =>
      readLine({
        day: Number(row.day),
        outcome: String(row.outcome),
        host: String(row.host),
        count: Number(row.count),
        firstAtMs: Number(row.first_at),
        lastAtMs: Number(row.last_at),
      }),
    );
  }

  async keyUse(siteId: string): Promise<KeyUse[]> {
    const db = await this.#ready();
    const { rows } = await db.query(
      `SELECT key, sum(events - excess)::bigint AS events, max(last_at) AS last_at FROM event_key_use
       WHERE site_id = $1 GROUP BY key ORDER BY last_at DESC, key COLLATE "C"`,
      siteId,
    );
    return rows.map((row) => ({
      key: String(row.key),
      events: Number(row.events),
      lastSeenAtMs: Number(row.last_at),
    }));
  }

  async audit(rows: readonly (SiteDay & { rows: number })[]): Promise<Pick<Audit, 'counters' | 'ledger'>> {
    const db = await this.#ready();
    const { rows: counters } = await db.query(
      `SELECT coalesce(c.site_id, w.site_id) AS site_id, coalesce(c.day, w.day) AS day,
         coalesce(c.events - c.excess, 0) AS counted, coalesce(w.rows, 0) AS rows
       FROM (SELECT * FROM event_counters) c
         FULL JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS w (site_id, day, rows)
           ON w.site_id = c.site_id AND w.day = c.day
         LEFT JOIN event_expiry x ON x.site_id = coalesce(c.site_id, w.site_id)
       WHERE coalesce(c.events - c.excess, 0) <> coalesce(w.rows, 0)
         AND coalesce(c.day, w.day)::bigint * ${DAY_MS} >= coalesce(x.before_at, 0)
       ORDER BY 1, 2`,
      ...columnsOf(rows),
      rows.map((each) => each.rows),
    );
    const { rows: ledger } = await db.query(
      `SELECT site_id, day, coalesce(c.events - c.excess, 0) AS counted, coalesce(l.stored, 0)::bigint AS stored
       FROM event_counters c FULL JOIN
         (SELECT site_id, day, sum(count - excess) AS stored FROM event_ledger WHERE outcome = 'stored' GROUP BY site_id, day) l
         USING (site_id, day)
       WHERE coalesce(c.events - c.excess, 0) <> coalesce(l.stored, 0) ORDER BY 1, 2`,
    );
    return {
      counters: counters.map((row) => ({
        ...siteDayOf(row),
        counted: Number(row.counted),
        rows: Number(row.rows),
      })),
      ledger: ledger.map((row) => ({
        ...siteDayOf(row),
        counted: Number(row.counted),
        stored: Number(row.stored),
      })),
    };
  }

  async #ready(): Promise<Database> {
    this.#migrated ??= migrate(this.#db, 'books', COUNT_MIGRATIONS).catch((error: unknown) => {
      this.#migrated = null;
      throw error;
    });
    await this.#migrated;
    return this.#db;
  }
}
