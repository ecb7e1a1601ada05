import { utcDay } from '../../src/domain/clock.ts';
import { type AppendOutcome, type Entry, StoreUnavailable } from '../../src/store/contract/store.ts';
import type { ActualCount, Batch, Counts, SiteDay, Warehouse } from '../../src/store/scale-out/shipping.ts';

/** In-memory stand-ins for the two scale-out databases, with the calls that shipping uses and the faults of real ones. */

/**
 * The fate of one request: it never arrives (`away`), it is cut off with half of its data stored (`half kept`), or all of it is
 * stored and the response is lost (`answer lost`).
 */
export type Fault = 'away' | 'half kept' | 'answer lost';

interface Row {
  siteId: string;
  day: number;
  eventId: string;
  host: string;
}

/** Formats an entry as a row of this warehouse. */
export function toRow(entry: Entry, { eventId }: { eventId: string }): string {
  const { siteId, receivedAtMs, host } = entry;
  return JSON.stringify({ siteId, day: utcDay(receivedAtMs), eventId, host } satisfies Row);
}

export class DatabasesInMemory {
  /** If true, every request fails as if there were no server. */
  away = false;
  /** Faults for the next requests, one per request. */
  readonly faults: Fault[] = [];
  /** Number of requests so far. */
  requests = 0;
  readonly rows = new Map<string, Row>();
  readonly #merged = new Map<string, Batch['claimed']>();
  readonly #touched = new Map<string, SiteDay>();
  #excess = 0;

  /** The calls that the shipper and the settler make. */
  readonly warehouse: Pick<Warehouse, 'misconfiguration' | 'check' | 'insert' | 'count' | 'close'> = {
    misconfiguration: null,
    check: async () => undefined,
    insert: async ({ rows }) => {
      const lines = rows.trimEnd().split('\n');
      this.#request((share) => {
        for (const line of lines.slice(0, Math.ceil(lines.length * share))) {
          const row = JSON.parse(line) as Row; // written by `toRow`
          this.rows.set(`${row.siteId} ${row.day} ${row.eventId}`, row);
        }
      });
    },
    count: async (days) => {
      let truth: ActualCount[] = [];
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

  readonly counts: Pick<Counts, 'merge' | 'reconcile' | 'markDirty' | 'dirtyDays'> = {
    merge: async ({ id, claimed }) =>
      // A transaction is stored completely or not at all.
      this.#request((share) => {
        if (share < 1 || this.#merged.has(id)) return;
        this.#merged.set(id, claimed);
        for (const { siteId, day } of claimed.ledger) this.#touched.set(`${siteId} ${day}`, { siteId, day });
      }),
    reconcile: async (count) => {
      const days = [...this.#touched.values()];
      if (days.length === 0) return 0;
      const stored = (await count(days)).reduce((sum, { rows }) => sum + rows, 0);
      this.#excess = this.counted('stored', days) - stored;
      this.#touched.clear();
      return days.length;
    },
    markDirty: async (days) => {
      for (const day of days) this.#touched.set(`${day.siteId} ${day.day}`, day);
    },
    dirtyDays: async () => this.#touched.size,
  };

  /** How many more events are claimed than there are rows. */
  get excess(): number {
    return this.#excess;
  }

  /** Returns the number of events claimed under an outcome. */
  counted(outcome: AppendOutcome | 'busy', days: readonly SiteDay[] | null = null): number {
    return [...this.#merged.values()]
      .flatMap(({ ledger }) => ledger)
      .filter((line) => line.outcome === outcome)
      .filter(
        (line) => days === null || days.some(({ siteId, day }) => siteId === line.siteId && day === line.day),
      )
      .reduce((sum, { count }) => sum + count, 0);
  }

  /** @param keep stores the given share of the request */
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
