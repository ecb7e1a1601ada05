import { Loop } from '../shared/loop.ts';
import type { Counts, Warehouse } from './shipping.ts';

/** The interval between checks for dirty days. Any process may reconcile any day. */
const IDLE_MS = 500;
const POLL_MS = 50;

/** Reconciles dirty days in the background, by setting the overcount that collectors claimed. */
export class Reconciler {
  readonly #warehouse: Warehouse;
  readonly #counts: Counts;
  readonly #loop: Loop;

  constructor({
    warehouse,
    counts,
    onOutage,
  }: { warehouse: Warehouse; counts: Counts; onOutage: (error: string | null) => void }) {
    this.#loop = new Loop({ work: () => this.#reconcile(), idleMs: IDLE_MS, onOutage });
    this.#warehouse = warehouse;
    this.#counts = counts;
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

  /** Resolves once no day is dirty. */
  async settled(): Promise<void> {
    while ((await this.#counts.dirtyDays()) > 0) {
      if (this.#loop.lastError === null) this.#loop.soon();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #reconcile(): Promise<boolean> {
    const days = await this.#counts.reconcile((days) =>
      this.#warehouse.count(days, (changed) => this.#counts.markDirty(changed)),
    );
    return days > 0;
  }
}
