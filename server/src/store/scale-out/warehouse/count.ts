import type { Server } from '../../drivers/clickhouse.ts';
import { DEDUPLICATION_DAYS } from '../../shared/deduplication.ts';
import type { ActualCount, DirtyDay, SiteDay, Span } from '../shipping.ts';
import { day, integer, LAST_DAY, list, text } from './literal.ts';
import { ENTRIES } from './schema.ts';

/** A row whose event was already received on another day. */
export interface Repeat extends SiteDay {
  eventId: string;
}

/** Sites whose rows of the same day are counted together, with the span of their new rows. */
export interface SitesOfDay extends Span {
  day: number;
  siteIds: readonly string[];
  claimed: number;
  failures: number;
}

const OUTCOMES: Readonly<Record<string, ActualCount['outcome']>> = { event: 'stored', bot: 'bot' };

/**
 * The rows of a query that counts, and of one that looks for repeats. Random UUIDs, which entries without an id have, fill a
 * quarter of the ranges, so that a query may meet four times as many. Then ClickHouse 18.16 needs about two seconds.
 */
const ROWS_COUNTED_AT_ONCE = 2_000_000;
const ROWS_COMPARED_AT_ONCE = 250_000;
/** Maximum queries into which counting a day is divided. */
const RANGES_MAX = 0x1000;
/** Maximum failures after which the queries about a day become shorter. */
const FAILURES_ALLOWED_FOR = 6;

export function byDay(days: readonly DirtyDay[]): SitesOfDay[] {
  return [...Map.groupBy(days, (each) => each.day)].map(([own, sites]) => ({
    day: own,
    siteIds: sites.map(({ siteId }) => siteId),
    claimed: sites.reduce((sum, { claimed }) => sum + claimed, 0),
    failures: Math.max(...sites.map(({ failures }) => failures)),
    // A span that is too long only costs time.
    firstAtMs: Math.min(...sites.map(({ firstAtMs }) => firstAtMs)),
    lastAtMs: Math.max(...sites.map(({ lastAtMs }) => lastAtMs)),
  }));
}

/** Returns SQL conditions on the event id that divide the rows of days for counting. */
export function rangesToCount(sites: SitesOfDay): string[] {
  return idRanges(sites, sites.claimed / ROWS_COUNTED_AT_ONCE);
}

/** Returns SQL conditions on the event id that divide the new rows of days for comparing; none if there are no new rows. */
export async function rangesToCompare(server: Server, sites: SitesOfDay): Promise<string[]> {
  if (sites.firstAtMs > sites.lastAtMs) return [];
  if (sites.claimed <= ROWS_COMPARED_AT_ONCE) return idRanges(sites, 1);
  const [added] = await server.rows(`SELECT count() AS n FROM ${ENTRIES} WHERE ${newRows(sites)}`, {
    quick: true,
  });
  // The rows that they are compared with take time, too.
  return idRanges(
    sites,
    Math.max(Number(added?.n) / ROWS_COMPARED_AT_ONCE, sites.claimed / ROWS_COUNTED_AT_ONCE),
  );
}

function newRows({ day: own, siteIds, firstAtMs, lastAtMs }: SitesOfDay): string {
  return `site_id IN ${list(siteIds.map(text))} AND day = ${day(own)}
    AND received_at >= ${integer(firstAtMs)} AND received_at <= ${integer(lastAtMs)}`;
}

/**
 * Divides all ids into ranges. Rows of a day are stored in the order of ids, so reading a range is cheap. ClickHouse compares
 * the second half of a UUID first. Every id is in exactly one range, whatever the order. A server may be slower than expected,
 * so each failure divides the ranges further.
 */
function idRanges({ failures }: SitesOfDay, wanted: number): string[] {
  const finer = 2 ** Math.min(failures, FAILURES_ALLOWED_FOR);
  const count = Math.min(Math.max(Math.ceil(wanted), 1) * finer, RANGES_MAX);
  const bounds = Array.from({ length: count - 1 }, (_, i) => {
    const prefix = Math.floor(((i + 1) * 0x10000) / count);
    return `toUUID(${text(`00000000-0000-0000-${prefix.toString(16).padStart(4, '0')}-000000000000`)})`;
  });
  if (bounds.length === 0) return ['1'];
  return [null, ...bounds].map((from, i) => {
    const to = bounds[i];
    return [
      ...(from === null ? [] : [`event_id >= ${from}`]),
      ...(to === undefined ? [] : [`event_id < ${to}`]),
    ].join(' AND ');
  });
}

/** Counts rows per site, outcome, host and key. Each event id counts once per site and day. @param ids an SQL condition */
export async function countRows(
  server: Server,
  { day: own, siteIds }: SitesOfDay,
  ids: string,
): Promise<ActualCount[]> {
  const rows = await server.rows(
    `SELECT site_id, kind, host, site_key, count() AS n FROM ${ENTRIES} FINAL
     WHERE site_id IN ${list(siteIds.map(text))} AND day = ${day(own)} AND ${ids} AND kind IN ('event', 'bot')
     GROUP BY site_id, kind, host, site_key`,
    { quick: true },
  );
  return rows.flatMap((row) => {
    const outcome = OUTCOMES[String(row.kind)];
    if (outcome === undefined) return [];
    return [
      {
        ...{ siteId: String(row.site_id), day: own, outcome },
        ...{ host: String(row.host), siteKey: String(row.site_key), rows: Number(row.n) },
      },
    ];
  });
}

/**
 * Finds new events that also arrived on a nearby day, for example at two collectors on either side of midnight. Within one day,
 * the table's key removes duplicates. It reads without FINAL, which would merge all rows of five days.
 *
 * @param ids an SQL condition
 * @returns the later row of each
 */
export async function findRepeats(server: Server, sites: SitesOfDay, ids: string): Promise<Repeat[]> {
  const { day: own, siteIds } = sites;
  const [from, to] = [Math.max(own - DEDUPLICATION_DAYS, 0), Math.min(own + DEDUPLICATION_DAYS, LAST_DAY)];
  const rows = await server.rows(
    `SELECT site_id, toString(event_id) AS id, arraySort(groupArray(toUInt16(day))) AS days FROM (
       SELECT site_id, event_id, day FROM ${ENTRIES}
       WHERE site_id IN ${list(siteIds.map(text))} AND day >= ${day(from)} AND day <= ${day(to)} AND ${ids}
         AND event_id IN (SELECT event_id FROM ${ENTRIES} WHERE ${newRows(sites)} AND ${ids})
       GROUP BY site_id, event_id, day HAVING max(kind = 'duplicate') = 0)
     GROUP BY site_id, event_id HAVING count() > 1 AND has(days, ${integer(own)})`,
    { quick: true },
  );
  return rows.flatMap((row) =>
    (row.days as number[]) // as selected
      .filter((other) => other !== own)
      .map((other) => ({
        ...{ siteId: String(row.site_id), eventId: String(row.id), day: Math.max(own, other) },
      })),
  );
}

/** Returns an SQL condition that selects the rows of the given days. There must be at least one. */
export function among(days: readonly SiteDay[]): string {
  const numbers = days.map((each) => each.day);
  // The bounds let the server skip other months.
  return `(site_id, day) IN ${list(days.map((each) => `(${text(each.siteId)}, ${day(each.day)})`))}
    AND day >= ${day(Math.min(...numbers))} AND day <= ${day(Math.max(...numbers))}`;
}
