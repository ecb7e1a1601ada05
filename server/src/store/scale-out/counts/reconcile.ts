import { DAY_MS } from '../../../domain/clock.ts';
import { OTHER_HOST } from '../../contract/store.ts';
import type { Queries, Row } from '../../drivers/postgres.ts';
import type { ActualCount, SiteDay } from '../shipping.ts';

/** Maximum days reconciled in one transaction, since counting them must be quick. */
const DAYS_AT_ONCE = 200;
/** Maximum dirty marks read to find days to reconcile. */
const MARKS_AT_ONCE = 5_000;
/** The rows for which a day waits one second before its next count, so that counting stays a small part of the load. */
const ROWS_PER_SECOND = 20_000;
/** The longest time that a day waits for its next count. */
const LONGEST_WAIT_SECONDS = 900;

/**
 * Sets the overcount of dirty days. `shipping.ts` explains why this order is safe. It needs its own transaction, which holds
 * the locks of the days until the commit.
 *
 * @returns the number of days that were reconciled
 */
export async function reconcile(
  tx: Queries,
  count: (days: readonly SiteDay[]) => Promise<ActualCount[]>,
): Promise<number> {
  const locked = await lockDueDays(tx);
  if (locked.length === 0) return 0;
  const dirtyMarks = await dirtyMarksOf(tx, locked);
  const days = await notExpired(tx, locked);
  if (days.length > 0) {
    const claimed = await claimedOn(tx, days);
    const actual = await count(days);
    await setOvercount(tx, days, overcountOf(claimed, actual));
    await postpone(tx, days, actual);
  }
  await tx.query('DELETE FROM event_touches WHERE no = ANY($1::bigint[])', dirtyMarks);
  return locked.length;
}

const siteDay = (row: Row): SiteDay => ({ siteId: String(row.site_id), day: Number(row.day) });
const columns = (days: readonly SiteDay[]) =>
  [days.map(({ siteId }) => siteId), days.map(({ day }) => day)] as const;
const DAYS = 'unnest($1::text[], $2::integer[]) AS d (site_id, day)';

async function lockDueDays(tx: Queries): Promise<SiteDay[]> {
  await tx.query(
    `INSERT INTO event_settlements (site_id, day)
     SELECT DISTINCT site_id, day FROM (SELECT site_id, day FROM event_touches ORDER BY no LIMIT $1) t
     ORDER BY site_id, day ON CONFLICT DO NOTHING`,
    MARKS_AT_ONCE,
  );
  const { rows } = await tx.query(
    `SELECT site_id, day FROM event_settlements s
     WHERE due_at <= clock_timestamp() AND (site_id, day) IN
       (SELECT site_id, day FROM event_touches ORDER BY no LIMIT $1)
     ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    MARKS_AT_ONCE,
    DAYS_AT_ONCE,
  );
  return rows.map(siteDay);
}

/** Reads the dirty marks of days. Call it after locking the days; marks made later remain. */
async function dirtyMarksOf(tx: Queries, days: readonly SiteDay[]): Promise<number[]> {
  const { rows } = await tx.query(
    `SELECT no FROM event_touches t JOIN ${DAYS} ON t.site_id = d.site_id AND t.day = d.day`,
    ...columns(days),
  );
  return rows.map(({ no }) => Number(no));
}

async function notExpired(tx: Queries, days: readonly SiteDay[]): Promise<SiteDay[]> {
  const { rows } = await tx.query(
    `SELECT d.site_id, d.day FROM ${DAYS} LEFT JOIN event_expiry x ON x.site_id = d.site_id
     WHERE d.day::bigint * ${DAY_MS} >= coalesce(x.before_at, 0)`,
    ...columns(days),
  );
  return rows.map(siteDay);
}

/** The claimed counts of several days, by ledger line and by key. */
interface Claimed {
  lines: (SiteDay & { outcome: string; host: string; count: number })[];
  keys: (SiteDay & { key: string; events: number })[];
}

/** Reads the claimed counts of days. Call it before counting the rows, so that the count includes all claimed rows. */
async function claimedOn(tx: Queries, days: readonly SiteDay[]): Promise<Claimed> {
  const { rows: lines } = await tx.query(
    `SELECT l.site_id, l.day, outcome, host, count FROM event_ledger l
       JOIN ${DAYS} ON l.site_id = d.site_id AND l.day = d.day WHERE outcome IN ('stored', 'bot')`,
    ...columns(days),
  );
  const { rows: keys } = await tx.query(
    `SELECT k.site_id, k.day, key, events FROM event_key_use k
       JOIN ${DAYS} ON k.site_id = d.site_id AND k.day = d.day`,
    ...columns(days),
  );
  return {
    lines: lines.map((row) => ({
      ...siteDay(row),
      outcome: String(row.outcome),
      host: String(row.host),
      count: Number(row.count),
    })),
    keys: keys.map((row) => ({ ...siteDay(row), key: String(row.key), events: Number(row.events) })),
  };
}

/** The claimed counts that exceed the rows, by ledger line and by key. */
interface Overcount {
  lines: (Claimed['lines'][number] & { excess: number })[];
  keys: (Claimed['keys'][number] & { excess: number })[];
}

function overcountOf(claimed: Claimed, actual: readonly ActualCount[]): Overcount {
  const groupOf = ({ siteId, day }: SiteDay, outcome: string) => `${siteId}\n${day}\n${outcome}`;
  const lineOf = (of: SiteDay & { outcome: string }, host: string) => `${groupOf(of, of.outcome)}\n${host}`;
  const known = new Set(claimed.lines.map((line) => lineOf(line, line.host)));
  const lines = new Surplus();
  const keys = new Surplus();
  for (const line of claimed.lines)
    lines.claim(groupOf(line, line.outcome), lineOf(line, line.host), line.count);
  for (const use of claimed.keys) keys.claim(groupOf(use, ''), groupOf(use, use.key), use.events);
  for (const each of actual) {
    const line = lineOf(each, stored(each.host));
    lines.have(groupOf(each, each.outcome), known.has(line) ? line : lineOf(each, OTHER_HOST), each.rows);
    if (each.outcome === 'stored' && each.siteKey !== '')
      keys.have(groupOf(each, ''), groupOf(each, each.siteKey), each.rows);
  }
  return {
    lines: claimed.lines.map((line) => ({
      ...line,
      excess: lines.take(groupOf(line, line.outcome), lineOf(line, line.host)),
    })),
    keys: claimed.keys.map((use) => ({
      ...use,
      excess: keys.take(groupOf(use, ''), groupOf(use, use.key)),
    })),
  };
}

/** Converts a string to the form that PostgreSQL stores, without NUL. */
function stored(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** Computes the overcount of each item. The sum over a group's items never exceeds the group's overcount. */
class Surplus {
  readonly #groups = new Map<string, number>();
  readonly #items = new Map<string, number>();

  claim(group: string, item: string, count: number): void {
    add(this.#groups, group, count);
    add(this.#items, item, count);
  }

  have(group: string, item: string, count: number): void {
    add(this.#groups, group, -count);
    add(this.#items, item, -count);
  }

  /** Takes an item's overcount, limited to what remains of its group's. */
  take(group: string, item: string): number {
    const left = this.#groups.get(group) ?? 0;
    const taken = Math.max(0, Math.min(left, this.#items.get(item) ?? 0));
    this.#groups.set(group, left - taken);
    return taken;
  }
}

function add(to: Map<string, number>, name: string, more: number): void {
  to.set(name, (to.get(name) ?? 0) + more);
}

async function setOvercount(
  tx: Queries,
  days: readonly SiteDay[],
  { lines, keys }: Overcount,
): Promise<void> {
  await tx.query(
    `UPDATE event_ledger l SET excess = e.excess
     FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::bigint[]) AS e (site_id, day, outcome, host, excess)
     WHERE l.site_id = e.site_id AND l.day = e.day AND l.outcome = e.outcome AND l.host = e.host AND l.excess <> e.excess`,
    ...columns(lines),
    lines.map(({ outcome }) => outcome),
    lines.map(({ host }) => host),
    lines.map(({ excess }) => excess),
  );
  await tx.query(
    `UPDATE event_key_use k SET excess = e.excess
     FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[]) AS e (site_id, day, key, excess)
     WHERE k.site_id = e.site_id AND k.day = e.day AND k.key = e.key AND k.excess <> e.excess`,
    ...columns(keys),
    keys.map(({ key }) => key),
    keys.map(({ excess }) => excess),
  );
  // The counter is computed from the lines, so that it never differs from the ledger.
  await tx.query(
    `UPDATE event_counters c SET excess = l.excess
     FROM (SELECT l.site_id, l.day, sum(l.excess)::bigint AS excess FROM event_ledger l
             JOIN ${DAYS} ON l.site_id = d.site_id AND l.day = d.day WHERE l.outcome = 'stored' GROUP BY l.site_id, l.day) l
     WHERE c.site_id = l.site_id AND c.day = l.day AND c.excess <> l.excess`,
    ...columns(days),
  );
}

/** Postpones the next count of days, longer for larger days. */
async function postpone(
  tx: Queries,
  days: readonly SiteDay[],
  actual: readonly ActualCount[],
): Promise<void> {
  const rows = new Map<string, number>();
  for (const each of actual) {
    const name = `${each.siteId}\n${each.day}`;
    rows.set(name, (rows.get(name) ?? 0) + each.rows);
  }
  const seconds = days.map(({ siteId, day }) =>
    Math.min(Math.floor((rows.get(`${siteId}\n${day}`) ?? 0) / ROWS_PER_SECOND), LONGEST_WAIT_SECONDS),
  );
  await tx.query(
    `UPDATE event_settlements s SET due_at = clock_timestamp() + w.seconds * interval '1 second'
     FROM unnest($1::text[], $2::integer[], $3::integer[]) AS w (site_id, day, seconds)
     WHERE s.site_id = w.site_id AND s.day = w.day`,
    ...columns(days),
    seconds,
  );
}
