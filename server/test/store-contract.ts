import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, type DayRange, HOUR_MS, utcDay } from '../src/domain/clock.ts';
import type { RefusalReason } from '../src/domain/outcomes.ts';
import {
  type AppendOutcome,
  type EventEntry,
  type LedgerLine,
  type Props,
  StoreBusy,
  type StoredEvent,
  StoreUnavailable,
  type Store as WholeStore,
} from '../src/store/contract/store.ts';
import { NOON_MS } from './support/clock.ts';
import { bot, event, leave, refusal, SITE } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';

/** The part of the store that is checked here. */
type Store = Omit<WholeStore, 'registry'>;

/** What an engine must provide so that the promises of `store.ts` can be checked on it. */
export interface Engine {
  name: string;
  /** Opens the store at a place, and creates it if there is none. */
  open(place: string): Promise<Store>;
  /** Makes every commit of events fail halfway. @returns a function that stops this */
  failCommits(place: string): Promise<() => Promise<void>>;
  /** Number of entries that may wait for a commit. */
  queueEntries: number;
  /** Distinct hosts that the ledger keeps per site, day and outcome, not counting `other`. */
  ledgerHosts: number;
  /** Whether its databases can answer reports. */
  hasReports: boolean;
  /** Number of runs with generated events from any day of a hundred years. */
  propertyRuns: number;
}

const TODAY = utcDay(NOON_MS);
const ALL_DAYS: DayRange = { firstDay: 0, lastDay: 100_000 };

/** Checks the promises of `store.ts` about events on an engine. `registry-contract.ts` checks those about the registry. */
export function describeStore(engine: Engine): void {
  describe(`${engine.name}: events`, () => describeEvents(engine));
  describe(`${engine.name}: ledger`, () => describeLedger(engine));
  describe(`${engine.name}: faults`, () => describeFaults(engine));
}

/** Opens a store at its own place. It can be reopened, and is closed with the test. */
async function begin(engine: Engine): Promise<{ place: string; store: Store; reopen(): Promise<Store> }> {
  const place = await temporaryFolder();
  const opened = { place, store: await engine.open(place), reopen };
  async function reopen(): Promise<Store> {
    await opened.store.close();
    opened.store = await engine.open(place);
    return opened.store;
  }
  onTestFinished(() => opened.store.close());
  return opened;
}

async function count(store: Store, siteId = SITE, range = ALL_DAYS): Promise<number | undefined> {
  return (await store.events.countBySite([siteId], range)).get(siteId);
}

async function allEvents(store: Store, siteId = SITE): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.events.page(siteId, {
      limit: 1000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    events.push(...page.events);
    if (page.nextCursor === null) return events;
    cursor = page.nextCursor;
  }
}

async function expectConsistent(store: Store): Promise<void> {
  expect(await store.events.audit()).toEqual({ counters: [], ledger: [], rollups: [], integrity: [] });
}

/** Returns what an appended event reads back as. */
function readBack({ kind: _, id: __, siteKey: ___, ...entry }: EventEntry): Omit<StoredEvent, 'cursor'> {
  return entry;
}

// ── Events ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function describeEvents(engine: Engine): void {
  it('counts what was appended', async () => {
    const { store } = await begin(engine);
    expect(await store.events.append(event())).toBe('stored');
    expect(await count(store)).toBe(1);
    await expectConsistent(store);
  });

  it('keeps everything after closing and reopening', async () => {
    const { store, reopen } = await begin(engine);
    for (let i = 0; i < 3; i++) await store.events.append(event({ path: `/${i}` }));
    const again = await reopen();
    expect(await count(again)).toBe(3);
    expect((await allEvents(again)).map(({ path }) => path)).toEqual(['/2', '/1', '/0']);
    await expectConsistent(again);
  });

  it('finishes accepted entries before it closes', async () => {
    const { store, reopen } = await begin(engine);
    const outcomes = Promise.all(Array.from({ length: 3500 }, () => store.events.append(event())));
    store.events.refuse(refusal());
    const again = await reopen();
    expect(new Set(await outcomes)).toEqual(new Set(['stored']));
    expect(await count(again)).toBe(3500);
    expect(await ledgerOf(again)).toMatchObject({ 'wrong-domain': 1 });
    await expectConsistent(again);
  });

  it('accepts nothing after it is closed', async () => {
    const { store, reopen } = await begin(engine);
    await store.close();
    await store.close();
    await expect(store.events.append(event())).rejects.toThrow(StoreUnavailable);
    expect(await count(await reopen())).toBe(0);
  });

  describe('a repeated id counts once', () => {
    const first = event({ id: 'a-view', path: '/first' });
    const again = event({ id: 'a-view', path: '/again' });

    it('recognizes a simultaneous repeat in the same batch', async () => {
      const { store } = await begin(engine);
      const outcomes = await Promise.all([
        store.events.append(first),
        store.events.append(again),
        store.events.append(event()),
        store.events.append(again),
      ]);
      expect(outcomes).toEqual(['stored', 'duplicate', 'stored', 'duplicate']);
      expect(await count(store)).toBe(2);
      await expectConsistent(store);
    });

    it('recognizes a later repeat', async () => {
      const { store } = await begin(engine);
      await store.events.append(first);
      expect(await store.events.append({ ...again, receivedAtMs: NOON_MS + 5 * HOUR_MS })).toBe('duplicate');
      expect((await allEvents(store)).map(({ path }) => path)).toEqual(['/first']);
    });

    it('recognizes a repeat after the store was reopened', async () => {
      const { store, reopen } = await begin(engine);
      await store.events.append(first);
      const reopened = await reopen();
      expect(await reopened.events.append(again)).toBe('duplicate');
      expect(await count(reopened)).toBe(1);
    });

    it.each([
      { name: 'over midnight', from: '2026-05-14T23:59:59.999Z', afterMs: 1 },
      { name: 'over the end of a month', from: '2026-05-31T23:59:59.999Z', afterMs: 1 },
      { name: 'over the end of a year', from: '2026-12-31T12:00:00.000Z', afterMs: 47 * HOUR_MS },
      {
        name: '48 hours later, from the end of a day',
        from: '2026-05-14T23:59:59.999Z',
        afterMs: 2 * DAY_MS,
      },
      { name: '48 hours later, from its start', from: '2026-05-14T00:00:00.000Z', afterMs: 2 * DAY_MS },
      {
        name: 'with a clock that was set back over midnight',
        from: '2026-05-15T00:00:00.500Z',
        afterMs: -1000,
      },
    ])('$name', async ({ from, afterMs }) => {
      const { store, reopen } = await begin(engine);
      const receivedAtMs = Date.parse(from);
      await store.events.append({ ...first, receivedAtMs });
      expect(await store.events.append({ ...again, receivedAtMs: receivedAtMs + afterMs })).toBe('duplicate');
      const reopened = await reopen();
      expect(await reopened.events.append({ ...again, receivedAtMs: receivedAtMs + afterMs })).toBe(
        'duplicate',
      );
      expect(await count(reopened)).toBe(1);
      await expectConsistent(reopened);
    });

    it('may count again after the deduplication window', async () => {
      const { store } = await begin(engine);
      await store.events.append(first);
      expect(await store.events.append({ ...again, receivedAtMs: NOON_MS + 4 * DAY_MS })).toBe('stored');
      expect(await count(store)).toBe(2);
      await expectConsistent(store);
    });

    it('takes a repeated id on another site as a different event', async () => {
      const { store } = await begin(engine);
      await store.events.append(first);
      expect(await store.events.append({ ...first, siteId: 'site_another' })).toBe('stored');
      expect(await count(store)).toBe(1);
      expect(await count(store, 'site_another')).toBe(1);
    });
  });

  it('records a bot visit with a repeated id once, and one without an id each time', async () => {
    const { store } = await begin(engine);
    expect(await store.events.append(bot({ id: 'visit' }))).toBe('stored');
    expect(await store.events.append(bot({ id: 'visit' }))).toBe('duplicate');
    expect(await store.events.append(bot())).toBe('stored');
    expect(await store.events.append(bot())).toBe('stored');
    const lines = await store.events.ledger(SITE, ALL_DAYS);
    expect(lines.map(({ outcome, count }) => [outcome, count]).sort()).toEqual([
      ['bot', 3],
      ['duplicate', 1],
    ]);
  });

  it('never treats an event without an id as a duplicate', async () => {
    const { store } = await begin(engine);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.events.append(event())));
    expect(outcomes).toEqual(Array(5).fill('stored'));
    expect(await store.events.append(event())).toBe('stored');
    expect(await count(store)).toBe(6);
  });

  it('distinguishes ids to the last bit, including unpaired surrogates and NUL', async () => {
    const { store } = await begin(engine);
    const ids = [
      'a',
      'A',
      'a ',
      'a\0',
      'a\0b',
      '\u00e5',
      'a\u030a',
      '\ud800',
      '\ud801',
      '\udc00',
      '\ufffd',
      'x'.repeat(40),
    ];
    for (const id of ids) expect(await store.events.append(event({ id }))).toBe('stored');
    for (const id of ids) expect(await store.events.append(event({ id }))).toBe('duplicate');
    expect(await count(store)).toBe(ids.length);
  });

  it('does not count leaves and bot visits', async () => {
    const { store } = await begin(engine);
    expect(await store.events.append(leave({ id: 'one' }))).toBe('stored');
    expect(await store.events.append(leave({ id: 'one' }))).toBe('duplicate');
    expect(await store.events.append(leave({ vitals: { lcp: 1200.5, cls: 0.01 }, view: null }))).toBe(
      'stored',
    );
    expect(await store.events.append(bot())).toBe('stored');
    expect(await store.events.append(bot())).toBe('stored');
    expect(await count(store)).toBe(0);
    expect(await allEvents(store)).toEqual([]);
    await expectConsistent(store);
  });

  it('bounds a month to the millisecond', async () => {
    const { store } = await begin(engine);
    const start = Date.UTC(2026, 1, 1);
    const end = Date.UTC(2026, 2, 1);
    for (const receivedAtMs of [start - 1, start, end - 1, end])
      await store.events.append(event({ receivedAtMs }));
    const month = { firstDay: utcDay(start), lastDay: utcDay(end) - 1 };
    expect(await count(store, SITE, month)).toBe(2);
    expect(await count(store, SITE, { firstDay: month.firstDay - 1, lastDay: month.lastDay })).toBe(3);
    expect(await count(store, SITE, { firstDay: month.firstDay, lastDay: month.lastDay + 1 })).toBe(3);
    expect(await count(store)).toBe(4);
    await expectConsistent(store);
  });

  it('returns 0 for a site without events and for an unknown site', async () => {
    const { store } = await begin(engine);
    await store.events.append(event());
    const counts = await store.events.countBySite([SITE, 'site_quiet', '', 'site_"; --'], ALL_DAYS);
    expect([...counts]).toEqual([
      [SITE, 1],
      ['site_quiet', 0],
      ['', 0],
      ['site_"; --', 0],
    ]);
    expect(await store.events.countBySite([SITE], { firstDay: TODAY + 1, lastDay: TODAY + 9 })).toEqual(
      new Map([[SITE, 0]]),
    );
    expect(await store.events.countBySite([], ALL_DAYS)).toEqual(new Map());
  });

  it('counts each of hundreds of simultaneous events once', async () => {
    const { store } = await begin(engine);
    const sites = Array.from({ length: 7 }, (_, i) => `site_${i}`);
    const entries = Array.from({ length: 700 }, (_, i) =>
      // Every fifth event is sent twice.
      event({
        siteId: sites[i % 7] ?? '',
        id: `id-${i % 5 === 0 ? i : i - (i % 5 === 1 ? 1 : 0)}`,
        path: `/${i % 11}`,
      }),
    );
    const outcomes = await Promise.all(entries.map((entry) => store.events.append(entry)));
    const ids = new Set(entries.map(({ siteId, id }) => `${siteId} ${id}`));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(ids.size);
    const counts = await store.events.countBySite(sites, ALL_DAYS);
    expect([...counts.values()].reduce((sum, each) => sum + each, 0)).toBe(ids.size);
    await expectConsistent(store);
  });

  it('returns the longest and strangest values unchanged', async () => {
    const { store } = await begin(engine);
    const strange: EventEntry[] = [
      event({
        host: `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`,
        name: 'n'.repeat(64),
        path: `/${'%F0%9F%98%80'.repeat(1700)}`,
        referrer: `other.example/${'r'.repeat(2000)}`,
        visitor: -(2n ** 63n),
        nav: 'prerender',
        props: Object.fromEntries(
          Array.from({ length: 30 }, (_, i) => [`${i}`.padStart(64, 'k'), '\u{1f600}'.repeat(250)]),
        ),
        value: Number.MAX_VALUE,
        currency: 'XXX',
        view: 2n ** 63n - 1n,
        width: 100_000,
        timeZone: 'America/Argentina/ComodRivadavia',
        id: '\u{10ffff}'.repeat(20),
      }),
      event({
        name: '\0',
        path: '/\0/\u2028',
        props: { '': '', '\0': '\0', constructor: 'x' },
        value: 5e-324,
        visitor: 0n,
      }),
      event({ props: JSON.parse('{"__proto__":"kept","toString":1,"a":false,"lone":"\\ud800"}') as Props }),
      event({
        name: "'; DROP TABLE events; --",
        path: '/\'"`;',
        timeZone: '',
        width: 0,
        value: -0.1,
        visitor: 2n ** 63n - 1n,
      }),
      event({ props: {}, view: -(2n ** 63n), referrer: '' }),
    ];
    for (const entry of strange) expect(await store.events.append(entry)).toBe('stored');
    const stored = (await allEvents(store)).reverse();
    expect(stored.map(({ cursor: _, ...rest }) => rest)).toEqual(strange.map(readBack));
    expect(Object.entries(stored[2]?.props ?? {})).toEqual(Object.entries(strange[2]?.props ?? {}));
  });

  it('returns any appended values unchanged', async () => {
    const { store } = await begin(engine);
    const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
    const textOrNull = (maxLength: number) => fc.option(text(maxLength));
    const hash = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0); // no -0, which is not a price
    const utf16 = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
      .map((units) => String.fromCharCode(...units));
    let visitors = 0n;
    const anyEvent: fc.Arbitrary<EventEntry> = fc.record({
      kind: fc.constant('event' as const),
      siteId: fc.constant('site_anything'),
      siteKey: fc.constant(null),
      receivedAtMs: fc.integer({ min: 0, max: Date.UTC(2100, 0) }),
      host: text(253),
      id: fc.constant(null),
      name: text(64),
      interactive: fc.boolean(),
      path: text(2048),
      referrer: textOrNull(512),
      visitor: fc.constant(0n),
      nav: textOrNull(10),
      props: fc.option(fc.dictionary(utf16, fc.oneof(utf16, number, fc.boolean()), { maxKeys: 30 })),
      value: fc.option(number),
      currency: textOrNull(3),
      view: fc.option(hash),
      width: fc.option(fc.nat(100_000)),
      timeZone: textOrNull(64),
      device: fc.constant(null),
      browser: fc.constant(null),
      browserVersion: textOrNull(64),
      os: fc.constant(null),
      osVersion: textOrNull(64),
      language: textOrNull(10),
      screen: textOrNull(10),
      country: fc.constant(null),
      region: textOrNull(100),
      city: textOrNull(100),
      source: fc.constant(null),
      channel: fc.constant('direct' as const),
      campaign: fc.constant(null),
      utmSource: textOrNull(128),
      utmMedium: textOrNull(128),
      utmContent: textOrNull(128),
      utmTerm: textOrNull(128),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { minLength: 1, maxLength: 8 }), async (made) => {
        // Each has its own visitor, because a visit takes its visitor's details from its first event.
        const entries = made.map((entry) => ({
          ...entry,
          visitor: BigInt.asIntN(64, ++visitors * 0x9e37_79b9_7f4a_7c15n),
        }));
        const before = (await allEvents(store, 'site_anything')).length;
        await Promise.all(entries.map((entry) => store.events.append(entry)));
        const after = await allEvents(store, 'site_anything');
        expect(after).toHaveLength(before + entries.length);
        for (const entry of entries) {
          const same = after.filter(({ receivedAtMs }) => receivedAtMs === entry.receivedAtMs);
          expect(same.map(({ cursor: _, ...rest }) => rest)).toContainEqual(readBack(entry));
        }
      }),
      { numRuns: engine.propertyRuns },
    );
    await expectConsistent(store);
  });

  it('stores text with unpaired surrogates as well-formed Unicode', async () => {
    const { store } = await begin(engine);
    await store.events.append(event({ name: 'a\ud800b' }));
    await store.events.append(event({ name: 'a\udc00b' }));
    expect((await allEvents(store)).map(({ name }) => name)).toEqual(['a\ufffdb', 'a\ufffdb']);
  });

  describe('pages', () => {
    it('list the newest first, and those of one millisecond in order of arrival', async () => {
      const { store } = await begin(engine);
      for (const [i, offset] of [0, 0, 5, 0, -5].entries()) {
        await store.events.append(event({ path: `/${i}`, receivedAtMs: NOON_MS + offset }));
      }
      expect((await allEvents(store)).map(({ path }) => path)).toEqual(['/2', '/3', '/1', '/0', '/4']);
    });

    it('end with a null cursor, even if the last page is full', async () => {
      const { store } = await begin(engine);
      expect(await store.events.page(SITE, { limit: 1 })).toEqual({ events: [], nextCursor: null });
      for (let i = 0; i < 4; i++) await store.events.append(event());
      const { events, nextCursor } = await store.events.page(SITE, { limit: 2 });
      expect(events).toHaveLength(2);
      const last = await store.events.page(SITE, { limit: 2, cursor: nextCursor ?? '' });
      expect(last.events).toHaveLength(2);
      expect(last.nextCursor).toBeNull();
    });

    it('list each event once while others arrive', async () => {
      const { store } = await begin(engine);
      const before = Array.from({ length: 25 }, (_, i) => `/${i}`);
      // Several per millisecond, so that pages end between them.
      for (const [i, path] of before.entries()) {
        await store.events.append(event({ path, receivedAtMs: NOON_MS + Math.floor(i / 4) }));
      }
      const seen: string[] = [];
      let arrived = 0;
      for (let cursor: string | undefined; ; ) {
        const page = await store.events.page(SITE, { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.events.map(({ path }) => path));
        await store.events.append(event({ path: '/new', receivedAtMs: NOON_MS + 6 + arrived++ }));
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      expect(arrived).toBeGreaterThan(8);
      expect(seen).toEqual([...before].reverse());
    });

    it('accept a made-up cursor', async () => {
      const { store } = await begin(engine);
      await store.events.append(event());
      for (const cursor of ['', 'x', '1.2.3', 'NaN.NaN', `${'9'.repeat(400)}.0`, '-1.-1', "1' OR 1"]) {
        const page = await store.events.page(SITE, { limit: 10, cursor });
        expect(page.events.length).toBeLessThanOrEqual(1);
      }
    });

    it('contain no events of another site', async () => {
      const { store } = await begin(engine);
      await store.events.append(event());
      expect(await allEvents(store, 'site_another')).toEqual([]);
    });
  });

  it('deletes old events and keeps their counts', async () => {
    const { store, reopen } = await begin(engine);
    const old = Array.from({ length: 5 }, (_, i) =>
      event({ receivedAtMs: NOON_MS - DAY_MS, id: `old-${i}` }),
    );
    await Promise.all([...old, event({ path: '/new' })].map((entry) => store.events.append(entry)));
    await store.events.append(leave({ receivedAtMs: NOON_MS - DAY_MS }));
    await store.events.append(bot({ receivedAtMs: NOON_MS - DAY_MS }));
    await store.events.append(event({ siteId: 'site_another', receivedAtMs: NOON_MS - 3 * DAY_MS }));
    await store.events.append(event({ siteId: 'site_kept', receivedAtMs: NOON_MS - 3 * DAY_MS }));
    const limits = [
      { siteId: SITE, beforeMs: NOON_MS },
      { siteId: 'site_another', beforeMs: NOON_MS - 2 * DAY_MS },
      { siteId: 'site_unheard_of', beforeMs: NOON_MS },
    ];
    expect(await store.events.expire(limits)).toBe(8);
    expect(await store.events.expire(limits)).toBe(0);
    expect(await store.events.expire([])).toBe(0);
    const again = await reopen();
    expect(await allEvents(again, 'site_another')).toEqual([]);
    expect(await allEvents(again, 'site_kept')).toHaveLength(1);
    expect((await allEvents(again)).map(({ path }) => path)).toEqual(['/new']);
    expect(await count(again)).toBe(6);
    expect(await ledgerOf(again)).toEqual({ stored: 6, bot: 1 });
    // A repeat of an event that was deleted is still a repeat.
    expect(await again.events.append(event({ id: 'old-0' }))).toBe('duplicate');
    await expectConsistent(again);
  });

  it('removes all events of a site, even late ones, and keeps its counts', async () => {
    const { store, reopen } = await begin(engine);
    const scope = { siteId: SITE, fromMs: NOON_MS - 5 * DAY_MS, toMs: NOON_MS + DAY_MS, filters: [] };
    for (const receivedAtMs of [NOON_MS - 3 * DAY_MS, NOON_MS]) {
      await store.events.append(event({ receivedAtMs, path: `/${receivedAtMs}` }));
      await store.events.append(leave({ receivedAtMs }));
      await store.events.append(bot({ receivedAtMs }));
    }
    await store.events.append(event({ siteId: 'site_another', path: '/another' }));
    const pages = async ({ reports }: Store) =>
      engine.hasReports ? (await reports.breakdown(scope, 'page', { limit: 10 })).rows : [];
    expect(await pages(store)).toHaveLength(engine.hasReports ? 2 : 0);
    const holding = () => store.events.holding(['site_unheard_of', SITE, 'site_another', "it's"]);
    expect(await holding()).toEqual([SITE, 'site_another']);
    expect(await store.events.holding([])).toEqual([]);

    expect(await store.events.remove(SITE)).toBe(6);
    expect(await holding()).toEqual(['site_another']);
    expect(await store.events.remove(SITE)).toBe(0);
    for (const underWay of [event({ path: '/under-way' }), leave(), bot()]) {
      await store.events.append(underWay);
      expect(await holding()).toEqual([SITE, 'site_another']);
      expect(await store.events.remove(SITE)).toBe(1);
      expect(await holding()).toEqual(['site_another']);
    }
    expect(await store.events.remove('site_unheard_of')).toBe(0);

    const again = await reopen();
    expect(await allEvents(again)).toEqual([]);
    expect(await pages(again)).toEqual([]);
    if (engine.hasReports)
      expect(await again.reports.totals(scope)).toMatchObject({ visitors: 0, events: 0 });
    expect(await count(again)).toBe(3);
    expect(await ledgerOf(again)).toEqual({ stored: 3, bot: 3 });
    expect((await allEvents(again, 'site_another')).map(({ path }) => path)).toEqual(['/another']);
    await expectConsistent(again);
  });

  it('reports the counts of each site key', async () => {
    const { store, reopen } = await begin(engine);
    await store.events.append(event({ siteKey: 'ak_one', id: 'x', receivedAtMs: NOON_MS }));
    await store.events.append(event({ siteKey: 'ak_one', id: 'x', receivedAtMs: NOON_MS + 1 }));
    await store.events.append(leave({ siteKey: 'ak_one', receivedAtMs: NOON_MS + 2 }));
    await store.events.append(bot({ siteKey: 'ak_two', receivedAtMs: NOON_MS + 3 }));
    store.events.refuse(refusal({ siteKey: 'ak_three', receivedAtMs: NOON_MS + 4 }));
    await store.events.append(event());
    const again = await reopen();
    expect(await again.events.keyUse(SITE)).toEqual([
      { key: 'ak_three', events: 0, lastSeenAtMs: NOON_MS + 4 },
      { key: 'ak_two', events: 0, lastSeenAtMs: NOON_MS + 3 },
      { key: 'ak_one', events: 1, lastSeenAtMs: NOON_MS + 2 },
    ]);
    // An earlier receipt time does not move it back, and another site is independent.
    await again.events.append(event({ siteKey: 'ak_one', receivedAtMs: NOON_MS - DAY_MS }));
    await again.events.append(event({ siteKey: 'ak_two', receivedAtMs: NOON_MS + DAY_MS }));
    await again.events.append(event({ siteId: 'site_another', siteKey: 'ak_four' }));
    again.events.refuse(refusal({ siteKey: 'ak_three', receivedAtMs: NOON_MS + 5 }));
    await again.events.flush();
    expect(await again.events.keyUse(SITE)).toEqual([
      { key: 'ak_two', events: 1, lastSeenAtMs: NOON_MS + DAY_MS },
      { key: 'ak_three', events: 0, lastSeenAtMs: NOON_MS + 5 },
      { key: 'ak_one', events: 2, lastSeenAtMs: NOON_MS + 2 },
    ]);
    expect(await again.events.keyUse('site_another')).toEqual([
      { key: 'ak_four', events: 1, lastSeenAtMs: NOON_MS },
    ]);
  });
}

// ── Ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns a site's ledger, by outcome. */
async function ledgerOf(store: Store, siteId = SITE): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { outcome, count: counted } of await store.events.ledger(siteId, ALL_DAYS))
    sums[outcome] = (sums[outcome] ?? 0) + counted;
  return sums;
}

function describeLedger(engine: Engine): void {
  it('has lines for stored events, duplicates, refusals and bot visits', async () => {
    const { store } = await begin(engine);
    await store.events.append(event({ id: 'x', receivedAtMs: NOON_MS }));
    await store.events.append(event({ id: 'x', receivedAtMs: NOON_MS + 1000, host: 'www.example.com' }));
    await store.events.append(bot({ receivedAtMs: NOON_MS + 2000 }));
    store.events.refuse(refusal({ receivedAtMs: NOON_MS + 4000 }));
    store.events.refuse(refusal({ receivedAtMs: NOON_MS + 3000 }));
    store.events.refuse(refusal({ reason: 'malformed', host: '' }));
    store.events.refuse(refusal({ reason: 'malformed', host: '', field: 'props.items' }));
    await store.events.flush();
    const line = (
      outcome: string,
      host: string,
      counted: number,
      first: number,
      last: number,
      field = '',
    ): LedgerLine => ({
      day: TODAY,
      outcome,
      host,
      field,
      count: counted,
      firstAtMs: NOON_MS + first,
      lastAtMs: NOON_MS + last,
    });
    const ledger = await store.events.ledger(SITE, { firstDay: TODAY, lastDay: TODAY });
    expect(ledger).toHaveLength(6);
    expect(ledger).toEqual(
      expect.arrayContaining([
        line('stored', 'example.com', 1, 0, 0),
        line('duplicate', 'www.example.com', 1, 1000, 1000),
        line('bot', 'example.com', 1, 2000, 2000),
        line('wrong-domain', 'copy.example', 2, 3000, 4000),
        line('malformed', '', 1, 0, 0),
        line('malformed', '', 1, 0, 0, 'props.items'),
      ]),
    );
    await expectConsistent(store);
  });

  it('omits leaves, which are not events', async () => {
    const { store } = await begin(engine);
    await store.events.append(leave({ id: 'x' }));
    await store.events.append(leave({ id: 'x' }));
    expect(await store.events.ledger(SITE, ALL_DAYS)).toEqual([]);
  });

  it('separates days and sites', async () => {
    const { store } = await begin(engine);
    const midnight = Date.UTC(2026, 4, 15);
    for (const receivedAtMs of [midnight - 1, midnight]) store.events.refuse(refusal({ receivedAtMs }));
    store.events.refuse(refusal({ siteId: 'site_another' }));
    await store.events.flush();
    expect((await store.events.ledger(SITE, ALL_DAYS)).map(({ day }) => day)).toEqual([
      utcDay(midnight) - 1,
      utcDay(midnight),
    ]);
    expect(
      await store.events.ledger(SITE, { firstDay: utcDay(midnight), lastDay: utcDay(midnight) }),
    ).toHaveLength(1);
    expect(await ledgerOf(store, 'site_another')).toEqual({ 'wrong-domain': 1 });
    expect(await store.events.ledger('site_unheard_of', ALL_DAYS)).toEqual([]);
  });

  it('writes refusals even without other traffic', async () => {
    const { store } = await begin(engine);
    store.events.refuse(refusal());
    await expect.poll(() => ledgerOf(store)).toEqual({ 'wrong-domain': 1 });
  });

  it('adds to existing lines, also after reopening', async () => {
    const { store, reopen } = await begin(engine);
    for (let i = 0; i < 3; i++) store.events.refuse(refusal());
    await store.events.flush();
    store.events.refuse(refusal());
    const again = await reopen();
    again.events.refuse(refusal());
    await again.events.flush();
    expect(await again.events.ledger(SITE, ALL_DAYS)).toMatchObject([{ host: 'copy.example', count: 5 }]);
  });

  it('counts exactly but limits hosts when a flood names many', async () => {
    const { store, reopen } = await begin(engine);
    const hosts = Array.from({ length: 3 * engine.ledgerHosts }, (_, i) => `h${i}.example`);
    for (const [i, host] of hosts.entries()) {
      store.events.refuse(refusal({ host }));
      store.events.refuse(refusal({ host: 'copy.example' }));
      if (i % 10 === 0) await store.events.flush();
    }
    await Promise.all(hosts.map((host) => store.events.append(event({ host }))));
    const again = await reopen();
    const ledger = await again.events.ledger(SITE, ALL_DAYS);
    for (const [outcome, wanted] of [
      ['wrong-domain', 2 * hosts.length],
      ['stored', hosts.length],
    ] as const) {
      const lines = ledger.filter((line) => line.outcome === outcome);
      expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(wanted);
      expect(lines.length).toBeLessThanOrEqual(engine.ledgerHosts + 1);
      expect(lines.map(({ host }) => host)).toContain('other');
    }
    // Hosts that were there before the flood keep their own row.
    expect(ledger).toContainEqual(expect.objectContaining({ host: 'copy.example', count: hosts.length }));
    await expectConsistent(again);
  });

  it('balances: received = stored + duplicates + bot visits + refused', async () => {
    const { store } = await begin(engine);
    const kinds = fc.constantFrom('event', 'bot', 'refusal');
    const arrivals = fc.array(fc.tuple(kinds, fc.nat(9), fc.nat(3)), { maxLength: 60 });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(arrivals, async (list) => {
        const siteId = `site_${runs++}`;
        const waiting: Promise<AppendOutcome>[] = [];
        for (const [kind, id, day] of list) {
          const receivedAtMs = NOON_MS + day * DAY_MS;
          if (kind === 'event')
            waiting.push(store.events.append(event({ siteId, id: `${id}`, receivedAtMs })));
          else if (kind === 'bot') waiting.push(store.events.append(bot({ siteId, receivedAtMs })));
          else
            store.events.refuse(refusal({ siteId, receivedAtMs, reason: `reason-${id}` as RefusalReason }));
        }
        await Promise.all(waiting);
        await store.events.flush();
        const ledger = await ledgerOf(store, siteId);
        expect(Object.values(ledger).reduce((sum, each) => sum + each, 0)).toBe(list.length);
        expect(ledger.stored ?? 0).toBe(await count(store, siteId));
      }),
      { numRuns: engine.propertyRuns },
    );
    await expectConsistent(store);
  });
}

// ── Faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function describeFaults(engine: Engine): void {
  it('rolls back a failed commit, and continues when the engine is back', async () => {
    const { place, store, reopen } = await begin(engine);
    await store.events.append(event({ id: 'before' }));
    const mend = await engine.failCommits(place);
    const lost = [
      event({ id: 'one', path: '/never/seen/before' }),
      event({ id: 'two' }),
      leave({ id: 'three' }),
      bot({ bot: 'never seen before' }),
    ];
    for (const result of await Promise.allSettled(lost.map((entry) => store.events.append(entry)))) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
      expect(result).not.toMatchObject({ reason: expect.any(StoreBusy) });
    }
    expect(await count(store)).toBe(1);
    expect(await allEvents(store)).toHaveLength(1);
    expect(await ledgerOf(store)).toEqual({ stored: 1 });
    await expectConsistent(store);

    await mend();
    for (const entry of lost) expect(await store.events.append(entry)).toBe('stored');
    await until(
      () => store.events.health(),
      ({ ok }) => ok,
    );
    expect(await store.events.append(event({ id: 'before' }))).toBe('duplicate');
    const again = await reopen();
    expect(await count(again)).toBe(3);
    expect((await allEvents(again)).map(({ path }) => path)).toContain('/never/seen/before');
    expect(await ledgerOf(again)).toEqual({ stored: 3, bot: 1, duplicate: 1 });
    await expectConsistent(again);
  });

  it('keeps refusals if a commit fails', async () => {
    const { place, store } = await begin(engine);
    store.events.refuse(refusal());
    const mend = await engine.failCommits(place);
    store.events.refuse(refusal());
    await expect(store.events.flush()).rejects.toThrow(StoreUnavailable);
    store.events.refuse(refusal({ reason: 'malformed' }));
    await expect(store.events.append(event())).rejects.toThrow(StoreUnavailable);
    await mend();
    await store.events.flush();
    expect(await ledgerOf(store)).toEqual({ 'wrong-domain': 2, malformed: 1 });
  });

  it('closes despite a failing engine, and reports what it could not store', async () => {
    const { place, store, reopen } = await begin(engine);
    const mend = await engine.failCommits(place);
    const append = store.events.append(event());
    append.catch(() => undefined);
    await store.close();
    await expect(append).rejects.toThrow(StoreUnavailable);
    await mend();
    expect(await count(await reopen())).toBe(0);
  });

  it('reports a full queue as busy, and keeps everything it accepted', async () => {
    const { store } = await begin(engine);
    const results = await Promise.allSettled(
      Array.from({ length: engine.queueEntries + 50 }, (_, i) => store.events.append(event({ id: `${i}` }))),
    );
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(refused).toHaveLength(50);
    for (const reason of refused) expect(reason).toBeInstanceOf(StoreBusy);
    expect(await count(store)).toBe(engine.queueEntries);
    // There is room again, and refused events were not remembered.
    expect(store.events.fill()).toBe(0);
    expect(await store.events.append(event({ id: `${engine.queueEntries + 1}` }))).toBe('stored');
    await expectConsistent(store);
  });
}
