import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Channel } from '../src/domain/channels.ts';
import { DAY_MS, HOUR_MS, utcDay } from '../src/domain/clock.ts';
import type { Dimension, FilterDimension } from '../src/domain/dimensions.ts';
import type { Entry, EventEntry, Filter, Reports, Store } from '../src/store/contract/store.ts';
import { openDatabase } from '../src/store/drivers/sqlite.ts';
import { Committer } from '../src/store/embedded/writer/commit.ts';
import { moveStore } from '../src/store/offline/move.ts';
import { openStore } from '../src/store/open.ts';

/**
 * Measures reports on a large store: events of 30 days and 50 sites, half of them of the first site, written by the production
 * code. `node server/bench/reports.ts --events 1000000 --dir /tmp/reports` reuses a folder that is filled already. With
 * `--postgres URL --clickhouse URL`, which must be empty, it moves the rows there and asks there.
 */

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    dir: { type: 'string', default: '/tmp/attractos-reports' },
    rounds: { type: 'string', default: '15' },
    postgres: { type: 'string' },
    clickhouse: { type: 'string' },
  },
});
const EVENTS = Number(values.events);
const ROUNDS = Number(values.rounds);
const SITES = 50;
const DAYS = 30;
const BATCH = 1_000;
const END_MS = Date.UTC(2026, 5, 30, 15);
const START_MS = Math.floor(END_MS / DAY_MS - DAYS + 1) * DAY_MS;
const LARGEST = 'site_00';

let state = 88_172_645;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** Returns a function that draws one of `count` items, the k-th with a weight of 1/k. */
function zipf(count: number): () => number {
  const sums: number[] = [];
  for (let k = 1; k <= count; k++) sums.push((sums.at(-1) ?? 0) + 1 / k);
  const total = sums.at(-1) ?? 1;
  return () => {
    const at = random() * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const nextOtherSite = zipf(SITES - 1);
const nextSite = () => (random() < 0.5 ? 0 : 1 + nextOtherSite());
const nextPage = zipf(2_000);
const nextSource = zipf(200);
const nextCountry = zipf(60);
const COUNTRIES = ['US', 'DE', 'GB', 'FR', 'JP', 'IN', 'BR', 'CA', 'IT', 'ES', 'NL', 'PL', 'SE', 'AU', 'MX'];
const BROWSERS = ['Chrome', 'Safari', 'Edge', 'Firefox', 'Samsung Internet', 'Opera', 'Facebook'];
const SYSTEMS = ['Windows', 'iOS', 'Android', 'macOS', 'Linux', 'ChromeOS'];
const CHANNELS: readonly Channel[] = ['direct', 'search', 'referral', 'social', 'ai', 'campaign', 'email'];
const nextBrowser = zipf(BROWSERS.length);
const nextSystem = zipf(SYSTEMS.length);
const nextChannel = zipf(CHANNELS.length);
const LANGUAGES = ['en', 'de', 'fr', 'ja', 'hi', 'pt', 'it', 'es'];
const nextCity = zipf(100);
const nextVersion = zipf(8);
const nextReferrer = zipf(2_000);

/** A visitor who is on a site now. A visit has about two and a half views, and the end of nine views in ten arrives. */
interface Guest {
  visitor: bigint;
  left: number;
  profile: Pick<
    EventEntry,
    | 'device'
    | 'screen'
    | 'timeZone'
    | 'language'
    | 'browser'
    | 'browserVersion'
    | 'os'
    | 'osVersion'
    | 'country'
    | 'region'
    | 'city'
  >;
}

const guests: Guest[][] = Array.from({ length: SITES }, () => []);
let visitors = 0n;

function newGuest(): Guest {
  visitors += 1n;
  const system = SYSTEMS[nextSystem()] ?? null;
  const country = nextCountry();
  const browser = BROWSERS[nextBrowser()] ?? null;
  const place = nextCity();
  return {
    visitor: BigInt.asIntN(64, visitors * 0x9e37_79b9_7f4a_7c15n),
    left: 1 + Math.floor(-Math.log(1 - random()) * 2),
    profile: {
      browser,
      browserVersion: `${browser} ${128 - nextVersion()}`,
      os: system,
      osVersion: `${system} ${17 - nextVersion()}`,
      screen: system === 'iOS' || system === 'Android' ? 'small' : 'large',
      language: LANGUAGES[country % LANGUAGES.length] ?? null,
      region: `Region ${country}-${place % 8}`,
      city: `City ${country}-${place}`,
      device: system === 'iOS' || system === 'Android' ? 'phone' : 'desktop',
      country: COUNTRIES[country] ?? `X${String.fromCharCode(65 + (country % 26))}`,
      timeZone: `Zone/${country}`,
    },
  };
}

function* traffic(count: number): Generator<Entry> {
  for (let i = 0; i < count; i++) {
    const receivedAtMs = START_MS + Math.floor(((END_MS - START_MS) * i) / count);
    const number = nextSite();
    const siteId = `site_${String(number).padStart(2, '0')}`;
    const here = guests[number] ?? [];
    const isNew = here.length === 0 || random() < 0.4;
    const guest = isNew ? newGuest() : here[Math.floor(random() * here.length)];
    if (guest === undefined) continue;
    if (isNew) here.push(guest);
    guest.left -= 1;
    if (guest.left <= 0 || here.length > 40) here.splice(here.indexOf(guest), 1);
    const path = `/page-${nextPage()}`;
    const host = `site${number}.example`;
    const view = BigInt.asIntN(64, BigInt(i + 1) * 0xd1b5_4a32_d192_ed03n);
    const arrival = { siteId, siteKey: null, receivedAtMs, host, path, visitor: guest.visitor, view };
    const channel = isNew ? (CHANNELS[nextChannel()] ?? 'direct') : 'direct';
    yield {
      kind: 'event',
      ...arrival,
      id: `${i.toString(36)}-${state.toString(36)}`,
      name: random() < 0.95 ? 'pageview' : 'signup',
      interactive: true,
      referrer:
        channel === 'direct' ? null : `source-${nextReferrer() % 200}.example/article-${nextReferrer()}`,
      nav: 'load',
      props: random() < 0.05 ? { plan: random() < 0.5 ? 'pro' : 'free' } : null,
      value: null,
      currency: null,
      width: 1200,
      ...guest.profile,
      channel,
      source: channel === 'direct' ? null : `source-${nextSource()}`,
      campaign: channel === 'campaign' ? 'spring' : null,
      utmSource: channel === 'campaign' ? 'newsletter' : null,
      utmMedium: channel === 'campaign' ? 'email' : null,
      utmContent: channel === 'campaign' ? `link-${Math.floor(random() * 10)}` : null,
      utmTerm: null,
    };
    if (random() < 0.9) {
      const engagedMs = Math.floor(random() * 60_000);
      const scroll = Math.floor(random() * 101);
      yield { kind: 'leave', ...arrival, id: null, engagedMs, scroll, vitals: null };
    }
    if (random() < 0.03) {
      const bot = { bot: 'GPTBot', company: 'OpenAI', botClass: 'ai-training' };
      yield { kind: 'bot', siteId, siteKey: null, id: null, receivedAtMs, host, path, ...bot };
    }
  }
}

function onBroken(error: unknown): never {
  throw error;
}

async function fill(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  // Makes all files of an installation, which belong together.
  await (await openStore({ dataDir: dir, onBroken })).close();
  const db = openDatabase(join(dir, 'events.db'), { cacheKib: 256 * 1024 });
  db.exec('PRAGMA synchronous = OFF');
  const committer = new Committer(db);
  const started = performance.now();
  const cpu = process.cpuUsage();
  let batch: Entry[] = [];
  const commit = () => {
    const forgetKeysBeforeDay = utcDay(batch[0]?.receivedAtMs ?? 0) - 2;
    committer.commit({ entries: batch, refusals: [], refusedKeys: [], textUse: [], forgetKeysBeforeDay });
    batch = [];
  };
  for (const entry of traffic(EVENTS)) {
    batch.push(entry);
    if (batch.length >= BATCH) commit();
  }
  commit();
  const used = process.cpuUsage(cpu);
  const perEvent = (used.user + used.system) / EVENTS;
  const seconds = (performance.now() - started) / 1000;
  print(
    `filled ${EVENTS} events in ${seconds.toFixed(0)} s, ${perEvent.toFixed(1)} µs of CPU an event, generator included`,
  );
  db.close();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}

async function measure(name: string, work: () => Promise<unknown>, rounds = ROUNDS): Promise<void> {
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    cpuTimes.push((user + system) / 1000);
    times.push(performance.now() - started);
  }
  const [first = 0] = times;
  const [best, worst] = [Math.min(...times), Math.max(...times)];
  print(
    `${name.padEnd(58)} median ${median(times).toFixed(1)} ms, CPU ${median(cpuTimes).toFixed(1)} ms (first ${(cpuTimes[0] ?? 0).toFixed(1)}; wall first ${first.toFixed(1)}, ${best.toFixed(1)} to ${worst.toFixed(1)})`,
  );
}

const SIX: readonly Dimension[] = ['page', 'source', 'country', 'device', 'browser', 'channel'];

/** Sends the requests of a dashboard page. */
async function dashboard(
  reports: Reports,
  { fromMs, toMs, filters }: { fromMs: number; toMs: number; filters: readonly Filter[] },
): Promise<void> {
  const scope = { siteId: LARGEST, fromMs, toMs, filters };
  const days = Math.round((toMs - fromMs) / DAY_MS);
  const boundaries = Array.from({ length: days + 1 }, (_, i) => (i === days ? toMs : fromMs + i * DAY_MS));
  await Promise.all([
    reports.totals(scope),
    reports.series({ siteId: LARGEST, filters }, boundaries),
    ...SIX.map((by) => reports.breakdown(scope, by, { limit: 10 })),
  ]);
}

/** Returns the end of the stored traffic. A fill that was interrupted is as usable as a shorter one. */
async function newestMs({ reports }: Store): Promise<number> {
  const scope = { siteId: LARGEST, fromMs: 0, toMs: END_MS };
  const [newest] = (await reports.listActivity(scope, { type: 'event', limit: 1 })).items;
  return newest?.type === 'event' ? newest.event.receivedAtMs : START_MS;
}

/** The 29 whole days. */
function wholeDays(): { fromMs: number; toMs: number; filters: readonly Filter[] } {
  return { fromMs: START_MS, toMs: utcDay(END_MS) * DAY_MS, filters: [] };
}

/** Returns the bytes of files, without the pages of the events file that are free. */
async function bytesOnDisk(dataDir: string): Promise<number> {
  const files = (await readdir(join(dataDir, 'days'), { recursive: true, withFileTypes: true })).filter(
    (file) => file.isFile(),
  );
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  const db = openDatabase(join(dataDir, 'events.db'));
  const pragma = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  const used = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  db.close();
  return sizes.reduce((sum, size) => sum + size, used);
}

async function questions(store: Store): Promise<void> {
  const { reports } = store;
  const endMs = await newestMs(store);
  const today = Math.floor(endMs / DAY_MS) * DAY_MS;
  const past = { fromMs: today - 30 * DAY_MS, toMs: today, filters: [] };
  const now = { fromMs: today - 29 * DAY_MS, toMs: endMs + 1, filters: [] };
  // Midnight in a time zone two hours ahead.
  const local = { fromMs: past.fromMs - 2 * HOUR_MS, toMs: past.toMs - 2 * HOUR_MS, filters: [] };
  const one = (by: FilterDimension, value: string): Filter[] => [{ by, values: [value], negated: false }];
  const allBut = (by: FilterDimension, value: string): Filter[] => [{ by, values: [value], negated: true }];
  const scope = { siteId: LARGEST, ...past };
  const { events, visits } = await reports.totals(scope);
  print(`largest site, 30 days: ${events} events, ${visits} visits`);
  await measure('dashboard of the whole days', () => dashboard(reports, wholeDays()));
  const filtered = {
    ...wholeDays(),
    filters: [{ by: 'country', values: ['DE'], negated: false }] satisfies Filter[],
  };
  await measure('dashboard of the whole days, filtered', () => dashboard(reports, filtered), 5);
  await measure('dashboard of 29 days and today', () => dashboard(reports, now));
  await measure('dashboard of 30 days of a zone at +02:00', () => dashboard(reports, local));
  await measure('totals', () => reports.totals(scope));
  for (const by of SIX)
    await measure(`breakdown by ${by}`, () => reports.breakdown(scope, by, { limit: 10 }));
  await measure('hours of a week', () =>
    reports.series(
      scope,
      Array.from({ length: 169 }, (_, i) => past.toMs - (168 - i) * HOUR_MS),
    ),
  );
  for (const [name, filters] of [
    ['country', one('country', 'DE')],
    ['page', one('page', '/page-3')],
    ['event', one('event', 'signup')],
    ['property', one('prop:plan', 'pro')],
    ['page, all but one', allBut('page', '/page-3')],
    ['event, all but one', allBut('event', 'signup')],
  ] as const) {
    await measure(`totals filtered by ${name}`, () => reports.totals({ ...scope, filters }), 5);
    await measure(
      `pages filtered by ${name}`,
      () => reports.breakdown({ ...scope, filters }, 'page', { limit: 10 }),
      5,
    );
  }
  await measure('breakdown by property', () => reports.breakdown(scope, 'prop:plan', { limit: 10 }), 5);
  await measure('100 newest happenings', () => reports.listActivity(scope, { type: null, limit: 100 }));
  await measure('100 newest conversions', () =>
    reports.listActivity(scope, { type: 'conversion', limit: 100 }),
  );
  await measure('100 newest referrals', () => reports.listActivity(scope, { type: 'referral', limit: 100 }));
  await measure('who is there now', () => reports.realtime(LARGEST, endMs - HOUR_MS / 2));
  const memory = process.memoryUsage().rss / 1024 ** 2;
  print(`memory of the process ${memory.toFixed(0)} MiB`);
}

const dir = `${values.dir}-${EVENTS}`;
if (!existsSync(join(dir, 'events.db'))) await fill(dir);
const { postgres, clickhouse } = values;
const databases = postgres === undefined || clickhouse === undefined ? null : { postgres, clickhouse };
if (databases !== null)
  await measure('moving them', () => moveStore({ dataDir: dir, to: databases, onProgress: () => {} }), 1);
const store = await openStore({
  dataDir: databases === null ? dir : join(dir, 'collector'),
  databases,
  onBroken,
});
await measure('sealing all days that are over', () => store.reports.sealDaysBefore(utcDay(END_MS)), 1);
await questions(store);
if (databases === null) {
  await measure('archiving them', async () => store.reports.archiveDaysBefore?.(utcDay(END_MS)), 1);
  await measure('the dashboard after that', () => dashboard(store.reports, wholeDays()));
}
await store.close();
if (databases === null)
  print(`${((await bytesOnDisk(dir)) / EVENTS).toFixed(1)} bytes an event on disk, everything included`);
