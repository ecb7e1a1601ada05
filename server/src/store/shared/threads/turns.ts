/** Runs work one piece at a time, in the order in which it was handed over. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs work after all earlier work has ended, also if that failed. @returns its result */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
