import type { IncomingHttpHeaders } from 'node:http';
import { clientNetwork } from '../domain/addresses.ts';
import { sealOf } from '../domain/tokens.ts';
import type { ClientAddress } from '../http/client-addresses.ts';
import { clientOf } from './raw-beacon.ts';
import type { Receiver } from './receive.ts';

/** The characters of a client's pseudonym: 96 bits. */
const PSEUDONYM_CHARS = 16;

/**
 * Describes a client of the dashboard without its address: by its country, and by a pseudonym of its network. Like a visitor's,
 * the pseudonym changes every UTC day, and cannot be traced to the address once the salt of the day is destroyed.
 *
 * @returns null for what is unknown, or if the salt is unavailable
 */
export async function describeClient(
  { enricher, salt }: Pick<Receiver, 'enricher' | 'salt'>,
  { client: seen, headers }: { client: ClientAddress; headers: IncomingHttpHeaders },
): Promise<{ country: string | null; client: string | null }> {
  const country = enricher.countryOf({}, clientOf(seen, headers, enricher.countryHeader));
  try {
    const seal = sealOf(`client ${clientNetwork(seen.address)}`, await salt.today());
    return { country, client: seal.slice(0, PSEUDONYM_CHARS) };
  } catch {
    return { country, client: null };
  }
}
