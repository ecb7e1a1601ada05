import { MINUTE_MS, SECOND_MS, utcDay } from '../../src/domain/clock.ts';
import type { Dimension } from '../../src/domain/dimensions.ts';
import type { Measures } from '../../src/domain/measures.ts';
import type { BotEntry, Entry, EventEntry, Filter } from '../../src/store/contract/store.ts';

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

  /** @param entries as they were stored, in order of arrival */
  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      if (entry.kind === 'bot') this.bots.push(entry);
      else if (entry.kind === 'event') this.#enter(entry);
      else this.#leave(entry.visitor, entry.receivedAtMs, entry.view ?? 0n, entry.engagedMs ?? 0);
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
    visit.startMs = Math.min(visit.startMs, at);
    visit.endMs = Math.max(visit.endMs, at);
  }

  #leave(visitor: bigint, atMs: number, view: bigint, engagedMs: number): void {
    const visits = this.#visitsOf(visitor, atMs);
    const visit =
      visits.find(({ engaged }) => engaged.has(view)) ??
      visits.findLast(({ startMs }) => startMs <= atMs) ??
      visits[0];
    visit?.engaged.set(view, Math.max(visit.engaged.get(view) ?? 0, engagedMs));
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
      const [single] = visit.events;
      numbers.visits += 1;
      numbers.engagedMs += engagedMs;
      if (visit.first.channel === 'ai') numbers.referrals += 1;
      if (visit.events.length === 1 && single?.name === 'pageview' && engagedMs < 10 * SECOND_MS)
        numbers.bounces += 1;
    }
    numbers.visitors = visitors.size;
    numbers.conversions = numbers.events - numbers.pageviews;
    if (wanted.length === 0)
      numbers.botVisits = this.bots.filter(({ receivedAtMs }) => inSpan(receivedAtMs)).length;
    return numbers;
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

function fits(filter: Filter, visit: CountedVisit, event: EventEntry): boolean {
  return filter.values.includes(valueIn(filter.by, visit, event)) !== filter.negated;
}

function valueIn(by: Exclude<Dimension, 'bot'>, visit: CountedVisit, event: EventEntry): string | null {
  const page = ({ path }: EventEntry) => path.split('?')[0] ?? '';
  switch (by) {
    case 'page':
      return page(event);
    case 'host':
      return event.host;
    case 'event':
      return event.name;
    case 'entry':
      return page(earliest(visit.events));
    case 'exit':
      return page(latest(visit.events));
    case 'source':
    case 'channel':
    case 'campaign':
    case 'country':
    case 'device':
    case 'browser':
    case 'os':
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
