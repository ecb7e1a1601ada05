import type { Server } from '../../drivers/clickhouse.ts';
import { DEDUPLICATION_DAYS } from '../../shared/deduplication.ts';
import type { ActualCount, SiteDay } from '../shipping.ts';
import { day, LAST_DAY, list, text } from './literal.ts';
import { ENTRIES } from './schema.ts';

/** A row whose event was already received on another day. */
export interface Repeat extends SiteDay {
  eventId: string;
}

/** The offsets in days at which the same event is searched for. */
const DAYS_AROUND = Array.from(
  { length: 2 * DEDUPLICATION_DAYS + 1 },
  (_, i) => i - DEDUPLICATION_DAYS,
).filter((by) => by !== 0);
const OUTCOMES: Readonly<Record<string, ActualCount['outcome']>> = { event: 'stored', bot: 'bot' };

/** Counts rows per site, day, outcome, host and key. Each event id counts once per site and day. */
export async function countDays(server: Server, days: readonly SiteDay[]): Promise<ActualCount[]> {
  const rows = await server.rows(
    `SELECT site_id, toUInt16(day) AS d, kind, host, site_key, count() AS n FROM ${ENTRIES} FINAL
     WHERE ${among(days)} AND kind IN ('event', 'bot') GROUP BY site_id, day, kind, host, site_key`,
    { quick: true },
  );
  return rows.flatMap((row) => {
    const outcome = OUTCOMES[String(row.kind)];
    if (outcome === undefined) return [];
    return [
      {
        siteId: String(row.site_id),
        day: Number(row.d),
        outcome,
        host: String(row.host),
        siteKey: String(row.site_key),
        rows: Number(row.n),
      },
    ];
  });
}

/**
 * Finds events of the given days that also arrived on a nearby day, for example at two collectors on either side of midnight.
 * Within one day, the table's key removes duplicates. @returns the later row of each
 */
export async function findRepeats(server: Server, days: readonly SiteDay[]): Promise<Repeat[]> {
  const repeats = new Map<string, Repeat>();
  for (const own of new Set(days.map((each) => each.day))) {
    const siteIds = days.filter((each) => each.day === own).map(({ siteId }) => siteId);
    // A day beyond ClickHouse's range would become the last day in it, which may be the day itself.
    const others = DAYS_AROUND.map((by) => own + by).filter((other) => other >= 0 && other <= LAST_DAY);
    const around = siteIds.flatMap((siteId) => others.map((other) => ({ siteId, day: other })));
    const rows = await server.rows(
      `SELECT site_id, toString(event_id) AS id, toUInt16(day) AS d FROM ${ENTRIES} FINAL
       WHERE ${among(around)} AND kind != 'duplicate' AND (site_id, event_id) IN (
         SELECT site_id, event_id FROM ${ENTRIES} FINAL
         WHERE ${among(siteIds.map((siteId) => ({ siteId, day: own })))} AND kind != 'duplicate')`,
      { quick: true },
    );
    for (const row of rows) {
      const repeat = {
        siteId: String(row.site_id),
        eventId: String(row.id),
        day: Math.max(own, Number(row.d)),
      };
      repeats.set(`${repeat.siteId}\n${repeat.eventId}\n${repeat.day}`, repeat);
    }
  }
  return [...repeats.values()];
}

/** Returns an SQL condition that selects the rows of the given days. There must be at least one. */
export function among(days: readonly SiteDay[]): string {
  const numbers = days.map((each) => each.day);
  // The bounds let the server skip other months.
  return `(site_id, day) IN ${list(days.map((each) => `(${text(each.siteId)}, ${day(each.day)})`))}
    AND day >= ${day(Math.min(...numbers))} AND day <= ${day(Math.max(...numbers))}`;
}
