/** Of a key on disk. 96 bits: among a thousand million of one window, two collide with a chance of 6 in 10^12. */
export const KEY_BYTES = 12;
const WORDS = 3;
const FIRST_CAPACITY = 1024;
/** Fuller than this the table grows: chains of neighbours get long. */
const MOST_FULL = 0.75;

/** A key in three words of 32 bits. */
export interface Key {
  a: number;
  b: number;
  c: number;
}

/**
 * A set of keys that are hashes, in 12 bytes a place: a `Set` of strings would take ten times as much. Open addressing with
 * linear probing. Keys come out again in the opposite order only, which is all that a rollback needs.
 */
export class KeyTable {
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS);
  #capacity = FIRST_CAPACITY;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Makes room for more keys, so that `add` does not have to. */
  reserve(more: number): void {
    let capacity = this.#capacity;
    while (this.#size + more > capacity * MOST_FULL) capacity *= 2;
    if (capacity !== this.#capacity) this.#rebuild(capacity);
  }

  has(key: Key): boolean {
    return !this.#isFree(this.#find(key));
  }

  /** @returns whether the key is new. Needs room that was reserved. */
  add(key: Key): boolean {
    const at = this.#find(key);
    if (!this.#isFree(at)) return false;
    this.#slots[at] = key.a;
    this.#slots[at + 1] = key.b;
    this.#slots[at + 2] = storedC(key);
    this.#size += 1;
    return true;
  }

  /** Takes out the key that was added last, of those still in. */
  removeLast(key: Key): void {
    const at = this.#find(key);
    if (this.#isFree(at)) throw new Error('a key to be taken out is not there');
    this.#slots.fill(0, at, at + WORDS);
    this.#size -= 1;
  }

  #rebuild(capacity: number): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(capacity * WORDS);
    this.#capacity = capacity;
    for (let at = 0; at < old.length; at += WORDS) {
      const [a = 0, b = 0, c = 0] = [old[at], old[at + 1], old[at + 2]];
      if (a === 0 && b === 0 && c === 0) continue;
      const to = this.#find({ a, b, c });
      this.#slots[to] = a;
      this.#slots[to + 1] = b;
      this.#slots[to + 2] = c;
    }
  }

  /** Where a key is, or else the free place where it belongs. */
  #find(key: Key): number {
    const { a, b } = key;
    const c = storedC(key);
    const slots = this.#slots;
    let at = (a & (this.#capacity - 1)) * WORDS;
    while (!this.#isFree(at)) {
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return at;
      at += WORDS;
      if (at === slots.length) at = 0;
    }
    return at;
  }

  #isFree(at: number): boolean {
    const slots = this.#slots;
    return slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0;
  }
}

/** All zero stands for a free place; the one key that is all zero is kept as its neighbour. */
function storedC({ a, b, c }: Key): number {
  return a === 0 && b === 0 && c === 0 ? 1 : c;
}
