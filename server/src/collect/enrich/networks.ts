import type { AsnResponse } from 'mmdb-lib';
import { readAddress } from '../../domain/addresses.ts';
import { HOSTING_NETWORKS } from '../lists/hosting-networks.ts';
import { type Lookup, openDatabase } from './mmdb.ts';

/** A record of an ASN database: of MaxMind, DB-IP and others (`autonomous_system_number`), or of IPinfo (`asn`: `AS64496`). */
type AsnRecord = AsnResponse & { asn?: string };

/** Finds the networks that addresses belong to, in the operator's ASN database. */
export class Networks {
  readonly #lookup: Lookup<AsnRecord> | null;

  /** @param lookup null if there is no database */
  constructor(lookup: Lookup<AsnRecord> | null) {
    this.#lookup = lookup;
  }

  /** Whether an address belongs to a hosting provider. Without a database, none does. */
  isDataCenter(address: string): boolean {
    if (this.#lookup === null) return false;
    const canonical = readAddress(address);
    const record: Partial<AsnRecord> | null = canonical === null ? null : this.#lookup(canonical);
    if (record === null) return false;
    const number = record.autonomous_system_number ?? Number(record.asn?.replace(/^AS/i, ''));
    return HOSTING_NETWORKS.has(number);
  }
}

/** Opens the ASN database. @throws if it cannot be read */
export async function openNetworks(path: string | null): Promise<Networks> {
  return new Networks(path === null ? null : await openDatabase<AsnRecord>('ASN_DATABASE', path));
}
