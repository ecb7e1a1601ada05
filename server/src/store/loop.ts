import { SECOND_MS } from '../clock.ts';

/** The first wait after a failure, doubled with each that follows, */
const FIRST_MS = 250;
/** up to this. */
const LONGEST_MS = 30 * SECOND_MS;

/** A piece of work done again and again by itself: soon where there is more, later where there is none or it failed. */
export class Loop {
  readonly #work: () => Promise<boolean>;
  readonly #idleMs: number;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #failures = 0;
  #lastError: string | null = null;
  #stopped = false;

  /** @param work answers whether there is more to do at once */
  constructor({ work, idleMs }: { work: () => Promise<boolean>; idleMs: number }) {
    this.#work = work;
    this.#idleMs = idleMs;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Does not wait any longer for the next round. */
  soon(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Why the last round failed; null where it did not. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** Waits for the round under way and starts no other. */
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
      this.#lastError = null;
      this.#schedule(more ? 0 : this.#idleMs);
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      this.#schedule(Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS));
      this.#failures += 1;
    }
  }
}
