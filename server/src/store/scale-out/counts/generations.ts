import { DAY_MS } from '../../../domain/clock.ts';
import type { Database, Queries, Row } from '../../drivers/postgres.ts';
import { migrate } from '../../drivers/postgres-migrate.ts';
import type {
  BegunGeneration,
  CountedGeneration,
  Generation,
  Generations,
  SealedGeneration,
} from '../generations.ts';
import type { SiteDay } from '../shipping.ts';
import { COUNT_MIGRATIONS } from './schema.ts';
import { reopen, siteDayOf } from './site-days.ts';

/** Maximum sites whose days are made in one statement. */
const SITES_AT_ONCE = 1_000;
/** The events that are made in one statement, which bounds its memory. A larger day is made alone, in parts. */
const EVENTS_AT_ONCE = 250_000;
/** The events from which an open day is large. Visits of fewer are made with each question. */
const LARGE_EVENTS_MIN = 20_000;
/** How long a generation of a day that is not over is kept. */
const UNFINISHED_KEPT_MINUTES = 10;
/** The time from which entries changed a day that was made before it was over, as long as none did. */
const NOTHING_YET = Number.MAX_SAFE_INTEGER;
/** How long a generation may take. Afterwards it is taken for abandoned. */
const LEASE_MINUTES = 60;
/** How long rows outlive their generation, because a question may still read them, or an insert may still run. */
const KEPT_MINUTES = 2 * LEASE_MINUTES;
/** Maximum generations audited at once, and their events. A larger day is audited alone. */
const AUDITED_AT_ONCE = 1_000;
const EVENTS_AUDITED_AT_ONCE = 20_000_000;
/** Maximum generations deleted at once. */
const LEFTOVERS_AT_ONCE = 5_000;

/** The generations in force, in PostgreSQL beside the counts. The first call that needs the tables creates them. */
export class PostgresGenerations implements Generations {
  readonly #db: Database;
  #migrated: Promise<void> | null = null;

  constructor(db: Database) {
    this.#db = db;
  }

  async daysOf(
    siteIds: readonly string[],
    { firstDay, lastDay }: { firstDay: number; lastDay: number },
  ): ReturnType<Generations['daysOf']> {
    const db = await this.#ready();
    const { rows } = await db.query(
      `SELECT d.site_id, d.day, g.generation, ${CHANGED_FROM} AS changed_from, g.events, g.bots, g.rollups, g.quarter_hours,
         g.site_id IS NOT NULL AND EXISTS (SELECT 1 FROM event_counters c WHERE c.site_id = d.site_id AND c.day = d.day
           AND c.events >= ${LARGE_EVENTS_MIN}) AS is_large
       FROM (SELECT site_id, day FROM event_counters WHERE site_id = ANY($1::text[]) AND day BETWEEN $2 AND $3
             UNION SELECT site_id, day FROM event_ledger
             WHERE site_id = ANY($1::text[]) AND day BETWEEN $2 AND $3 AND outcome = 'bot') d
         LEFT JOIN event_generations g ON g.site_id = d.site_id AND g.day = d.day AND NOT ${isExpired('g')}
       ORDER BY d.site_id, d.day`,
      [...siteIds],
      firstDay,
      lastDay,
    );
    return rows.map((row) => ({
      ...siteDayOf(row),
      isLarge: row.is_large === true,
      inForce: row.generation === null ? null : sealed(String(row.site_id), row),
    }));
  }

  async begin(beforeDay: number): Promise<BegunGeneration | null> {
    const db = await this.#ready();
    return db.transaction(
      async (tx) => (await begin(tx, { beforeDay }, IS_OVER)) ?? begin(tx, { beforeDay }, IS_UNFINISHED),
    );
  }

  async beginOpen({ siteId, day }: SiteDay): Promise<BegunGeneration | null> {
    const db = await this.#ready();
    return db.transaction((tx) => begin(tx, { beforeDay: day, siteId }, IS_OPEN));
  }

  async commit(begun: BegunGeneration, made: Parameters<Generations['commit']>[1]): Promise<number> {
    const db = await this.#ready();
    return db.transaction((tx) => commit(tx, begun, made));
  }

  async unchangedAfter(after: SiteDay | null): Promise<CountedGeneration[]> {
    const db = await this.#ready();
    const { rows } = await db.query(
      `SELECT g.site_id, g.day, g.generation, g.changed_from, g.events, g.bots, g.rollups, g.quarter_hours,
         ${COUNTED.events} AS counted_events, ${COUNTED.bots} AS counted_bots
       FROM event_generations g
       WHERE g.generation IS NOT NULL AND ${CHANGED_FROM} IS NULL AND NOT ${isExpired('g')}
         AND (g.site_id, g.day) > ($1, $2::integer)
       ORDER BY g.site_id, g.day LIMIT ${AUDITED_AT_ONCE}`,
      after?.siteId ?? '',
      after?.day ?? -1,
    );
    return firstUpTo(EVENTS_AUDITED_AT_ONCE, rows).map((row) => ({
      ...sealed(String(row.site_id), row),
      counted: { events: Number(row.counted_events), bots: Number(row.counted_bots) },
    }));
  }

  async reopen(days: Parameters<Generations['reopen']>[0]): Promise<void> {
    const db = await this.#ready();
    await reopen(db, days);
  }

  async leftovers(): Promise<Generation[]> {
    const db = await this.#ready();
    // What retention deletes goes at once. A question about it gets fewer rows in any case.
    await db.query(
      `WITH expired AS (
         SELECT g.site_id, g.day, g.generation FROM event_generations g WHERE ${isExpired('g')}
         ORDER BY g.site_id, g.day LIMIT $1 FOR UPDATE
       ), deleted AS (
         DELETE FROM event_generations g USING expired x WHERE g.site_id = x.site_id AND g.day = x.day)
       INSERT INTO event_generation_leftovers (generation, site_id, day, since)
       SELECT generation, site_id, day, '-infinity' FROM expired WHERE generation IS NOT NULL`,
      LEFTOVERS_AT_ONCE,
    );
    const { rows } = await db.query(
      `SELECT generation, site_id, day FROM event_generation_leftovers
       WHERE since < now() - interval '${KEPT_MINUTES} minutes' ORDER BY since LIMIT $1`,
      LEFTOVERS_AT_ONCE,
    );
    return rows.map((row) => ({ ...siteDayOf(row), generation: Number(row.generation) }));
  }

  async forget(generations: readonly Generation[]): Promise<void> {
    const db = await this.#ready();
    await db.query(
      `DELETE FROM event_generation_leftovers l USING unnest($1::bigint[], $2::text[]) AS d (generation, site_id)
       WHERE l.generation = d.generation AND l.site_id = d.site_id`,
      generations.map(({ generation }) => generation),
      generations.map(({ siteId }) => siteId),
    );
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

const sealed = (siteId: string, row: Row): SealedGeneration => ({
  ...{ siteId, day: Number(row.day), generation: Number(row.generation) },
  changedFromMs: row.changed_from === null ? null : Number(row.changed_from),
  rows: {
    ...{ events: Number(row.events), bots: Number(row.bots) },
    ...{ rollups: Number(row.rollups), quarter_hours: Number(row.quarter_hours) },
  },
});

/** Returns the first rows whose events add up to a maximum, but at least one. */
function firstUpTo(eventsMax: number, rows: readonly Row[]): Row[] {
  let events = 0;
  const end = rows.findIndex((row, i) => {
    events += Number(row.events);
    return i > 0 && events > eventsMax;
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}

/** Whether an earlier release made the rows of the generation `g`, which lack columns. */
const IS_INCOMPLETE = 'g.complete IS DISTINCT FROM g.generation';
/** The time from which entries changed the day of `g`: all of them, if its rows lack columns. */
const CHANGED_FROM = `CASE WHEN ${IS_INCOMPLETE} THEN 0 ELSE g.changed_from END`;

/** What the counts say about the day of the generation `g`. */
const COUNTED = {
  events: `(SELECT coalesce(sum(c.events - c.excess), 0) FROM event_counters c
            WHERE c.site_id = g.site_id AND c.day = g.day)`,
  bots: `(SELECT coalesce(sum(l.count - l.excess), 0) FROM event_ledger l
          WHERE l.site_id = g.site_id AND l.day = g.day AND l.outcome = 'bot')`,
} as const;

/** Whether retention has deleted rows of a day. */
const isExpired = (g: string) =>
  `EXISTS (SELECT 1 FROM event_expiry x WHERE x.site_id = ${g}.site_id AND ${g}.day::bigint * ${DAY_MS} < x.before_at)`;
const isDirty = (g: string, mark = 'true') =>
  `EXISTS (SELECT 1 FROM event_touches t WHERE t.site_id = ${g}.site_id AND t.day = ${g}.day AND ${mark})`;
/** Whether rows of a day that came before are about to change. */
const isBeingMarked = (g: string) => isDirty(g, 't.first_at > t.last_at');

const IS_OVER = `g.day < $1 AND NOT ${isDirty('g')}`;
const IS_UNFINISHED = `g.day >= $1 AND g.changed_from IS NOT NULL AND NOT ${isBeingMarked('g')}
  AND g.made_at < now() - interval '${UNFINISHED_KEPT_MINUTES} minutes'`;
const IS_OPEN = `g.day = $1 AND g.site_id = $3 AND g.generation IS NULL AND NOT ${isBeingMarked('g')}`;

/** @param condition which days are due, beside being open or changed */
async function begin(
  tx: Queries,
  { beforeDay, siteId }: { beforeDay: number; siteId?: string },
  condition: string,
): Promise<BegunGeneration | null> {
  const { rows } = await tx.query(
    `SELECT g.site_id, g.day, ${COUNTED.events} AS events FROM event_generations g
     WHERE (g.generation IS NULL OR g.changed_from IS NOT NULL OR ${IS_INCOMPLETE}) AND NOT ${isExpired('g')}
       AND (g.making IS NULL OR g.making_since < now() - interval '${LEASE_MINUTES} minutes') AND ${condition}
     ORDER BY g.day DESC, g.site_id DESC LIMIT $2 FOR UPDATE OF g SKIP LOCKED`,
    beforeDay,
    SITES_AT_ONCE,
    ...(siteId === undefined ? [] : [siteId]),
  );
  const day = Number(rows[0]?.day);
  const sites = firstUpTo(
    EVENTS_AT_ONCE,
    rows.filter((row) => Number(row.day) === day),
  );
  if (sites.length === 0) return null;
  const siteIds = sites.map((row) => String(row.site_id));
  const events = sites.reduce((sum, row) => sum + Number(row.events), 0);
  const { rows: numbers } = await tx.query("SELECT nextval('event_generation_numbers') AS generation");
  const generation = Number(numbers[0]?.generation);
  await tx.query(
    `WITH begun AS (
       UPDATE event_generations SET making = $1, making_since = now(), making_changed_from = NULL
       WHERE site_id = ANY($2) AND day = $3
       RETURNING site_id, day)
     INSERT INTO event_generation_leftovers (generation, site_id, day) SELECT $1::bigint, site_id, day FROM begun`,
    generation,
    siteIds,
    day,
  );
  return {
    generation,
    day,
    siteIds,
    isOver: day < beforeDay,
    parts: Math.max(1, Math.ceil(events / EVENTS_AT_ONCE)),
  };
}

async function commit(
  tx: Queries,
  { generation, day, siteIds, isOver }: BegunGeneration,
  made: Parameters<Generations['commit']>[1],
): Promise<number> {
  // The next statement sees the marks of all transactions that had the locks before.
  const { rows: locked } = await tx.query(
    'SELECT site_id, generation FROM event_generations WHERE site_id = ANY($1) AND day = $2 ORDER BY site_id FOR UPDATE',
    siteIds,
    day,
  );
  const { rows } = await tx.query(
    `UPDATE event_generations g SET generation = making, complete = making, made_at = making_since,
       changed_from = CASE WHEN $8::boolean THEN NULL ELSE coalesce(making_changed_from, ${NOTHING_YET}) END,
       making = NULL, making_since = NULL, making_changed_from = NULL,
       events = m.events, bots = m.bots, rollups = m.rollups, quarter_hours = m.quarter_hours
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
       AS m (site_id, events, bots, rollups, quarter_hours)
     WHERE g.site_id = m.site_id AND g.day = $6 AND g.making = $7 AND NOT ${isExpired('g')}
       AND g.making_since > now() - interval '${LEASE_MINUTES} minutes'
       AND ($8::boolean IS FALSE OR (g.making_changed_from IS NULL AND NOT ${isDirty('g')}
       AND m.events = ${COUNTED.events} AND m.bots = ${COUNTED.bots}))
     RETURNING g.site_id`,
    made.map(({ siteId }) => siteId),
    made.map(({ rows }) => rows.events),
    made.map(({ rows }) => rows.bots),
    made.map(({ rows }) => rows.rollups),
    made.map(({ rows }) => rows.quarter_hours),
    day,
    generation,
    isOver,
  );
  const committed = new Set(rows.map((row) => String(row.site_id)));
  const replaced = locked.filter((row) => row.generation !== null && committed.has(String(row.site_id)));
  await tx.query(
    `INSERT INTO event_generation_leftovers (generation, site_id, day)
     SELECT generation, site_id, $3 FROM unnest($1::bigint[], $2::text[]) AS r (generation, site_id)`,
    replaced.map((row) => Number(row.generation)),
    replaced.map((row) => String(row.site_id)),
    day,
  );
  await tx.query(
    'DELETE FROM event_generation_leftovers WHERE generation = $1 AND site_id = ANY($2)',
    generation,
    [...committed],
  );
  return committed.size;
}
