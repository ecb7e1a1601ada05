/** The output of a run, and its result. */

export interface Options {
  /** Whether to run fewer and shorter rounds with fewer stored events. */
  quick: boolean;
  /** The checkout whose built server is measured. */
  checkout: string;
}

export class Report {
  #missed = 0;
  #broken = 0;

  title(text: string): void {
    this.line();
    this.line(`── ${text} ${'─'.repeat(Math.max(0, 100 - text.length))}`);
  }

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  /** Reports a figure and its target. Missing a target is not a failure. */
  target(what: string, value: number, { atMost, atLeast }: { atMost?: number; atLeast?: number }): void {
    const met = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
    if (!met) this.#missed++;
    const wanted = [
      ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
      ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ].join(' and ');
    this.line(`  ${met ? 'met   ' : 'MISSED'}  ${what}: ${value.toFixed(2)}  (target ${wanted})`);
  }

  /** Reports a condition that must hold, independent of speed. */
  check(what: string, holds: boolean): void {
    if (!holds) this.#broken++;
    this.line(`  ${holds ? 'holds ' : 'BROKEN'}  ${what}`);
  }

  /** @returns the exit code: 1 if a condition does not hold */
  end(): number {
    this.line();
    this.line(
      `${this.#missed === 0 ? 'Every target was met' : `${this.#missed} targets were missed`}; ` +
        `${this.#broken === 0 ? 'nothing was lost or doubled' : `${this.#broken} CHECKS FAILED`}.`,
    );
    return this.#broken === 0 ? 0 : 1;
  }
}
