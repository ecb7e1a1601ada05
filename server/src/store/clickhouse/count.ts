import type { SiteDay, Truth } from '../shipping.ts';
import type { Server } from './driver.ts';
import { day, LAST_DAY, list, text } from './literal.ts';
import { ENTRIES } from './schema.ts';

/** An event that had come on another day already. */
export interface Repeat extends SiteDay {
  eventId: string;
}

/** Days around its own on which the same id is the same event: the window is 48 hours. */
const DAYS_AROUND = [-2, -1, 1, 2] as const;
const OUTCOMES: Readonly<Record<string, Truth['outcome']>> = { event: 'stored', bot: 'bot' };

/** Rows by what they are counted under: each site, day and id once. */
export async function countDays(server: Server, days: readonly SiteDay[]): Promise<Truth[]> {
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
 * Events of some days that also came on a day around: two collectors on either side of midnight, or hours apart. Within one
 * day the table's key tells them. @returns the later row of each
 */
export async function findRepeats(server: Server, days: readonly SiteDay[]): Promise<Repeat[]> {
  const repeats = new Map<string, Repeat>();
  for (const own of new Set(days.map((each) => each.day))) {
    const siteIds = days.filter((each) => each.day === own).map(({ siteId }) => siteId);
    // A day that ClickHouse has not would be the last it has, and that may be its own.
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

/** A condition on rows: that they are of one of these days, of which there must be one. */
export function among(days: readonly SiteDay[]): string {
  const numbers = days.map((each) => each.day);
  // The bounds tell the server which months it need not look at.
  return `(site_id, day) IN ${list(days.map((each) => `(${text(each.siteId)}, ${day(each.day)})`))}
    AND day >= ${day(Math.min(...numbers))} AND day <= ${day(Math.max(...numbers))}`;
}
