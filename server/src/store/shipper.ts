import { Loop } from './loop.ts';
import type { Books, Spool, Warehouse } from './shipping.ts';
import { StoreUnavailable } from './store.ts';

/** Batches gather for this long where there is little to send: every insert is a part that must be merged. */
const GATHER_MS = 500;
/** Where this much waits, nothing is gained by gathering. */
const ENOUGH_ENTRIES = 5_000;
const DRAIN_LOOK_MS = 20;

/** Moves sealed batches from the spool to the warehouse and then to the books, one after the other, for ever. */
export class Shipper {
  readonly #spool: Spool;
  readonly #warehouse: Warehouse;
  readonly #books: Books;
  readonly #loop = new Loop({ work: () => this.#ship(), idleMs: GATHER_MS });
  /** Numbers of the last question whether the spool is empty, and of the last to which the answer was yes. */
  #asked = 0;
  #found = 0;

  constructor({ spool, warehouse, books }: { spool: Spool; warehouse: Warehouse; books: Books }) {
    this.#spool = spool;
    this.#warehouse = warehouse;
    this.#books = books;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Why the last try failed; null where it did not. */
  get lastError(): string | null {
    return this.#loop.lastError;
  }

  /** Settles once the spool was found empty by a look that began after the call. */
  async drained(): Promise<void> {
    const asked = ++this.#asked;
    while (this.#found < asked) {
      if (this.#loop.isStopped) throw new StoreUnavailable('the store is closed');
      if (this.#loop.lastError === null) this.#loop.soon();
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    }
  }

  /** A crash between any two steps repeats them all with the same batch, which changes nothing. */
  async #ship(): Promise<boolean> {
    const asked = this.#asked;
    const batch = await this.#spool.nextBatch();
    if (batch === null) {
      this.#found = asked;
      return false;
    }
    if (batch.entries > 0) await this.#warehouse.insert(batch);
    await this.#books.merge(batch);
    await this.#spool.release(batch.no);
    return this.#spool.stats().entries >= ENOUGH_ENTRIES;
  }
}
