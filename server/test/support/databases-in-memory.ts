import { utcDay } from '../../src/domain/clock.ts';
import type { SHORTENED } from '../../src/domain/outcomes.ts';
import { type AppendOutcome, type Entry, StoreUnavailable } from '../../src/store/contract/store.ts';
import {
  type ActualCount,
  ALL_DAY,
  type Batch,
  type ChangedDay,
  type Counts,
  type FailingDay,
  type SiteDay,
  type Warehouse,
} from '../../src/store/scale-out/shipping.ts';

/** In-memory stand-ins for the two scale-out databases, with the calls that shipping uses and the faults of real ones. */

/**
 * The fate of one request: it never arrives (`away`), it is cut off with half of its data stored (`half kept`), or all of it is
 * stored and the response is lost (`answer lost`).
 */
export type Fault = 'away' | 'half kept' | 'answer lost';

/** How long a day is put off. */
const PUT_OFF_MS = 100;

const nameOf = ({ siteId, day }: SiteDay) => `${siteId} ${day}`;

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
  readonly #touched = new Map<string, ChangedDay>();
  readonly #putOff = new Map<string, FailingDay & { dueAtMs: number }>();
  readonly #excess = new Map<string, number>();
  /** The sites whose rows cannot be counted. */
  readonly uncountable = new Set<string>();
  /** Number of days that were put off so far. */
  putOffs = 0;

  /** The calls that the shipper and the settler make. */
  readonly warehouse: Pick<
    Warehouse,
    'misconfiguration' | 'check' | 'insert' | 'expectAllRows' | 'count' | 'close'
  > = {
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
    expectAllRows: async () => this.#request(() => undefined),
    count: async (days) => {
      if (days.some(({ siteId }) => this.uncountable.has(siteId)))
        throw new StoreUnavailable('the fake cannot count this');
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

  readonly counts: Pick<
    Counts,
    'merge' | 'dueDaysAfter' | 'reconcile' | 'putOff' | 'failingDays' | 'markDirty' | 'dirtyDays'
  > = {
    merge: async ({ id, claimed }) =>
      // A transaction is stored completely or not at all.
      this.#request((share) => {
        if (share < 1 || this.#merged.has(id)) return;
        this.#merged.set(id, claimed);
        for (const day of claimed.days) this.#touched.set(nameOf(day), day);
      }),
    dueDaysAfter: async () => {
      const days = [...this.#touched.values()].filter(
        (day) => (this.#putOff.get(nameOf(day))?.dueAtMs ?? 0) <= Date.now(),
      );
      return {
        days: days.map((day) => ({ ...day, claimed: this.counted('stored', [day]), failures: 0 })),
        end: null,
      };
    },
    reconcile: async (due, count) => {
      const days = due.map((day) => ({ ...day, ...(this.#touched.get(nameOf(day)) ?? ALL_DAY) }));
      const actual = await count(days);
      for (const day of days) {
        const stored = actual.filter((each) => nameOf(each) === nameOf(day));
        const rows = stored.reduce((sum, each) => sum + each.rows, 0);
        this.#excess.set(nameOf(day), this.counted('stored', [day]) - rows);
        this.#touched.delete(nameOf(day));
        this.#putOff.delete(nameOf(day));
      }
    },
    putOff: async (day) => {
      this.putOffs += 1;
      this.#putOff.set(nameOf(day), { ...day, dueAtMs: Date.now() + PUT_OFF_MS });
    },
    failingDays: async () => [...this.#putOff.values()],
    markDirty: async (days) => {
      for (const day of days) this.#touched.set(nameOf(day), { ...ALL_DAY, ...day });
    },
    dirtyDays: async () => this.#touched.size,
  };

  /** How many more events are claimed than there are rows. */
  get excess(): number {
    return [...this.#excess.values()].reduce((sum, excess) => sum + excess, 0);
  }

  /** Returns whether the overcount of a site was set. */
  isReconciled(siteId: string): boolean {
    return [...this.#excess.keys()].some((name) => name.startsWith(`${siteId} `));
  }

  /** Returns the number of events claimed under an outcome. */
  counted(
    outcome: AppendOutcome | 'busy' | typeof SHORTENED,
    days: readonly SiteDay[] | null = null,
  ): number {
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
