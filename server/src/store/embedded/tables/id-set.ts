/** A set of integers from 0 to a bound, which takes one bit for each. Numbers beyond the bound are ignored. */
export class IdSet {
  readonly #bits: Uint8Array;

  constructor(below: number) {
    this.#bits = new Uint8Array(Math.ceil(below / 8));
  }

  add(id: number): void {
    const at = Math.floor(id / 8);
    if (at < this.#bits.length) this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (id % 8));
  }

  has(id: number): boolean {
    return ((this.#bits[Math.floor(id / 8)] ?? 0) & (1 << (id % 8))) !== 0;
  }
}
