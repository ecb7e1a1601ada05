/**
 * What was worked out of a text, remembered for those that came lately. In a younger and an older half, so that finding a
 * text moves nothing.
 */
export class Memo<Value> {
  readonly #work: (text: string) => Value;
  readonly #halfMax: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** @param held texts remembered at most */
  constructor(held: number, work: (text: string) => Value) {
    this.#halfMax = held / 2;
    this.#work = work;
  }

  of(text: string): Value {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    const value = old === undefined ? this.#work(text) : old;
    if (this.#young.size >= this.#halfMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, value);
    return value;
  }
}
