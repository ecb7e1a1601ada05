/** What goes on after an answer was given, so that the time of the answer tells nothing about it. */
export class Background {
  readonly #onError: (error: unknown) => void;
  readonly #underWay = new Set<Promise<void>>();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Starts something once the answer is on its way. */
  run(task: () => Promise<void>): void {
    const running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(task)
      .catch(this.#onError)
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  /** Settles when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
