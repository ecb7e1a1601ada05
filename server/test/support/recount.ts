import { MINUTE_MS, SECOND_MS, utcDay } from '../../src/domain/clock.ts';
import type { Dimension, FilterDimension, ViewDimension } from '../../src/domain/dimensions.ts';
import type { GoalTarget } from '../../src/domain/goals.ts';
import type { Measures } from '../../src/domain/measures.ts';
import type { Money } from '../../src/domain/money.ts';
import { VITALS } from '../../src/domain/vitals.ts';
import type {
  BotEntry,
  Entry,
  EventEntry,
  Filter,
  FunnelRow,
  JourneyStep,
  LeaveEntry,
  ValueFilter,
  ViewsRow,
} from '../../src/store/contract/store.ts';

/** Recounts the numbers of reports from the entries alone, as simply as possible: one pass over all entries per query. */

interface CountedVisit {
  day: number;
  visitor: bigint;
  startMs: number;
  endMs: number;
  first: EventEntry;
  events: EventEntry[];
  /** The greatest reported engaged time, by view. */
  engaged: Map<bigint, number>;
}

/** A view that ended. */
interface CountedView {
  /** Null if the visitor had none before. */
  visit: CountedVisit | null;
  day: number;
  view: bigint;
  page: string;
  receivedAtMs: number;
  scroll: number | null;
  vitals: Readonly<Record<string, number>> | null;
}

const GAP_MS = 30 * MINUTE_MS;

export const NOTHING: Measures = {
  visitors: 0,
  visits: 0,
  pageviews: 0,
  events: 0,
  conversions: 0,
  referrals: 0,
  bounces: 0,
  engagedMs: 0,
  botVisits: 0,
};

export class Recount {
  readonly visits: CountedVisit[] = [];
  readonly bots: BotEntry[] = [];
  readonly #views: CountedView[] = [];

  /** @param entries as they were stored, in order of arrival */
  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      if (entry.kind === 'bot') this.bots.push(entry);
      else if (entry.kind === 'event') this.#enter(entry);
      else this.#leave(entry);
    }
  }

  #visitsOf(visitor: bigint, atMs: number): CountedVisit[] {
    return this.visits.filter((visit) => visit.visitor === visitor && visit.day === utcDay(atMs));
  }

  #enter(event: EventEntry): void {
    const at = event.receivedAtMs;
    const visit = this.#visitsOf(event.visitor, at).findLast(
      ({ startMs, endMs }) => at - endMs < GAP_MS && startMs - at < GAP_MS,
    );
    if (visit === undefined) {
      this.visits.push({
        day: utcDay(at),
        visitor: event.visitor,
        startMs: at,
        endMs: at,
        first: event,
        events: [event],
        engaged: new Map(),
      });
      return;
    }
    visit.events.push(event);
    if (at < visit.startMs) Object.assign(visit, { startMs: at, first: event });
    visit.endMs = Math.max(visit.endMs, at);
  }

  #leave({ visitor, receivedAtMs, view: of, engagedMs, path, scroll, vitals }: LeaveEntry): void {
    const view = of ?? 0n;
    const visits = this.#visitsOf(visitor, receivedAtMs);
    const visit =
      visits.find(({ engaged }) => engaged.has(view)) ??
      visits.filter(({ startMs }) => startMs <= receivedAtMs).reduce(newest, undefined) ??
      visits[0];
    visit?.engaged.set(view, Math.max(visit.engaged.get(view) ?? 0, engagedMs ?? 0));
    const day = utcDay(receivedAtMs);
    const known = this.#views.find(
      (each) => each.visit === (visit ?? null) && each.day === day && each.view === view,
    );
    if (known === undefined) {
      this.#views.push({ visit: visit ?? null, day, view, page: path, receivedAtMs, scroll, vitals });
      return;
    }
    known.receivedAtMs = Math.max(known.receivedAtMs, receivedAtMs);
    if (scroll !== null) known.scroll = Math.max(known.scroll ?? 0, scroll);
    known.vitals = vitals ?? known.vitals;
  }

  /** Recounts views by the values of a dimension; all of them without one. */
  views(fromMs: number, toMs: number, filters: readonly Filter[], by: ViewDimension | null): ViewsRow[] {
    const valueOfView = (dimension: ViewDimension, { page, visit }: CountedView) => {
      if (dimension === 'page') return page;
      return visit === null ? null : valueIn(dimension, visit, visit.first);
    };
    const kept = this.#views.filter(
      (view) =>
        view.receivedAtMs >= fromMs &&
        view.receivedAtMs < toMs &&
        filters.every(
          // Filters by anything else do not apply to views.
          (filter) => filter.by !== 'goal' && keeps(filter, valueOfView(filter.by as ViewDimension, view)),
        ),
    );
    if (by === null) return [viewsRow(null, kept)];
    return [...Map.groupBy(kept, (view) => valueOfView(by, view))]
      .map(([value, views]) => viewsRow(value, views))
      .sort(
        (a, b) =>
          b.views - a.views ||
          b.scrolled - a.scrolled ||
          Number(a.value === null) - Number(b.value === null) ||
          (String(a.value) < String(b.value) ? -1 : 1),
      );
  }

  measures(
    fromMs: number,
    toMs: number,
    filters: readonly Filter[],
    only: { by: Exclude<Dimension, 'bot'>; value: string | null } | null = null,
  ): Measures {
    const wanted: Filter[] =
      only === null ? [...filters] : [...filters, { by: only.by, values: [only.value], negated: false }];
    const inSpan = (atMs: number) => atMs >= fromMs && atMs < toMs;
    const numbers = { ...NOTHING };
    const visitors = new Set<string>();
    for (const visit of this.visits) {
      const kept = visit.events.filter((event) => wanted.every((filter) => fits(filter, visit, event)));
      const here = kept.filter(({ receivedAtMs }) => inSpan(receivedAtMs));
      numbers.events += here.length;
      numbers.pageviews += here.filter(({ name }) => name === 'pageview').length;
      if (here.length > 0) visitors.add(`${visit.day} ${visit.visitor}`);
      if (kept.length === 0 || !inSpan(visit.startMs)) continue;
      const engagedMs = [...visit.engaged.values()].reduce((sum, each) => sum + each, 0);
      numbers.visits += 1;
      numbers.engagedMs += engagedMs;
      if (visit.first.channel === 'ai') numbers.referrals += 1;
      const views = visit.events.filter(({ name }) => name === 'pageview');
      const actions = visit.events.filter(({ name, interactive }) => name !== 'pageview' && interactive);
      if (views.length === 1 && actions.length === 0 && engagedMs < 10 * SECOND_MS) numbers.bounces += 1;
    }
    numbers.visitors = visitors.size;
    numbers.conversions = numbers.events - numbers.pageviews;
    if (wanted.length === 0)
      numbers.botVisits = this.bots.filter(({ receivedAtMs }) => inSpan(receivedAtMs)).length;
    return numbers;
  }

  /** Adds up the values of events by currency. */
  revenue(fromMs: number, toMs: number, filters: readonly Filter[]): Money[] {
    const values = this.#kept(fromMs, toMs, filters).filter(({ event }) => event.value !== null);
    const currencies = [...new Set(values.map(({ event }) => event.currency))];
    return currencies
      .sort((a, b) => Number(a === null) - Number(b === null) || (String(a) < String(b) ? -1 : 1))
      .map((currency) => ({
        currency,
        amount: sumOf(values.flatMap(({ event }) => (event.currency === currency ? [event.value ?? 0] : []))),
      }));
  }

  /** Counts how often goals were reached. */
  goals(fromMs: number, toMs: number, filters: readonly Filter[], goals: readonly GoalTarget[]) {
    return goals.map((goal) => {
      const reaching: Filter[] = [...filters, { by: 'goal', goals: [goal], negated: false }];
      const kept = this.#kept(fromMs, toMs, reaching);
      return {
        visitors: new Set(kept.map(({ visit }) => `${visit.day} ${visit.visitor}`)).size,
        conversions: kept.length,
        revenue: this.revenue(fromMs, toMs, reaching),
      };
    });
  }

  /** Counts the visits that reached steps in order, by the value that their first event of the first step has; all without one. */
  funnel(
    fromMs: number,
    toMs: number,
    filters: readonly Filter[],
    { steps, by }: { steps: readonly GoalTarget[]; by: FilterDimension | null },
  ): FunnelRow[] {
    const found: { key: string | null; visitor: string; depth: number }[] = [];
    for (const visit of this.visits) {
      const events = visit.events
        .filter(({ receivedAtMs }) => receivedAtMs >= fromMs && receivedAtMs < toMs)
        .filter((event) => filters.every((filter) => fits(filter, visit, event)))
        // Those of one millisecond stay in their order of arrival.
        .toSorted((a, b) => a.receivedAtMs - b.receivedAtMs);
      let depth = 0;
      let key: string | null = null;
      for (const event of events) {
        const step = steps[depth];
        if (step === undefined || !reaches(step, event)) continue;
        if (depth === 0 && by !== null) key = valueIn(by, visit, event);
        depth += 1;
      }
      if (depth > 0) found.push({ key, visitor: `${visit.day} ${visit.visitor}`, depth });
    }
    const countsOf = (visits: typeof found) =>
      steps.map((_, i) => {
        const there = visits.filter(({ depth }) => depth > i);
        return { visitors: new Set(there.map(({ visitor }) => visitor)).size, visits: there.length };
      });
    if (by === null) return [{ value: null, steps: countsOf(found) }];
    return [...Map.groupBy(found, ({ key }) => key)]
      .map(([value, visits]) => ({ value, steps: countsOf(visits) }))
      .sort(
        (a, b) =>
          (b.steps[0]?.visitors ?? 0) - (a.steps[0]?.visitors ?? 0) ||
          (b.steps[0]?.visits ?? 0) - (a.steps[0]?.visits ?? 0) ||
          Number(a.value === null) - Number(b.value === null) ||
          (String(a.value) < String(b.value) ? -1 : 1),
      );
  }

  /** Counts the pages up to three before and after the first view of a page. */
  journeys(fromMs: number, toMs: number, filters: readonly Filter[], page: GoalTarget): JourneyStep[] {
    const counts = new Map<number, Map<string, number>>();
    for (const visit of this.visits) {
      const pages = visit.events
        .filter(
          ({ name, receivedAtMs }) => name === 'pageview' && receivedAtMs >= fromMs && receivedAtMs < toMs,
        )
        .filter((event) => filters.every((filter) => fits(filter, visit, event)))
        .toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
        .filter((event, i, all) => all[i - 1]?.path !== event.path);
      const start = pages.findIndex((event) => reaches(page, event));
      if (start === -1) continue;
      for (let step = -3; step <= 3; step++) {
        const path = pages[start + step]?.path;
        if (path === undefined) continue;
        const ofStep = counts.get(step) ?? new Map<string, number>();
        counts.set(step, ofStep.set(path, (ofStep.get(path) ?? 0) + 1));
      }
    }
    return [-3, -2, -1, 0, 1, 2, 3].map((step) => {
      const rows = [...(counts.get(step) ?? [])].map(([path, visits]) => ({ page: path, visits }));
      return {
        step,
        visits: rows.reduce((sum, { visits }) => sum + visits, 0),
        pages: rows.length,
        rows: rows.sort((a, b) => b.visits - a.visits || (a.page < b.page ? -1 : 1)),
      };
    });
  }

  /** Counts the events other than page views that have each property. */
  properties(fromMs: number, toMs: number, filters: readonly Filter[]) {
    const counts = new Map<string, number>();
    for (const { event } of this.#kept(fromMs, toMs, filters))
      if (event.name !== 'pageview')
        for (const name of Object.keys(event.props ?? {})) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts]
      .map(([name, events]) => ({ name, events }))
      .sort((a, b) => b.events - a.events || (a.name < b.name ? -1 : 1));
  }

  #kept(fromMs: number, toMs: number, filters: readonly Filter[]) {
    return this.visits.flatMap((visit) =>
      visit.events
        .filter(({ receivedAtMs }) => receivedAtMs >= fromMs && receivedAtMs < toMs)
        .filter((event) => filters.every((filter) => fits(filter, visit, event)))
        .map((event) => ({ visit, event })),
    );
  }

  breakdown(fromMs: number, toMs: number, filters: readonly Filter[], by: Exclude<Dimension, 'bot'>) {
    const values = new Set(
      this.visits.flatMap((visit) => visit.events.map((event) => valueIn(by, visit, event))),
    );
    // A breakdown by a property includes only events that have it.
    if (by.startsWith('prop:')) values.delete(null);
    return [...values]
      .map((value) => ({ value, ...this.measures(fromMs, toMs, filters, { by, value }) }))
      .filter(({ visits, events }) => visits > 0 || events > 0)
      .sort(
        (a, b) =>
          b.visitors - a.visitors ||
          b.events - a.events ||
          Number(a.value === null) - Number(b.value === null) ||
          (String(a.value) < String(b.value) ? -1 : 1),
      );
  }

  botBreakdown(fromMs: number, toMs: number) {
    const counts = new Map<string, { company: string | null; count: number }>();
    for (const { bot, company, receivedAtMs } of this.bots) {
      if (receivedAtMs < fromMs || receivedAtMs >= toMs) continue;
      counts.set(bot, { company, count: (counts.get(bot)?.count ?? 0) + 1 });
    }
    return [...counts]
      .map(([value, { company, count }]) => ({ value, ...NOTHING, botVisits: count, company }))
      .sort((a, b) => b.botVisits - a.botVisits || (a.value < b.value ? -1 : 1));
  }
}

function newest(found: CountedVisit | undefined, visit: CountedVisit): CountedVisit {
  return found === undefined || visit.startMs >= found.startMs ? visit : found;
}

function viewsRow(value: string | null, views: readonly CountedView[]): ViewsRow {
  const known = (numbers: (number | null | undefined)[]) =>
    numbers.filter((each) => typeof each === 'number');
  const scrolls = known(views.map(({ scroll }) => scroll));
  const vitals = VITALS.map(({ name, good, poor }) => {
    const samples = known(views.map((view) => view.vitals?.[name])).sort((a, b) => a - b);
    const count = (is: (figure: number) => boolean) => samples.filter(is).length;
    return [
      name,
      {
        p75: samples[Math.ceil(samples.length * 0.75) - 1] ?? null,
        samples: samples.length,
        good: count((figure) => figure <= good),
        needsImprovement: count((figure) => figure > good && figure <= poor),
        poor: count((figure) => figure > poor),
      },
    ];
  });
  return {
    value,
    views: views.length,
    scrolled: scrolls.length,
    scrollSum: scrolls.reduce((sum, each) => sum + each, 0),
    vitals: Object.fromEntries(vitals) as ViewsRow['vitals'],
  };
}

function fits(filter: Filter, visit: CountedVisit, event: EventEntry): boolean {
  if (filter.by === 'goal') return filter.goals.some((goal) => reaches(goal, event)) !== filter.negated;
  return keeps(filter, valueIn(filter.by, visit, event));
}

function keeps({ values, containing = [], negated }: ValueFilter, value: string | null): boolean {
  const isOne =
    values.includes(value) ||
    (value !== null && containing.some((text) => lower(value).includes(lower(text))));
  return isOne !== negated;
}

/** Whether an event reaches a goal: by its name, or by its page, whose query and hash count if the pattern has them. */
function reaches({ kind, pattern }: GoalTarget, { name, path }: EventEntry): boolean {
  if (kind === 'event') return name === pattern;
  const [, bare = '', query = '', hash = ''] = /^([^?#]*)([^#]*)(.*)$/s.exec(path) ?? [];
  const page = `${bare}${pattern.includes('?') ? query : ''}${pattern.includes('#') ? hash : ''}`;
  return name === 'pageview' && isLike(page, pattern);
}

/** Adds up decimal numbers as they are written, in millionths. */
function sumOf(numbers: readonly number[]): number {
  const millionths = numbers.map((number) => {
    const [whole = '', part = ''] = Math.abs(number).toFixed(6).split('.');
    return BigInt(`${whole}${part}`) * (number < 0 ? -1n : 1n);
  });
  const sum = millionths.reduce((total, each) => total + each, 0n);
  return Number(sum) / 1e6;
}

/** The small letters of a text. The sigma has one at the end of words, and the dotted capital I has a dot. */
function lower(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ').replaceAll('i\u0307', 'i');
}

/** Whether a text is a pattern, in which `*` is any text: it begins with what is before the first star, and so on. */
function isLike(text: string, pattern: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return text === pattern;
  if (!text.startsWith(pattern.slice(0, star))) return false;
  for (let end = star; end <= text.length; end++)
    if (isLike(text.slice(end), pattern.slice(star + 1))) return true;
  return false;
}

function valueIn(by: Exclude<Dimension, 'bot'>, visit: CountedVisit, event: EventEntry): string | null {
  switch (by) {
    case 'page':
      return event.path;
    case 'host':
      return event.host;
    case 'event':
      return event.name;
    case 'entry':
      return earliest(visit.events).path;
    case 'exit':
      return latest(visit.events).path;
    case 'utm_campaign':
      return visit.first.campaign;
    case 'utm_source':
      return visit.first.utmSource;
    case 'utm_medium':
      return visit.first.utmMedium;
    case 'utm_content':
      return visit.first.utmContent;
    case 'utm_term':
      return visit.first.utmTerm;
    case 'browser_version':
      return visit.first.browserVersion;
    case 'os_version':
      return visit.first.osVersion;
    case 'source':
    case 'channel':
    case 'campaign':
    case 'referrer':
    case 'country':
    case 'region':
    case 'city':
    case 'device':
    case 'screen':
    case 'browser':
    case 'os':
    case 'language':
      return visit.first[by];
    default: {
      const name = by.slice('prop:'.length);
      const value = event.props?.[name];
      return value === undefined ? null : String(value);
    }
  }
}

/** Returns the event with the earliest time; of several, the one that arrived first. */
function earliest(events: readonly EventEntry[]): EventEntry {
  return events.reduce((best, event) => (event.receivedAtMs < best.receivedAtMs ? event : best));
}

/** Returns the event with the latest time; of several, the one that arrived last. */
function latest(events: readonly EventEntry[]): EventEntry {
  return events.reduce((best, event) => (event.receivedAtMs >= best.receivedAtMs ? event : best));
}

/** Returns the instants within a span at which a new local day, or hour, begins in a time zone. */
export function localBoundaries(
  fromMs: number,
  toMs: number,
  timeZone: string,
  unit: 'day' | 'hour',
): number[] {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    dateStyle: 'short',
    ...(unit === 'hour' ? { timeStyle: 'medium' } : {}),
  });
  const label = (atMs: number) => format.format(atMs).replace(/:\d\d:\d\d/, '');
  const boundaries: number[] = [];
  const step = 15 * MINUTE_MS;
  for (let at = fromMs; at < toMs; at += step) if (label(at) !== label(at - step)) boundaries.push(at);
  return boundaries;
}
