import { OTHER_HOST } from '../../contract/store.ts';
import type { Queries } from '../../drivers/postgres.ts';
import { addToLedger, type LedgerDelta } from '../../shared/ledger-delta.ts';
import type { Batch, ClaimedCounts } from '../shipping.ts';
import { insertCounters, insertLines } from './insert-counts.ts';
import { columnsOf } from './site-days.ts';

/** Maximum hosts per site, day and outcome; further ones are counted under `other`. */
const LEDGER_HOSTS = 100;

/** How long batch ids are kept. No collector may return with its spool after a longer absence. */
const BATCHES_KEPT_DAYS = 90;
/** Maximum old batch ids deleted with each batch, so that transactions stay short. */
const BATCHES_FORGOTTEN = 10;

/** Adds a batch's claimed counts, unless they were added before, and marks its days dirty. Must run in a transaction. */
export async function merge(tx: Queries, { id, claimed }: Pick<Batch, 'id' | 'claimed'>): Promise<void> {
  const { count } = await tx.query('INSERT INTO event_batches (id) VALUES ($1) ON CONFLICT DO NOTHING', id);
  if (count === 0) return;
  const lines = await foldHosts(tx, claimed.ledger);
  await addCounters(tx, lines);
  await addLines(tx, lines);
  await addKeys(tx, claimed.keys);
  await markDirty(tx, claimed.days);
  await tx.query(
    `DELETE FROM event_batches WHERE id IN (SELECT id FROM event_batches
       WHERE merged_at < now() - $1::integer * interval '1 day' ORDER BY merged_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    BATCHES_KEPT_DAYS,
    BATCHES_FORGOTTEN,
  );
}

/** Orders lines so that all merges take locks in the same order and cannot deadlock. */
function byPlace(a: LedgerDelta, b: LedgerDelta): number {
  return placeOf(a) < placeOf(b) ? -1 : 1;
}

function placeOf({ siteId, day, outcome, host }: LedgerDelta): string {
  return `${siteId}\n${day}\n${outcome}\n${host}`;
}

/** Counts hosts beyond the limit under `other`, since anyone can make up the hosts of refused beacons. */
async function foldHosts(tx: Queries, ledger: readonly LedgerDelta[]): Promise<LedgerDelta[]> {
  const groups = new Map<string, Set<string>>();
  const groupOf = ({ siteId, day, outcome }: Omit<LedgerDelta, 'host'>) => `${siteId}\n${day}\n${outcome}`;
  for (const delta of ledger) groups.set(groupOf(delta), new Set());
  const first = new Map(ledger.map((delta) => [groupOf(delta), delta]));
  const asked = [...first.values()];
  const { rows } = await tx.query(
    `SELECT l.site_id, l.day, l.outcome, l.host FROM event_ledger l
       JOIN unnest($1::text[], $2::integer[], $3::text[]) AS g (site_id, day, outcome)
         ON l.site_id = g.site_id AND l.day = g.day AND l.outcome = g.outcome`,
    ...columnsOf(asked),
    asked.map(({ outcome }) => outcome),
  );
  for (const row of rows) groups.get(`${row.site_id}\n${row.day}\n${row.outcome}`)?.add(String(row.host));
  const folded = new Map<string, LedgerDelta>();
  for (const delta of ledger) {
    const hosts = groups.get(groupOf(delta));
    const kept = hosts?.has(delta.host) || (hosts?.size ?? 0) < LEDGER_HOSTS;
    if (kept) hosts?.add(delta.host);
    addToLedger(folded, kept ? delta : { ...delta, host: OTHER_HOST });
  }
  return [...folded.values()].sort(byPlace);
}

async function addCounters(tx: Queries, lines: readonly LedgerDelta[]): Promise<void> {
  const days = new Map<string, { siteId: string; day: number; events: number }>();
  for (const { siteId, day, outcome, count } of lines) {
    if (outcome !== 'stored') continue;
    const known = days.get(`${siteId}\n${day}`);
    if (known === undefined) days.set(`${siteId}\n${day}`, { siteId, day, events: count });
    else known.events += count;
  }
  await insertCounters(
    tx,
    [...days.values()],
    'ON CONFLICT (site_id, day) DO UPDATE SET events = event_counters.events + excluded.events',
  );
}

async function addLines(tx: Queries, lines: readonly LedgerDelta[]): Promise<void> {
  await insertLines(
    tx,
    lines,
    `ON CONFLICT (site_id, day, outcome, host) DO UPDATE SET count = event_ledger.count + excluded.count,
       first_at = least(event_ledger.first_at, excluded.first_at), last_at = greatest(event_ledger.last_at, excluded.last_at)`,
  );
}

async function addKeys(tx: Queries, keys: ClaimedCounts['keys']): Promise<void> {
  const sorted = keys.toSorted((a, b) =>
    `${a.siteId}\n${a.key}\n${a.day}` < `${b.siteId}\n${b.key}\n${b.day}` ? -1 : 1,
  );
  await tx.query(
    `INSERT INTO event_key_use (site_id, key, day, events, last_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[])
     ON CONFLICT (site_id, key, day) DO UPDATE SET events = event_key_use.events + excluded.events,
       last_at = greatest(event_key_use.last_at, excluded.last_at)`,
    sorted.map(({ siteId }) => siteId),
    sorted.map(({ key }) => key),
    sorted.map(({ day }) => day),
    sorted.map(({ events }) => events),
    sorted.map(({ lastSeenAtMs }) => lastSeenAtMs),
  );
}

async function markDirty(tx: Queries, days: ClaimedCounts['days']): Promise<void> {
  await tx.query(
    `INSERT INTO event_touches (site_id, day, first_at, last_at)
     SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])`,
    ...columnsOf(days),
    days.map(({ firstAtMs }) => firstAtMs),
    days.map(({ lastAtMs }) => lastAtMs),
  );
}
