import { DAY_MS } from '../../../domain/clock.ts';
import { OTHER_HOST } from '../../contract/store.ts';
import type { Queries } from '../../drivers/postgres.ts';
import type { ActualCount, DirtyDay, DueDay, SiteDay } from '../shipping.ts';
import { columnsOf, DAYS, siteDayOf } from './site-days.ts';

/** The rows for which a day waits one second before its next count, so that counting stays a small part of the load. */
const ROWS_PER_SECOND = 20_000;
/** The longest time that a day waits for its next count. */
const LONGEST_WAIT_SECONDS = 900;
/** The timeout of reconciling a few rows. */
const DEADLINE_MS = 10_000;
/** The slowest counting for which large days have time. */
const ROWS_COUNTED_PER_MS = 100;

/** Maximum failures after which a day gets more time. */
const FAILURES_ALLOWED_FOR = 9;

/** Returns the timeout of reconciling days, which grows with their rows and their failures. */
export function reconcileDeadlineMs(days: readonly DueDay[]): number {
  const rows = days.reduce((sum, { claimed }) => sum + claimed, 0);
  const failures = Math.min(Math.max(0, ...days.map((day) => day.failures)), FAILURES_ALLOWED_FOR);
  return Math.ceil((DEADLINE_MS + rows / ROWS_COUNTED_PER_MS) * (1 + failures));
}

/**
 * Sets the overcount of dirty days. `shipping.ts` explains why this order is safe. It needs its own transaction, which holds
 * the locks of the days until the commit.
 */
export async function reconcile(
  tx: Queries,
  days: readonly DueDay[],
  { count, deadlineMs }: { count: (days: readonly DirtyDay[]) => Promise<ActualCount[]>; deadlineMs: number },
): Promise<void> {
  await tx.query(`SET LOCAL idle_in_transaction_session_timeout = ${deadlineMs}`);
  const locked = await lockDays(tx, days);
  await forgetFailures(tx, locked);
  const dirty = await takeDirtyMarks(tx, locked);
  const counted = await notExpired(tx, dirty);
  if (counted.length === 0) return;
  const claimed = await claimedOn(tx, counted);
  const actual = await count(counted);
  await setOvercount(tx, counted, overcountOf(claimed, actual));
  await scheduleNext(tx, counted, actual);
}

const nameOf = ({ siteId, day }: SiteDay) => `${siteId}\n${day}`;

/** Locks the days that no other process has locked, or has just reconciled. */
async function lockDays(tx: Queries, days: readonly DueDay[]): Promise<DueDay[]> {
  const { rows } = await tx.query(
    `SELECT s.site_id, s.day FROM event_settlements s JOIN ${DAYS} ON s.site_id = d.site_id AND s.day = d.day
     WHERE due_at <= clock_timestamp() FOR UPDATE OF s SKIP LOCKED`,
    ...columnsOf(days),
  );
  const locked = new Set(rows.map((row) => nameOf(siteDayOf(row))));
  return days.filter((day) => locked.has(nameOf(day)));
}

/** Forgets earlier failures of days. If the days fail again, this is rolled back with the rest. */
async function forgetFailures(tx: Queries, days: readonly SiteDay[]): Promise<void> {
  await tx.query(
    `DELETE FROM event_settlement_failures f USING ${DAYS} WHERE f.site_id = d.site_id AND f.day = d.day`,
    ...columnsOf(days),
  );
}

/**
 * Removes the dirty marks of days. Call it after locking the days; marks made later remain.
 *
 * @returns the days that had marks
 */
async function takeDirtyMarks(tx: Queries, days: readonly DueDay[]): Promise<DirtyDay[]> {
  const { rows } = await tx.query(
    `WITH marks AS (
       DELETE FROM event_touches t USING ${DAYS} WHERE t.site_id = d.site_id AND t.day = d.day
       RETURNING t.site_id, t.day, first_at, last_at)
     SELECT site_id, day, min(first_at) AS first_at, max(last_at) AS last_at FROM marks GROUP BY site_id, day`,
    ...columnsOf(days),
  );
  const spans = new Map(
    rows.map((row) => [
      nameOf(siteDayOf(row)),
      { firstAtMs: Number(row.first_at), lastAtMs: Number(row.last_at) },
    ]),
  );
  return days.flatMap((day) => {
    const span = spans.get(nameOf(day));
    return span === undefined ? [] : [{ ...day, ...span }];
  });
}

async function notExpired(tx: Queries, days: readonly DirtyDay[]): Promise<DirtyDay[]> {
  const { rows } = await tx.query(
    `SELECT d.site_id, d.day FROM ${DAYS} LEFT JOIN event_expiry x ON x.site_id = d.site_id
     WHERE d.day::bigint * ${DAY_MS} >= coalesce(x.before_at, 0)`,
    ...columnsOf(days),
  );
  const left = new Set(rows.map((row) => nameOf(siteDayOf(row))));
  return days.filter((day) => left.has(nameOf(day)));
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
    ...columnsOf(days),
  );
  const { rows: keys } = await tx.query(
    `SELECT k.site_id, k.day, key, events FROM event_key_use k
       JOIN ${DAYS} ON k.site_id = d.site_id AND k.day = d.day`,
    ...columnsOf(days),
  );
  return {
    lines: lines.map((row) => ({
      ...siteDayOf(row),
      outcome: String(row.outcome),
      host: String(row.host),
      count: Number(row.count),
    })),
    keys: keys.map((row) => ({ ...siteDayOf(row), key: String(row.key), events: Number(row.events) })),
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
    ...columnsOf(lines),
    lines.map(({ outcome }) => outcome),
    lines.map(({ host }) => host),
    lines.map(({ excess }) => excess),
  );
  await tx.query(
    `UPDATE event_key_use k SET excess = e.excess
     FROM unnest($1::text[], $2::integer[], $3::text[], $4::bigint[]) AS e (site_id, day, key, excess)
     WHERE k.site_id = e.site_id AND k.day = e.day AND k.key = e.key AND k.excess <> e.excess`,
    ...columnsOf(keys),
    keys.map(({ key }) => key),
    keys.map(({ excess }) => excess),
  );
  // The counter is computed from the lines, so that it never differs from the ledger.
  await tx.query(
    `UPDATE event_counters c SET excess = l.excess
     FROM (SELECT l.site_id, l.day, sum(l.excess)::bigint AS excess FROM event_ledger l
             JOIN ${DAYS} ON l.site_id = d.site_id AND l.day = d.day WHERE l.outcome = 'stored' GROUP BY l.site_id, l.day) l
     WHERE c.site_id = l.site_id AND c.day = l.day AND c.excess <> l.excess`,
    ...columnsOf(days),
  );
}

/** Lets large days wait for their next count. */
async function scheduleNext(
  tx: Queries,
  days: readonly SiteDay[],
  actual: readonly ActualCount[],
): Promise<void> {
  const rows = new Map<string, number>();
  for (const each of actual) add(rows, nameOf(each), each.rows);
  const large = days
    .map((day) => ({ ...day, seconds: Math.floor((rows.get(nameOf(day)) ?? 0) / ROWS_PER_SECOND) }))
    .filter(({ seconds }) => seconds > 0);
  if (large.length === 0) return;
  await tx.query(
    `UPDATE event_settlements s SET due_at = clock_timestamp() + w.seconds * interval '1 second'
     FROM unnest($1::text[], $2::integer[], $3::integer[]) AS w (site_id, day, seconds)
     WHERE s.site_id = w.site_id AND s.day = w.day`,
    ...columnsOf(large),
    large.map(({ seconds }) => Math.min(seconds, LONGEST_WAIT_SECONDS)),
  );
}
