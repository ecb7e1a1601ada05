import { randomInt } from 'node:crypto';
import { clientNetwork } from '../domain/addresses.ts';
import { hash32 } from '../domain/hash32.ts';

/** Makes hashes of addresses different in each process. They are never stored. */
const SEED = randomInt(2 ** 32);

/** Hashes the network of a client's address (IPv6: the /64) to 32 bits, to remember what it sent in this process. */
export function networkHash(address: string): number {
  return hash32(clientNetwork(address), SEED);
}
