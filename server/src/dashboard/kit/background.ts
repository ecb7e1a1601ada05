/** Runs work after the response, so that response times reveal nothing about it. */
export class Background {
  readonly #onError: (error: unknown) => void;
  readonly #underWay = new Set<Promise<void>>();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Starts a task after the current response. */
  run(task: () => Promise<void>): void {
    const running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(task)
      .catch(this.#onError)
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  /** Resolves when all tasks are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
