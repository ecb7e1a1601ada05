/** Bytes of a key. With 96 bits, the probability that any two of a billion keys collide in one window is 6 in 10^12. */
export const KEY_BYTES = 12;
const WORDS = 3;
const FIRST_CAPACITY = 1024;
/** The maximum load factor, above which probing gets slow and the table grows. */
const MOST_FULL = 0.75;

/** A key as three 32-bit words. */
export interface Key {
  a: number;
  b: number;
  c: number;
}

/**
 * A set of hashed keys in 12 bytes per slot; a `Set` of strings would take ten times as much. It uses open addressing with
 * linear probing. Keys can only be removed in the reverse order of insertion, which is enough for a rollback.
 */
export class KeyTable {
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS);
  #capacity = FIRST_CAPACITY;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Makes room for `more` keys, as `add` requires. */
  reserve(more: number): void {
    let capacity = this.#capacity;
    while (this.#size + more > capacity * MOST_FULL) capacity *= 2;
    if (capacity !== this.#capacity) this.#rebuild(capacity);
  }

  has(key: Key): boolean {
    return !this.#isFree(this.#find(key));
  }

  /** Adds a key, for which room must be reserved. @returns whether the key is new */
  add(key: Key): boolean {
    const at = this.#find(key);
    if (!this.#isFree(at)) return false;
    this.#slots[at] = key.a;
    this.#slots[at + 1] = key.b;
    this.#slots[at + 2] = storedC(key);
    this.#size += 1;
    return true;
  }

  /** Removes a key, which must be the most recently added one still in the table. */
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

  /** Finds the slot of a key, or the free slot where it belongs. */
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

/** Returns the third word as stored. All zeros mark a free slot, so the all-zero key is stored with a last word of 1. */
function storedC({ a, b, c }: Key): number {
  return a === 0 && b === 0 && c === 0 ? 1 : c;
}
