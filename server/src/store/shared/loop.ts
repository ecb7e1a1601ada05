import { SECOND_MS } from '../../domain/clock.ts';
import { OutageMonitor } from '../../domain/outage.ts';

/** The delay after the first failure. It doubles with each further failure. */
const FIRST_MS = 250;
/** The longest delay after repeated failures. */
const LONGEST_MS = 30 * SECOND_MS;

/** Repeats a task immediately while there is more work, and after a delay if there is none or the task failed. */
export class Loop {
  readonly #work: () => Promise<boolean>;
  readonly #idleMs: number;
  readonly #outage: OutageMonitor;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #failures = 0;
  #stopped = false;

  /**
   * @param work resolves to whether more work is ready
   * @param onOutage called once when rounds begin to fail, and with null when they succeed again
   */
  constructor({
    work,
    idleMs,
    onOutage,
  }: { work: () => Promise<boolean>; idleMs: number; onOutage: (error: string | null) => void }) {
    this.#work = work;
    this.#idleMs = idleMs;
    this.#outage = new OutageMonitor(onOutage);
  }

  start(): void {
    this.#schedule(0);
  }

  /** Starts the next round immediately. */
  soon(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** The reason why the last round failed; null if it succeeded. */
  get lastError(): string | null {
    return this.#outage.error;
  }

  /** Stops the loop after waiting for the round under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(waitMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#round = this.#turn();
    }, waitMs);
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    try {
      const more = await this.#work();
      this.#failures = 0;
      this.#outage.succeeded();
      this.#schedule(more ? 0 : this.#idleMs);
    } catch (error) {
      // Whoever stops the loop may also close what the round needs.
      if (this.#stopped) return;
      this.#outage.failed(error);
      this.#schedule(Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS));
      this.#failures += 1;
    }
  }
}
