import { createHmac } from 'node:crypto';
import { MINUTE_MS, utcDay } from '../../clock.ts';
import type { AttemptWindow, Registry, Tally } from '../store.ts';
import type { Database } from './driver.ts';
import { migrate } from './migrate.ts';

/**
 * Unlogged: not written to the log, so that no commit waits for the disk and no backup holds it. Emptied by a crash of the
 * server, which opens every window anew.
 */
const TALLY_MIGRATIONS = [
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
/** How far the clocks of two processes may differ; a window that ends later than that allows was opened by a wrong clock. */
const CLOCK_TOLERANCE_MS = MINUTE_MS;
/** How often a process clears away what is over. */
const SWEEP_EVERY_MS = MINUTE_MS;
/** Rows left by a sweep; of more, those go whose windows end first. */
const ROWS_MAX = 200_000;

/** Attempts counted in PostgreSQL, one small statement each. */
export class PostgresTally implements Tally {
  readonly #db: Database;
  readonly #registry: Pick<Registry, 'saltOf'>;
  #salt: { day: number; bytes: Uint8Array } | null = null;
  #sweptAtMs = 0;

  private constructor(db: Database, registry: Pick<Registry, 'saltOf'>) {
    this.#db = db;
    this.#registry = registry;
  }

  /** Brings the table up to date. The database stays open until its owner closes it. @throws StoreUnavailable, NewerSchema */
  static async open(db: Database, registry: Pick<Registry, 'saltOf'>): Promise<PostgresTally> {
    await migrate(db, 'tally', TALLY_MIGRATIONS);
    return new PostgresTally(db, registry);
  }

  async add(name: string, atMs: number, endsMs: number): Promise<AttemptWindow> {
    await this.#sweep(atMs);
    const { rows } = await this.#db.query(
      `INSERT INTO tallies AS t (name, attempts, ends_at) VALUES ($1, 1, $3)
       ON CONFLICT (name) DO UPDATE SET
         attempts = CASE WHEN t.ends_at > $2 AND t.ends_at <= $4 THEN t.attempts + 1 ELSE 1 END,
         ends_at = CASE WHEN t.ends_at > $2 AND t.ends_at <= $4 THEN t.ends_at ELSE excluded.ends_at END
       RETURNING attempts, ends_at`,
      await this.#hash(name, utcDay(atMs)),
      atMs,
      endsMs,
      endsMs + CLOCK_TOLERANCE_MS,
    );
    return { attempts: Number(rows[0]?.attempts), endsMs: Number(rows[0]?.ends_at) };
  }

  async forget(name: string, atMs: number): Promise<void> {
    await this.#db.query('DELETE FROM tallies WHERE name = $1', await this.#hash(name, utcDay(atMs)));
  }

  async #hash(name: string, day: number): Promise<Uint8Array> {
    // Yesterday's salt is left to those who destroy it in time.
    if (this.#salt?.day !== day) this.#salt = { day, bytes: await this.#registry.saltOf(day, day - 1) };
    return createHmac('sha256', this.#salt.bytes).update(name).digest().subarray(0, HASH_BYTES);
  }

  async #sweep(atMs: number): Promise<void> {
    if (Math.abs(atMs - this.#sweptAtMs) < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = atMs;
    // Rows that another process is changing are its business: nobody waits for anybody.
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
