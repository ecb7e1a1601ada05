import { entityTag } from './etag.ts';

/** What stands before the count of a site in its JSON. */
const COUNT = '"events_this_month":';

/**
 * A list of sites as JSON, in bytes. One that differs in some counts is made of it by copying what lies between them: most of
 * a long list is never written or hashed again.
 */
export class ListText {
  readonly body: Buffer;
  /** Strong, and the same in every process: of everything but the counts, and of the counts. */
  readonly tag: string;
  readonly #counts: Float64Array;
  /** Where in the body each count begins. */
  readonly #starts: readonly number[];
  /** The tag of everything but the counts. */
  readonly #rest: string;

  private constructor(body: Buffer, rest: string, counts: Float64Array, starts: readonly number[]) {
    this.body = body;
    this.tag = entityTag(Buffer.concat([Buffer.from(rest), Buffer.from(counts.buffer)]));
    this.#rest = rest;
    this.#counts = counts;
    this.#starts = starts;
  }

  /** Writes a list. */
  static of(items: readonly { events_this_month: number }[]): ListText {
    const body = Buffer.from(JSON.stringify({ sites: items }));
    const starts: number[] = [];
    const rest: Buffer[] = [];
    let end = 0;
    for (const { events_this_month: count } of items) {
      const start = body.indexOf(COUNT, end) + COUNT.length;
      starts.push(start);
      rest.push(body.subarray(end, start));
      end = start + String(count).length;
    }
    rest.push(body.subarray(end));
    const counts = Float64Array.from(items, ({ events_this_month }) => events_this_month);
    return new ListText(body, entityTag(Buffer.concat(rest)), counts, starts);
  }

  /** The same list with some counts exchanged, by their places in it. */
  with(changed: ReadonlyMap<number, number>): ListText {
    const counts = this.#counts.slice();
    const starts: number[] = [];
    const pieces: Buffer[] = [];
    let copied = 0;
    let shift = 0;
    for (const [i, start] of this.#starts.entries()) {
      starts.push(start + shift);
      const count = changed.get(i);
      if (count === undefined) continue;
      const digits = Buffer.from(String(count));
      const end = start + String(counts[i]).length;
      pieces.push(this.body.subarray(copied, start), digits);
      shift += digits.length - (end - start);
      copied = end;
      counts[i] = count;
    }
    const body = Buffer.concat([...pieces, this.body.subarray(copied)]);
    return new ListText(body, this.#rest, counts, starts);
  }
}
