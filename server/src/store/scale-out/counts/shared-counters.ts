import { createHmac } from 'node:crypto';
import { MINUTE_MS, utcDay } from '../../../domain/clock.ts';
import type { CounterWindow, Registry, SharedCounters } from '../../contract/store.ts';
import type { Database } from '../../drivers/postgres.ts';
import { migrate } from '../../drivers/postgres-migrate.ts';

/**
 * The migrations of the counters' table. It is unlogged, so that no commit waits for the disk and no backup contains it. A
 * crash of the database server empties it, which restarts every window.
 */
const MIGRATIONS = [
  `
  CREATE UNLOGGED TABLE tallies (
    name bytea PRIMARY KEY,
    attempts integer NOT NULL,
    ends_at bigint NOT NULL
  );
  CREATE INDEX tallies_by_end ON tallies (ends_at);
  `,
] as const;

const HASH_BYTES = 16;
/** The largest accepted difference between two clocks. A window that ends later than it allows came from a wrong clock. */
const CLOCK_TOLERANCE_MS = MINUTE_MS;
/** How often a process deletes windows that have ended. */
const SWEEP_EVERY_MS = MINUTE_MS;
/** Maximum rows that a sweep leaves. It first deletes the rows whose windows end first. */
const ROWS_MAX = 200_000;

/** Shared counters in PostgreSQL. Each count takes one small statement. */
export class PostgresSharedCounters implements SharedCounters {
  readonly #db: Database;
  readonly #registry: Pick<Registry, 'saltOf'>;
  #salt: { day: number; bytes: Uint8Array } | null = null;
  #sweptAtMs = 0;

  private constructor(db: Database, registry: Pick<Registry, 'saltOf'>) {
    this.#db = db;
    this.#registry = registry;
  }

  /** Migrates the table. The caller must close the database. @throws StoreUnavailable, NewerSchema */
  static async open(db: Database, registry: Pick<Registry, 'saltOf'>): Promise<PostgresSharedCounters> {
    await migrate(db, 'tally', MIGRATIONS);
    return new PostgresSharedCounters(db, registry);
  }

  async increment(key: string, atMs: number, endsMs: number): Promise<CounterWindow> {
    await this.#sweep(atMs);
    const { rows } = await this.#db.query(
      `INSERT INTO tallies AS t (name, attempts, ends_at) VALUES ($1, 1, $3)
       ON CONFLICT (name) DO UPDATE SET
         attempts = CASE WHEN t.ends_at > $2 AND t.ends_at <= $4 THEN t.attempts + 1 ELSE 1 END,
         ends_at = CASE WHEN t.ends_at > $2 AND t.ends_at <= $4 THEN t.ends_at ELSE excluded.ends_at END
       RETURNING attempts, ends_at`,
      await this.#hash(key, utcDay(atMs)),
      atMs,
      endsMs,
      endsMs + CLOCK_TOLERANCE_MS,
    );
    return { count: Number(rows[0]?.attempts), endsMs: Number(rows[0]?.ends_at) };
  }

  async reset(key: string, atMs: number): Promise<void> {
    await this.#db.query('DELETE FROM tallies WHERE name = $1', await this.#hash(key, utcDay(atMs)));
  }

  async #hash(key: string, day: number): Promise<Uint8Array> {
    // This keeps yesterday's salt, because a separate job destroys it.
    if (this.#salt?.day !== day) this.#salt = { day, bytes: await this.#registry.saltOf(day, day - 1) };
    return createHmac('sha256', this.#salt.bytes).update(key).digest().subarray(0, HASH_BYTES);
  }

  async #sweep(atMs: number): Promise<void> {
    if (Math.abs(atMs - this.#sweptAtMs) < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = atMs;
    // Skips rows that another process is changing, so that no process waits for another.
    await this.#db.query(
      'DELETE FROM tallies WHERE name IN (SELECT name FROM tallies WHERE ends_at <= $1 FOR UPDATE SKIP LOCKED)',
      atMs,
    );
    await this.#db.query(
      `DELETE FROM tallies WHERE name IN
         (SELECT name FROM tallies ORDER BY ends_at DESC OFFSET $1 FOR UPDATE SKIP LOCKED)`,
      ROWS_MAX,
    );
  }
}
