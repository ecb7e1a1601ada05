import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import type { Dimension } from '../../../domain/dimensions.ts';
import { isBounce } from '../../../domain/visit-rules.ts';
import { AI_CHANNEL } from '../tables/profile.ts';
import { Accumulator, type Cell, type Key } from './accumulator.ts';
import { type Conditions, isOfVisits, propValue, visitKey } from './filters.ts';
import type { Reading } from './reading.ts';
import type { Texts } from './texts.ts';
import { daysOf, type VisitDay } from './visit-days.ts';

/** A question to visits and events: by bucket of time, or for one bucket by value. */
export interface Question {
  site: number;
  /** Bucket i goes from i up to i + 1. With `by` there is one. */
  boundariesMs: readonly number[];
  conditions: Conditions;
  by: Exclude<Dimension, 'bot'> | null;
  /** Days that were answered otherwise. */
  skipDays?: ReadonlySet<number>;
}

/** Rows read at once. */
const CHUNK = 20_000;
const MAX_CACHED_PROPS = 50_000;
const ROW_COLUMNS = { page: 'path', host: 'host', event: 'name' } as const;

/**
 * Answers from visits and events themselves, exactly, day by day, in memory for one day. Whole days of questions about
 * visits need no event at all.
 */
export function scan(reading: Reading, question: Question): Accumulator {
  const cells = new Accumulator();
  const { boundariesMs } = question;
  const fromMs = boundariesMs[0] ?? 0;
  const toMs = boundariesMs.at(-1) ?? 0;
  if (question.by === null) for (const bucket of boundariesMs.slice(1).keys()) cells.at(bucket);
  if (fromMs >= toMs) return cells;
  const span = { site: question.site, firstDay: utcDay(fromMs), lastDay: utcDay(toMs - 1) };
  for (const { day, changes } of daysOf(reading.db, span)) {
    if (question.skipDays?.has(day)) continue;
    const visits = reading.visitDays.get(question.site, { day, changes });
    if (visits.lastNo > 0) new DayScan({ reading, question, cells, visits, fromMs, toMs }).run();
    cells.nextDay();
  }
  return cells;
}

class DayScan {
  readonly #reading: Reading;
  readonly #question: Question;
  readonly #cells: Accumulator;
  readonly #visits: VisitDay;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #startMs: number;
  /** The key of a visit, where it does not depend on its events. */
  readonly #keyOfVisit: ((visits: VisitDay, no: number) => Key) | null;

  constructor({
    reading,
    question,
    cells,
    visits,
    fromMs,
    toMs,
  }: {
    reading: Reading;
    question: Question;
    cells: Accumulator;
    visits: VisitDay;
    fromMs: number;
    toMs: number;
  }) {
    this.#reading = reading;
    this.#question = question;
    this.#cells = cells;
    this.#visits = visits;
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#startMs = visits.day * DAY_MS;
    const { by } = question;
    this.#keyOfVisit = by !== null && isOfVisits(by) ? visitKey(by, reading.texts) : null;
  }

  run(): void {
    const { by, conditions } = this.#question;
    const ofEvents = conditions.ofRows.length > 0 || conditions.ofProps.length > 0;
    const splitsEvents = by !== null && this.#keyOfVisit === null;
    if (!ofEvents && !splitsEvents && this.#isInOneBucket()) this.#countVisits();
    else this.#countAllEvents();
  }

  /** Whether what lies in the span of the day is in one bucket. */
  #isInOneBucket(): boolean {
    const firstMs = Math.max(this.#startMs, this.#fromMs);
    const endMs = Math.min(this.#startMs + DAY_MS, this.#toMs);
    return this.#bucketOf(firstMs) === this.#bucketOf(endMs - 1);
  }

  #matches(no: number): boolean {
    return (
      this.#visits.there[no] === 1 &&
      this.#question.conditions.ofVisits.every((condition) => condition(this.#visits, no))
    );
  }

  /**
   * A visit holds how many events it has: inside the span that is all there is to know. Only of visits that reach over an
   * edge of the span the events are looked at, and only around that edge.
   */
  #countVisits(): void {
    const { lastNo, first, startAt, endAt, pageviews, events } = this.#visits;
    const bucket = this.#bucketOf(Math.max(this.#startMs, this.#fromMs));
    const reaching = new Uint8Array(lastNo + 1);
    let [windowFromMs, windowToMs] = [Number.POSITIVE_INFINITY, 0];
    for (let no = 1; no <= lastNo; no++) {
      const startMs = this.#startMs + (startAt[no] ?? 0);
      const endMs = this.#startMs + (endAt[no] ?? 0);
      if (endMs < this.#fromMs || startMs >= this.#toMs || !this.#matches(no)) continue;
      if (startMs < this.#fromMs || endMs >= this.#toMs) {
        reaching[no] = 1;
        windowFromMs = Math.min(windowFromMs, Math.max(startMs, this.#fromMs));
        windowToMs = Math.max(windowToMs, endMs + 1);
        continue;
      }
      const cell = this.#cells.at(this.#keyOfVisit === null ? bucket : this.#keyOfVisit(this.#visits, no));
      cell.events += events[no] ?? 0;
      cell.pageviews += pageviews[no] ?? 0;
      if (this.#cells.newVisitor(cell, first[no] ?? 0)) cell.visitors += 1;
      if (this.#cells.newVisit(cell, no)) this.#addVisit(cell, no);
    }
    if (windowToMs > 0) this.#countEvents(reaching, windowFromMs, windowToMs);
  }

  #countAllEvents(): void {
    const fits = new Uint8Array(this.#visits.lastNo + 1);
    // Events after the span still tell which visits that began within it are meant.
    let untilMs = this.#toMs;
    for (let no = 1; no < fits.length; no++) {
      if (!this.#matches(no)) continue;
      fits[no] = 1;
      if (this.#startMs + (this.#visits.startAt[no] ?? 0) < this.#toMs)
        untilMs = Math.max(untilMs, this.#startMs + (this.#visits.endAt[no] ?? 0) + 1);
    }
    this.#countEvents(fits, this.#fromMs, untilMs);
  }

  /** Counts the events of some visits, from an instant up to another that may lie behind the span. */
  #countEvents(fits: Uint8Array, windowFromMs: number, windowToMs: number): void {
    const { by } = this.#question;
    for (const { no, at, isView, key } of this.#events(windowFromMs, windowToMs)) {
      if (fits[no] !== 1) continue;
      const ofVisit = this.#keyOfVisit === null ? key : this.#keyOfVisit(this.#visits, no);
      if (at < this.#toMs) {
        const cell = this.#cells.at(by === null ? this.#bucketOf(at) : ofVisit);
        cell.events += 1;
        if (isView) cell.pageviews += 1;
        if (this.#cells.newVisitor(cell, this.#visits.first[no] ?? 0)) cell.visitors += 1;
      }
      const begunMs = this.#startMs + (this.#visits.startAt[no] ?? 0);
      if (begunMs < this.#fromMs || begunMs >= this.#toMs) continue;
      const cell = this.#cells.at(by === null ? this.#bucketOf(begunMs) : ofVisit);
      if (this.#cells.newVisit(cell, no)) this.#addVisit(cell, no);
    }
  }

  #addVisit(cell: Cell, no: number): void {
    const { channel, pageviews, events, engaged } = this.#visits;
    cell.visits += 1;
    cell.engaged += engaged[no] ?? 0;
    if (channel[no] === AI_CHANNEL) cell.referrals += 1;
    const visit = { pageviews: pageviews[no] ?? 0, events: events[no] ?? 0, engaged: engaged[no] ?? 0 };
    if (isBounce(visit)) cell.bounces += 1;
  }

  /** The day's events from an instant up to another that meet the conditions on events. */
  *#events(
    fromMs: number,
    untilMs: number,
  ): Generator<{ no: number; at: number; isView: boolean; key: Key }> {
    const { db, texts } = this.#reading;
    const { site, by, conditions } = this.#question;
    const prop = by?.startsWith('prop:') ? by.slice('prop:'.length) : null;
    const keyColumn = by === 'page' || by === 'host' || by === 'event' ? ROW_COLUMNS[by] : 'NULL';
    const needsProps = prop !== null || conditions.ofProps.length > 0;
    // Put together from fixed pieces only; every value is bound.
    const select = db.prepare(
      `SELECT visit, at, n, name, ${keyColumn}, ${needsProps ? 'props' : 'NULL'} FROM events
       WHERE site = ? AND at < ? AND (at, n) > (?, ?) ${prop === null ? '' : 'AND props IS NOT NULL'}
       ${conditions.ofRows.map(({ sql }) => `AND ${sql}`).join(' ')} ORDER BY at, n LIMIT ${CHUNK}`,
    );
    select.setReturnArrays(true);
    const binds = conditions.ofRows.map(({ bind }) => bind);
    const endMs = Math.min(untilMs, this.#startMs + DAY_MS);
    const view = texts.find(PAGEVIEW);
    const values = new PropValues(texts);
    let [at, n] = [Math.max(fromMs, this.#startMs), -1];
    for (let full = true; full; ) {
      const rows = select.all(site, endMs, at, n, ...binds) as unknown as (number | null)[][]; // see setReturnArrays
      full = rows.length === CHUNK;
      for (const row of rows) {
        at = row[1] ?? 0;
        n = row[2] ?? 0;
        const props = row[5] ?? null;
        if (needsProps && !conditions.ofProps.every((each) => values.meets(props, each))) continue;
        const key = prop === null ? (row[4] ?? null) : values.of(props, prop);
        if (prop !== null && key === null) continue;
        yield { no: row[0] ?? 0, at, isView: row[3] === view, key };
      }
    }
  }

  #bucketOf(atMs: number): number {
    const { boundariesMs } = this.#question;
    let low = 0;
    let high = boundariesMs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((boundariesMs[middle] ?? 0) <= atMs) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Properties of events, each stored text of them read once. */
class PropValues {
  readonly #texts: Texts;
  readonly #known = new Map<string, Map<number, string | null>>();

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  of(props: number | null, name: string): string | null {
    if (props === null) return null;
    let known = this.#known.get(name);
    if (known === undefined) {
      known = new Map();
      this.#known.set(name, known);
    }
    let value = known.get(props);
    if (value === undefined) {
      value = propValue(this.#texts.text(props), name);
      if (known.size >= MAX_CACHED_PROPS) known.clear();
      known.set(props, value);
    }
    return value;
  }

  meets(
    props: number | null,
    { name, values, negated }: { name: string; values: ReadonlySet<string | null>; negated: boolean },
  ): boolean {
    return values.has(this.of(props, name)) !== negated;
  }
}
