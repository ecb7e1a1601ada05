import { StoreUnavailable } from '../contract/store.ts';
import { Loop } from '../shared/loop.ts';
import type { Counts, Spool, Warehouse } from './shipping.ts';

/** How long batches gather under low load, since every insert creates a part that ClickHouse must merge. */
const GATHER_MS = 500;
/** The number of waiting entries from which further gathering has no benefit. */
const ENOUGH_ENTRIES = 5_000;
const DRAIN_LOOK_MS = 20;

/** Ships batches one at a time from the spool to the warehouse and then to the counts. */
export class Shipper {
  readonly #spool: Spool;
  readonly #warehouse: Warehouse;
  readonly #counts: Counts;
  readonly #loop: Loop;
  /** The number of the latest check for an empty spool; `#found` is the latest check that found it empty. */
  #asked = 0;
  #found = 0;

  constructor({
    spool,
    warehouse,
    counts,
    onOutage,
  }: { spool: Spool; warehouse: Warehouse; counts: Counts; onOutage: (error: string | null) => void }) {
    this.#loop = new Loop({ work: () => this.#ship(), idleMs: GATHER_MS, onOutage });
    this.#spool = spool;
    this.#warehouse = warehouse;
    this.#counts = counts;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** The reason why the last attempt failed; null if it succeeded. */
  get lastError(): string | null {
    return this.#loop.lastError;
  }

  /** Settles once a check that began after the call finds the spool empty. */
  async drained(): Promise<void> {
    const asked = ++this.#asked;
    while (this.#found < asked) {
      if (this.#loop.isStopped) throw new StoreUnavailable('the store is closed');
      if (this.#loop.lastError === null) this.#loop.soon();
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    }
  }

  /** Ships the next batch. After a crash between two steps, all steps are repeated with the same batch, which is harmless. */
  async #ship(): Promise<boolean> {
    const asked = this.#asked;
    const batch = await this.#spool.nextBatch();
    if (batch === null) {
      this.#found = asked;
      return false;
    }
    if (batch.entries > 0) await this.#warehouse.insert(batch);
    await this.#counts.merge(batch);
    await this.#spool.release(batch.no);
    return this.#spool.stats().entries >= ENOUGH_ENTRIES;
  }
}
