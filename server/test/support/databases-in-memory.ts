import { utcDay } from '../../src/clock.ts';
import type { Batch, Books, SiteDay, Truth, Warehouse } from '../../src/store/shipping.ts';
import { type AppendOutcome, type Entry, StoreUnavailable } from '../../src/store/store.ts';

/** The two databases of the scale-out shape as far as shipping asks them, with ways to fail that real ones have. */

/**
 * What happens to one request: it never arrives, it is cut off with half of it kept, or all of it is kept and the answer is
 * lost.
 */
export type Fault = 'away' | 'half kept' | 'answer lost';

interface Row {
  siteId: string;
  day: number;
  eventId: string;
  host: string;
}

/** A row in the format of this warehouse. */
export function toRow(entry: Entry, { eventId }: { eventId: string }): string {
  const { siteId, receivedAtMs, host } = entry;
  return JSON.stringify({ siteId, day: utcDay(receivedAtMs), eventId, host } satisfies Row);
}

export class DatabasesInMemory {
  /** Every request fails as if nobody were there. */
  away = false;
  /** Taken by the requests that follow, one each. */
  readonly faults: Fault[] = [];
  /** Requests so far. */
  requests = 0;
  readonly rows = new Map<string, Row>();
  readonly #merged = new Map<string, Batch['claims']>();
  readonly #touched = new Map<string, SiteDay>();
  #excess = 0;

  /** What the shipper and the settler call; nothing else is here. */
  readonly warehouse: Pick<Warehouse, 'insert' | 'count' | 'close'> = {
    insert: async ({ rows }) => {
      const lines = rows.trimEnd().split('\n');
      this.#request((share) => {
        for (const line of lines.slice(0, Math.ceil(lines.length * share))) {
          const row = JSON.parse(line) as Row; // as written by `toRow`
          this.rows.set(`${row.siteId} ${row.day} ${row.eventId}`, row);
        }
      });
    },
    count: async (days) => {
      let truth: Truth[] = [];
      this.#request(() => {
        truth = days.map((siteDay) => ({
          ...siteDay,
          ...{ outcome: 'stored', host: 'example.com', siteKey: '', rows: this.#rowsOf(siteDay) },
        }));
      });
      return truth;
    },
    close: async () => undefined,
  };

  readonly books: Pick<Books, 'merge' | 'settle' | 'touch' | 'unsettled'> = {
    merge: async ({ id, claims }) =>
      // A transaction: no half of it can be kept.
      this.#request((share) => {
        if (share < 1 || this.#merged.has(id)) return;
        this.#merged.set(id, claims);
        for (const { siteId, day } of claims.ledger) this.#touched.set(`${siteId} ${day}`, { siteId, day });
      }),
    settle: async (count) => {
      const days = [...this.#touched.values()];
      if (days.length === 0) return 0;
      const stored = (await count(days)).reduce((sum, { rows }) => sum + rows, 0);
      this.#excess = this.counted('stored', days) - stored;
      this.#touched.clear();
      return days.length;
    },
    touch: async (days) => {
      for (const day of days) this.#touched.set(`${day.siteId} ${day.day}`, day);
    },
    unsettled: async () => this.#touched.size,
  };

  /** Claimed beyond the rows that are there. */
  get excess(): number {
    return this.#excess;
  }

  /** What was claimed under an outcome. */
  counted(outcome: AppendOutcome | 'busy', days: readonly SiteDay[] | null = null): number {
    return [...this.#merged.values()]
      .flatMap(({ ledger }) => ledger)
      .filter((line) => line.outcome === outcome)
      .filter(
        (line) => days === null || days.some(({ siteId, day }) => siteId === line.siteId && day === line.day),
      )
      .reduce((sum, { count }) => sum + count, 0);
  }

  /** @param keep told which share of the request is to be kept */
  #request(keep: (share: number) => void): void {
    this.requests += 1;
    const fault = this.away ? 'away' : this.faults.shift();
    if (fault !== 'away') keep(fault === 'half kept' ? 0.5 : 1);
    if (fault !== undefined) throw new StoreUnavailable(`the fake is ${fault}`);
  }

  #rowsOf({ siteId, day }: SiteDay): number {
    return [...this.rows.values()].filter((row) => row.siteId === siteId && row.day === day).length;
  }
}
