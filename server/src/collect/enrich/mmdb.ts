import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { Reader, type Response } from 'mmdb-lib';
import QuickLRU from 'quick-lru';

/** The most cached records of a database. A country database has fewer. Without the cache, a lookup takes twice as long. */
const MAX_CACHED_RECORDS = 10_000;

/** Finds the record of an address in canonical form; null if there is none. */
export type Lookup<Found extends Response> = (address: string) => Found | null;

/** Returns the lookup in a database in MaxMind's format. https://maxmind.github.io/MaxMind-DB/ */
export function lookupIn<Found extends Response>(file: Buffer): Lookup<Found> {
  const reader = new Reader<Found>(file, { cache: new QuickLRU({ maxSize: MAX_CACHED_RECORDS / 2 }) });
  const knowsIpv6 = reader.metadata.ipVersion === 6;
  // Without IPv6 in the database, the reader would take the first bits of an address for an IPv4 address.
  return (address) => (knowsIpv6 || !isIPv6(address) ? reader.get(address) : null);
}

/** Opens the database that a setting names. @throws if it cannot be read */
export async function openDatabase<Found extends Response>(
  setting: 'GEO_DATABASE' | 'ASN_DATABASE',
  path: string,
): Promise<Lookup<Found>> {
  try {
    return lookupIn<Found>(await readFile(path));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${setting} must be a readable .mmdb file; got "${path}": ${message}`, { cause: error });
  }
}
