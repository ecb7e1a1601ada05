import { civilDay, timeOfDay, writeDate, zoneOf } from '../domain/calendar.ts';
import { type Clock, DAY_MS, HOUR_MS } from '../domain/clock.ts';
import { HOURS_LEARNED, silencesIn } from '../domain/silences.ts';
import type { Events, Registry, Reports, Site } from '../store/contract/store.ts';
import { noteAbout } from './annotations.ts';
import { allSites } from './sites.ts';

/** Notes the hours in which a site had no events although visits are usual then. */

/** The days before a day that are examined for a silence that ends in it. A longer one is plain in any chart. */
const DAYS_BEFORE = 7;
/** The fewest events of a site in the time that is learned from. A site with fewer has silent hours as a rule. */
const EVENTS_MIN = 300;

interface Stores {
  registry: Registry;
  events: Pick<Events, 'countBySite'>;
  reports: Pick<Reports, 'series'>;
}

/**
 * Adds a note to each site whose silence ended on a UTC day. The hour after that day must be over. A note that is there already
 * is not repeated.
 */
export async function noteSilences(
  { store, clock }: { store: Stores; clock: Clock },
  day: number,
  signal: AbortSignal,
): Promise<void> {
  const learned = { firstDay: day - HOURS_LEARNED / 24, lastDay: day };
  for await (const sites of allSites(store)) {
    const ids = sites.map(({ id }) => id);
    const counts = await store.events.countBySite(ids, learned);
    for (const site of sites) {
      if (signal.aborted) return;
      if ((counts.get(site.id) ?? 0) >= EVENTS_MIN) await noteSilencesOf({ store, clock }, site, day);
    }
  }
}

async function noteSilencesOf(
  { store, clock }: { store: Stores; clock: Clock },
  site: Site,
  day: number,
): Promise<void> {
  const firstMs = (day - DAYS_BEFORE) * DAY_MS - HOURS_LEARNED * HOUR_MS;
  const atMs = (hour: number) => firstMs + hour * HOUR_MS;
  // The hour after the day shows whether a silence ends with the day.
  const boundariesMs = Array.from({ length: HOURS_LEARNED + (DAYS_BEFORE + 1) * 24 + 2 }, (_, i) => atMs(i));
  const hours = await store.reports.series({ siteId: site.id, filters: [] }, boundariesMs);
  for (const { first, hours: length, usual } of silencesIn(hours)) {
    const [fromMs, toMs] = [atMs(first), atMs(first + length)];
    if (toMs <= day * DAY_MS || toMs > (day + 1) * DAY_MS) continue;
    const zone = zoneOf(site, await store.registry.accountById(site.accountId));
    const [firstDay, lastDay] = [civilDay(zone, fromMs), civilDay(zone, toMs)];
    const end = `${timeOfDay(zone, toMs)}${firstDay === lastDay ? '' : ` on ${writeDate(lastDay)}`}`;
    const text = `No events from ${timeOfDay(zone, fromMs)} to ${end}, when about ${usual} visits are usual`;
    await noteAbout({ registry: store.registry, clock }, site, firstDay, text);
  }
}
