import type { KeyUse, SiteLimit } from '../../contract/store.ts';
import type { Database } from '../../drivers/postgres.ts';
import { migrate } from '../../drivers/postgres-migrate.ts';
import { MOVE_MIGRATIONS, MoveError } from '../../shared/move-schema.ts';
import { type CountedDay, type CountTarget, dayName } from '../move.ts';
import { insertCounters, insertLines } from './insert-counts.ts';
import { COUNT_MIGRATIONS } from './schema.ts';
import { columnsOf, DAYS, reopen, siteDayOf } from './site-days.ts';

/** The day that stands for all key use before the move, which has no known day. It is never reconciled. */
const KEY_USE_DAY = 0;

/** Fills the counts from another store, before a collector adds to them. */
export class CountsFill implements CountTarget {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async begin(): Promise<ReadonlyMap<string, string>> {
    await migrate(this.#db, 'books', COUNT_MIGRATIONS);
    await migrate(this.#db, 'move', MOVE_MIGRATIONS);
    const { count } = await this.#db.query('SELECT 1 FROM event_batches LIMIT 1');
    if (count > 0)
      throw new MoveError('These databases are already in use by collectors. Move into empty ones.');
    const { rows } = await this.#db.query('SELECT site_id, day, mark FROM moved_days');
    return new Map(rows.map((row) => [dayName(siteDayOf(row)), String(row.mark)]));
  }

  async set(days: readonly CountedDay[]): Promise<void> {
    const lines = days.flatMap(({ siteId, day, ledger }) => ledger.map((line) => ({ ...line, siteId, day })));
    const counted = days.filter(({ events }) => events > 0);
    await this.#db.transaction(async (tx) => {
      for (const table of ['event_ledger', 'event_counters'])
        await tx.query(
          `DELETE FROM ${table} t USING ${DAYS} WHERE t.site_id = d.site_id AND t.day = d.day`,
          ...columnsOf(days),
        );
      await insertLines(tx, lines);
      await insertCounters(tx, counted);
      await reopen(tx, days);
      await tx.query(
        `INSERT INTO moved_days (site_id, day, mark) SELECT * FROM unnest($1::text[], $2::integer[], $3::text[])
         ON CONFLICT (site_id, day) DO UPDATE SET mark = excluded.mark`,
        ...columnsOf(days),
        days.map(({ mark }) => mark),
      );
    });
  }

  async finish(
    keyUse: readonly (KeyUse & { siteId: string })[],
    expired: readonly SiteLimit[],
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO event_key_use (site_id, key, day, events, last_at)
         SELECT site_id, key, ${KEY_USE_DAY}, events, last_at
           FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS u (site_id, key, events, last_at)
         ON CONFLICT (site_id, key, day) DO UPDATE SET events = excluded.events, last_at = excluded.last_at`,
        keyUse.map(({ siteId }) => siteId),
        keyUse.map(({ key }) => key),
        keyUse.map(({ events }) => events),
        keyUse.map(({ lastSeenAtMs }) => lastSeenAtMs),
      );
      await tx.query(
        `INSERT INTO event_expiry (site_id, before_at) SELECT * FROM unnest($1::text[], $2::bigint[])
         ON CONFLICT (site_id) DO UPDATE SET before_at = greatest(event_expiry.before_at, excluded.before_at)`,
        expired.map(({ siteId }) => siteId),
        expired.map(({ beforeMs }) => beforeMs),
      );
    });
  }
}
