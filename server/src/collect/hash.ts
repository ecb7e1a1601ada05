import { hash } from 'node:crypto';

const word = new BigInt64Array(1);
const bytes = new Uint8Array(word.buffer);

/** The first 64 bits of a text's SHA-256, as a signed number. Unpaired surrogates are all the same to it. */
export function hash64(text: string): bigint {
  // As text and over one buffer that is used again: making two for each hash takes longer than the hash.
  const digest = hash('sha256', text, 'binary');
  for (let i = 0; i < bytes.length; i++) bytes[i] = digest.charCodeAt(i);
  return word[0] ?? 0n;
}
