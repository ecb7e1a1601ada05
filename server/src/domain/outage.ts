/** Background work that began to fail, or has recovered. */
export interface Outage {
  /** The name of the work for the log, such as `shipping`. */
  work: string;
  /** The error; null if the work has recovered. */
  error: string | null;
}

/** The work whose outages mean that events are refused. */
export const STORING_EVENTS = 'storing events';

/** Monitors repeated background work, and reports the beginning and the end of each outage once. */
export class OutageMonitor {
  readonly #report: (error: string | null) => void;
  #error: string | null = null;

  constructor(report: (error: string | null) => void) {
    this.#report = report;
  }

  /** The error of the last attempt; null if it succeeded. */
  get error(): string | null {
    return this.#error;
  }

  failed(error: unknown): void {
    const isNew = this.#error === null;
    this.#error = error instanceof Error ? error.message : String(error);
    if (isNew) this.#report(this.#error);
  }

  succeeded(): void {
    if (this.#error === null) return;
    this.#error = null;
    this.#report(null);
  }
}
