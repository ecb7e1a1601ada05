import { hash } from 'node:crypto';

const word = new BigInt64Array(1);
const bytes = new Uint8Array(word.buffer);

/** Returns the first 64 bits of a text's SHA-256 as a signed integer. All unpaired surrogates hash the same. */
export function hash64(text: string): bigint {
  // A binary string and one reused buffer: allocating two buffers takes longer than hashing.
  const digest = hash('sha256', text, 'binary');
  for (let i = 0; i < bytes.length; i++) bytes[i] = digest.charCodeAt(i);
  return word[0] ?? 0n;
}

/** Returns a view's pseudonym: a signed 64-bit hash of the id of its page view. */
export function viewHash(id: string): bigint {
  // Escapes unpaired surrogates, which would otherwise all hash the same.
  return hash64(id.isWellFormed() ? id : JSON.stringify(id));
}
