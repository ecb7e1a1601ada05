/**
 * Hashes a text to 32 bits with FNV-1a: https://datatracker.ietf.org/doc/html/rfc9923
 *
 * @param seed a random number of this process, so that no one can choose texts with the same hash
 */
export function hash32(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
