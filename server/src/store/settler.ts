import { Loop } from './loop.ts';
import type { Books, Warehouse } from './shipping.ts';

/** How often touched days are looked for. Any process may settle any day. */
const IDLE_MS = 500;
const SETTLED_LOOK_MS = 50;

/** Sets what collectors claimed beyond the truth, day by day, as long as days are touched. */
export class Settler {
  readonly #warehouse: Warehouse;
  readonly #books: Books;
  readonly #loop = new Loop({ work: () => this.#settle(), idleMs: IDLE_MS });

  constructor({ warehouse, books }: { warehouse: Warehouse; books: Books }) {
    this.#warehouse = warehouse;
    this.#books = books;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  get lastError(): string | null {
    return this.#loop.lastError;
  }

  /** Settles once no day is touched. */
  async settled(): Promise<void> {
    while ((await this.#books.unsettled()) > 0) {
      if (this.#loop.lastError === null) this.#loop.soon();
      await new Promise((resolve) => setTimeout(resolve, SETTLED_LOOK_MS));
    }
  }

  async #settle(): Promise<boolean> {
    const settled = await this.#books.settle((days) =>
      this.#warehouse.count(days, (changed) => this.#books.touch(changed)),
    );
    return settled > 0;
  }
}
