import { DAY_MS } from '../../clock.ts';

/** Days as people in a time zone live them. A civil day is counted in days since 1970-01-01, whatever the zone. */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

/** What the clocks of a zone show at an instant, as if it were UTC. */
export function wallClockMs(zone: string, atMs: number): number {
  if (zone === 'UTC') return atMs;
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(atMs)) part[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((atMs % 1000) + 1000) % 1000);
}

/** The civil day that holds an instant. */
export function civilDay(zone: string, atMs: number): number {
  return Math.floor(wallClockMs(zone, atMs) / DAY_MS);
}

/** The first instant of a civil day: midnight, or the end of the gap where clocks leap over it. */
export function dayStartMs(zone: string, day: number): number {
  const wanted = day * DAY_MS;
  if (zone === 'UTC') return wanted;
  const offsetAt = (atMs: number) => wallClockMs(zone, atMs) - atMs;
  const early = wanted - offsetAt(wanted - DAY_MS / 2);
  const late = wanted - offsetAt(wanted + DAY_MS / 2);
  // Clocks set back over midnight show it twice: the first time begins the day. Set forward, the later guess is the end of the gap.
  const fits = [Math.min(early, late), Math.max(early, late)].find(
    (atMs) => wallClockMs(zone, atMs) === wanted,
  );
  return fits ?? Math.max(early, late);
}

/** `2026-01-15`. */
export function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The civil day that a text names, null where it names none. */
export function readDay(text: string | null): number | null {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const day = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  return Number.isInteger(day) && isoDay(day) === text ? day : null;
}
