import type { Channel } from '../../src/domain/channels.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/clock.ts';
import type { Entry, EventEntry, Props } from '../../src/store/contract/store.ts';
import { bot, event, leave } from './entries.ts';

/** Returns a generator of numbers from 0 to below 1, repeatable by seed. https://en.wikipedia.org/wiki/Xorshift */
export function randomFrom(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export interface Traffic {
  seed: number;
  fromMs: number;
  days: number;
  /** Number of entries per day. */
  perDay: number;
  visitors: number;
  /** Share of entries before which the clock steps back, by up to three hours within the same day. */
  clockSteps: number;
}

const CHANNELS: readonly Channel[] = ['direct', 'search', 'social', 'ai', 'referral', 'campaign', 'email'];

const VALUES = [
  { value: 49.9, currency: 'EUR' },
  { value: null, currency: null },
  { value: 0.1, currency: 'USD' },
  { value: 0.2, currency: 'USD' },
  { value: 1_234_567.891_234, currency: null },
  { value: -5.5, currency: 'EUR' },
  { value: 0, currency: 'JPY' },
] as const;

/** Generates days of traffic of one site, in order of arrival. */
export function trafficOf({ seed, fromMs, days, perDay, visitors, clockSteps }: Traffic): Entry[] {
  const random = randomFrom(seed);
  const below = (end: number) => Math.floor(random() * end);
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T; // never empty here
  const entries: Entry[] = [];
  for (let day = 0; day < days; day++) {
    const startMs = fromMs + day * DAY_MS;
    const views: { visitor: bigint; view: bigint; path: string }[] = [];
    for (let i = 0; i < perDay; i++) {
      // Bunched, so that visits have several events and there are gaps too. Some are on boundaries of quarter hours and days.
      let atMs = startMs + Math.floor((i / perDay) * DAY_MS) + below(4) * MINUTE_MS;
      if (random() < clockSteps) atMs -= below(3 * HOUR_MS);
      if (random() < 0.05) atMs -= atMs % (15 * MINUTE_MS);
      if (random() < 0.02) atMs = startMs + DAY_MS - 1;
      atMs = Math.min(Math.max(atMs, startMs), startMs + DAY_MS - 1);
      const who = below(visitors);
      // A visitor id is valid for one day, and may be any signed 64-bit number.
      const visitor = BigInt.asIntN(64, BigInt(day * 1000 + who + 1) * 0x9e37_79b9_7f4a_7c15n);
      const kind = random();
      const receivedAtMs = atMs;
      if (kind < 0.12) {
        const crawler = one([
          { bot: 'GPTBot', company: 'OpenAI', botClass: 'ai-training' },
          { bot: 'Googlebot', company: 'Google', botClass: 'search' },
          { bot: 'other', company: null, botClass: 'other' },
        ]);
        entries.push(bot({ ...crawler, receivedAtMs, path: one(['/', '/robots']) }));
      } else if (kind < 0.3 && views.length > 0) {
        const left = one(views.slice(-12));
        const engagedMs = random() < 0.1 ? null : below(20_000);
        const scroll = random() < 0.1 ? null : below(100);
        entries.push(leave({ ...left, receivedAtMs, engagedMs, scroll, vitals: vitalsOf(entries.length) }));
      } else {
        const view = BigInt(entries.length);
        const made = madeUpEvent({ random, one, receivedAtMs, visitor, who });
        views.push({ visitor, view, path: made.path });
        entries.push(made);
      }
    }
  }
  return entries;
}

/** Returns web vitals: none in a quarter of cases, as of the smaller scripts; all; or those of engines without the others. */
function vitalsOf(n: number): Readonly<Record<string, number>> | null {
  if (n % 4 === 0) return null;
  const load = { fcp: (n * 91) % 4000, ttfb: ((n * 53) % 2500) + 0.1 };
  if (n % 4 === 1) return load;
  return {
    ...load,
    lcp: ((n * 131) % 6000) + 0.5,
    cls: (n % 7) * 0.05,
    ...(n % 3 === 0 ? { inp: (n * 8) % 640 } : {}),
  };
}

function madeUpEvent({
  random,
  one,
  receivedAtMs,
  visitor,
  who,
}: {
  random: () => number;
  one: <T>(of: readonly T[]) => T;
  receivedAtMs: number;
  visitor: bigint;
  who: number;
}): EventEntry {
  const channel = random() < 0.4 ? one(CHANNELS) : 'direct';
  const name = random() < 0.75 ? 'pageview' : one(['signup', 'purchase']);
  const none = receivedAtMs % 3 === 0 ? {} : null;
  const props: Props | null =
    random() < 0.4 ? { plan: one<string | number | boolean>(['pro', 'free', 7, true]) } : none;
  return event({
    receivedAtMs,
    visitor,
    name,
    props,
    // What the other numbers are made of stays the same.
    ...(name === 'pageview' && who % 4 !== 0 ? {} : VALUES[receivedAtMs % VALUES.length]),
    channel,
    path: one(['/', '/a', '/b', '/b?x=1', '/b?x=2', '/long/path', '/c#']),
    host: who % 5 === 0 ? one(['example.com', 'www.example.com']) : 'example.com',
    source: channel === 'direct' ? null : one(['Google', 'ChatGPT', 'news.example']),
    campaign: random() < 0.1 ? 'spring' : null,
    country: [null, 'DE', 'FR', 'JP'][who % 4] ?? null,
    device: who % 3 === 0 ? 'phone' : 'desktop',
    browser: ['Chrome', 'Firefox', null][who % 3] ?? null,
    os: who % 2 === 0 ? 'Linux' : 'iOS',
    interactive: name === 'pageview' ? who % 6 > 0 : random() < 0.5,
    referrer: channel === 'direct' ? null : one(['news.example/a', 'news.example/b', 'google.com/']),
    utmSource: channel === 'campaign' ? one(['letter', 'Flyer']) : null,
    utmMedium: channel === 'campaign' ? one(['email', null]) : null,
    utmContent: channel === 'campaign' ? one(['top', 'foot', null]) : null,
    utmTerm: channel === 'campaign' ? one([null, 'shoes', '']) : null,
    region: [null, 'Berlin', 'Île-de-France', 'Tokyo'][who % 4] ?? null,
    city: [null, 'Berlin', 'Paris', null][who % 4] ?? null,
    browserVersion: ['Chrome 128', 'Firefox 115', null][who % 3] ?? null,
    osVersion: who % 2 === 0 ? null : 'iOS 17',
    language: ['de', 'fr', null, 'ja', 'en'][who % 5] ?? null,
    screen: ['small', 'medium', 'large', null][who % 4] ?? null,
    timeZone: 'Europe/Berlin',
    width: 300 + who,
  });
}
