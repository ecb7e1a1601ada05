import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, utcDay } from '../../domain/clock.ts';
import type { RefusalReason } from '../../domain/outcomes.ts';
import type { Entry, EventEntry, Refusal } from '../../store/contract/store.ts';
import { Random } from './random.ts';
import {
  ASSISTANTS,
  BROKEN_DAY,
  BROKEN_HOURS,
  COUNTRIES,
  CRAWLERS,
  DAYS,
  DEVICES,
  ENTRIES,
  HOURS,
  LAUNCH_DAY,
  LAUNCH_ORIGINS,
  NEXT,
  ORIGINS,
  type Origin,
  WEEKDAYS,
} from './scene.ts';

/** Generates 90 days of realistic traffic: weekdays, a launch, AI assistants, crawlers, a broken deployment and refusals. */

export interface SiteOf {
  siteId: string;
  siteKey: string;
  domain: string;
}

/** A day of traffic, with its entries in order of time. */
export interface DayOfTraffic {
  /** The number of the day, from 0 to 89. */
  day: number;
  entries: Entry[];
  refusals: Refusal[];
}

/**
 * Generates the days, oldest first. No entry is later than `nowMs`.
 *
 * @param visitsADay the mean number of visits on an ordinary day at the end of the 90 days
 */
export function* trafficOf(
  site: SiteOf,
  { seed, nowMs, visitsADay }: { seed: number; nowMs: number; visitsADay: number },
): Generator<DayOfTraffic> {
  const random = new Random(seed);
  const today = utcDay(nowMs);
  for (let day = 0; day < DAYS; day++) {
    const startMs = (today - DAYS + 1 + day) * DAY_MS;
    const mood = 0.85 + random.next() * 0.3;
    const launch = day < LAUNCH_DAY ? 0 : 4.5 * Math.exp(-(day - LAUNCH_DAY) / 2);
    const growth = 0.55 + (0.45 * day) / DAYS;
    const ordinary = visitsADay * growth * mood * (WEEKDAYS[new Date(startMs).getUTCDay()] ?? 1);
    const entries: Entry[] = [];
    const visits = Math.round(ordinary * (1 + launch));
    for (let i = 0; i < visits; i++) {
      const fromLaunch = random.chance(launch / (1 + launch));
      const origin = fromLaunch ? random.pick(LAUNCH_ORIGINS) : originOn(day, random);
      entries.push(...visit(site, momentOf(startMs, random), origin, random));
    }
    for (let i = 0; i < visits / 6; i++) entries.push(crawl(site, momentOf(startMs, random), random));
    if (day === DAYS - 1) entries.push(...presence(site, nowMs, random));
    yield {
      day,
      entries: entries
        .filter(
          ({ receivedAtMs }) =>
            receivedAtMs <= nowMs && !(day === BROKEN_DAY && isBroken(receivedAtMs - startMs)),
        )
        .sort((a, b) => a.receivedAtMs - b.receivedAtMs),
      refusals: refusalsOn(day, site, startMs, random).filter(({ receivedAtMs }) => receivedAtMs <= nowMs),
    };
  }
}

function isBroken(sinceMidnightMs: number): boolean {
  return sinceMidnightMs >= BROKEN_HOURS.from * HOUR_MS && sinceMidnightMs < BROKEN_HOURS.to * HOUR_MS;
}

function momentOf(startMs: number, random: Random): number {
  const hour = random.pick(HOURS.map((weight, at) => [at, weight] as const));
  return Math.floor(startMs + hour * HOUR_MS + random.next() * HOUR_MS);
}

function originOn(day: number, random: Random): Origin {
  return random.chance(0.02 + (0.12 * day) / DAYS) ? random.pick(ASSISTANTS) : random.pick(ORIGINS);
}

/** Generates the entries of a few current visitors. */
function presence(site: SiteOf, nowMs: number, random: Random): Entry[] {
  return Array.from({ length: 7 }, () =>
    visit(site, Math.floor(nowMs - random.next() * 4 * MINUTE_MS), random.pick(ORIGINS), random).slice(0, 1),
  ).flat();
}

/** Generates the page views of a visit, each with its leave. */
function visit(site: SiteOf, startMs: number, origin: Origin, random: Random): Entry[] {
  const device = random.pick(DEVICES);
  const who = { visitor: random.bits(), country: random.pick(COUNTRIES), ...device };
  const arrival = { siteId: site.siteId, siteKey: site.siteKey, host: site.domain };
  const event = (more: Pick<EventEntry, 'receivedAtMs' | 'path'> & Partial<EventEntry>): EventEntry => ({
    kind: 'event',
    ...arrival,
    ...who,
    id: idFrom(random),
    name: PAGEVIEW,
    interactive: true,
    nav: 'soft',
    props: null,
    value: null,
    currency: null,
    view: null,
    timeZone: null,
    referrer: null,
    ...{ source: origin.source, channel: origin.channel, campaign: origin.campaign },
    ...{ utmSource: null, utmMedium: null, utmContent: null, utmTerm: null, region: null, city: null },
    ...{ browserVersion: null, osVersion: null, language: null, screen: null },
    ...more,
  });
  const entries: Entry[] = [];
  const isDeep = random.chance(0.48);
  const views = isDeep ? 2 + Math.floor(random.around(1.6)) : 1;
  let atMs = startMs;
  let path = random.pick(ENTRIES);
  for (let i = 0; i < views; i++) {
    const view = random.bits();
    const first = i === 0 ? { nav: 'load', referrer: origin.referrer } : {};
    entries.push(event({ receivedAtMs: atMs, path, view, ...first }));
    const engagedMs = Math.floor(random.around(isDeep ? 45 * SECOND_MS : 14 * SECOND_MS) + SECOND_MS);
    atMs += engagedMs + random.below(5) * SECOND_MS;
    const converted = conversionOn(path, random);
    if (converted !== null) entries.push(event({ receivedAtMs: atMs - 500, path, view, ...converted }));
    const scroll = 10 + random.below(91);
    entries.push({
      kind: 'leave',
      ...arrival,
      receivedAtMs: atMs,
      id: idFrom(random),
      path,
      visitor: who.visitor,
      view,
      engagedMs,
      scroll,
      vitals: vitalsOf(view, who.device === 'phone'),
    });
    path = random.pick(NEXT);
  }
  return entries;
}

/** Derives web vitals of a view from its number. Phones take longer, and only some engines measure layout shift. */
function vitalsOf(view: bigint, isPhone: boolean): Readonly<Record<string, number>> {
  const below = (end: number, shift: bigint) => Number(BigInt.asUintN(64, view) >> shift) % end;
  const slower = isPhone ? 1.6 : 1;
  const ttfb = Math.round(slower * (80 + below(600, 0n)));
  const fcp = ttfb + Math.round(slower * (200 + below(900, 8n)));
  return {
    ...{ ttfb, fcp, lcp: fcp + Math.round(slower * below(1_400, 16n)) },
    ...(below(3, 24n) > 0 ? { cls: below(20, 28n) ** 2 / 2_000 } : {}),
    ...(below(4, 36n) > 0 ? { inp: Math.round(slower * (24 + 8 * below(26, 40n))) } : {}),
  };
}

function conversionOn(path: string, random: Random): Partial<EventEntry> | null {
  if (path === '/download' && random.chance(0.45))
    return {
      name: 'download',
      props: {
        system: random.pick([
          ['macOS', 4],
          ['Windows', 5],
          ['Linux', 2],
        ]),
      },
    };
  if (path === '/pricing' && random.chance(0.09))
    return {
      name: 'signup',
      props: {
        plan: random.pick([
          ['free', 6],
          ['personal', 3],
          ['team', 1],
        ]),
        yearly: random.chance(0.4),
      },
      value: 29,
      currency: 'EUR',
    };
  return null;
}

function crawl({ siteId, siteKey, domain }: SiteOf, receivedAtMs: number, random: Random): Entry {
  return {
    kind: 'bot',
    siteId,
    siteKey,
    receivedAtMs,
    host: domain,
    path: random.pick(ENTRIES),
    ...random.pick(CRAWLERS),
  };
}

function refusalsOn(
  day: number,
  { siteId, siteKey, domain }: SiteOf,
  startMs: number,
  random: Random,
): Refusal[] {
  const some = (count: number, reason: RefusalReason, host: string): Refusal[] =>
    Array.from({ length: count }, () => ({
      siteId,
      siteKey,
      receivedAtMs: momentOf(startMs, random),
      reason,
      host,
    }));
  const isWeekday = WEEKDAYS[new Date(startMs).getUTCDay()] ?? 0;
  return [
    ...(isWeekday > 1 ? some(random.below(6), 'local-host', 'localhost') : []),
    ...(day > DAYS - 8 ? some(10 + random.below(25), 'wrong-domain', `staging.${domain}`) : []),
    ...(random.chance(0.2) ? some(1 + random.below(3), 'wrong-domain', 'mirror-of-pages.example') : []),
  ];
}

function idFrom(random: Random): string {
  return `d${random.below(2 ** 32).toString(36)}${random.below(2 ** 32).toString(36)}`;
}
