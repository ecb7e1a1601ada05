import { readFile } from 'node:fs/promises';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { isCountryCode, letterPairs } from '../../domain/countries.ts';
import { memoize } from '../../domain/memoize.ts';

/** The most cached time zones. There are fewer real ones, but browsers may send anything. */
const MAX_CACHED_ZONES = 1_000;

/** Finds a visitor's country: in the country database, else in a trusted proxy's header, else from the browser's time zone. */
export class Countries {
  readonly #database: Reader<CountryResponse> | null;
  readonly #countryOfZone = memoize(MAX_CACHED_ZONES, countryOfTimeZone);

  constructor(database: Reader<CountryResponse> | null) {
    this.#database = database;
  }

  /** Returns a visitor's country; null if unknown. @param header the country according to a trusted proxy; null if none */
  of({
    address,
    header,
    timeZone,
  }: {
    address: string;
    header: string | null;
    timeZone: string | null;
  }): string | null {
    return this.#byAddress(address) ?? byHeader(header) ?? this.#byTimeZone(timeZone);
  }

  #byAddress(address: string): string | null {
    if (this.#database === null) return null;
    try {
      const found = this.#database.get(address);
      return asCountry((found?.country ?? found?.registered_country)?.iso_code ?? null);
    } catch {
      return null; // not an address
    }
  }

  #byTimeZone(timeZone: string | null): string | null {
    return timeZone === null ? null : this.#countryOfZone(timeZone);
  }
}

/** Opens the country database. @throws if it cannot be read */
export async function openCountries(path: string | null): Promise<Countries> {
  if (path === null) return new Countries(null);
  try {
    return new Countries(new Reader<CountryResponse>(await readFile(path)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`GEO_DATABASE must be a readable .mmdb file; got "${path}": ${message}`, {
      cause: error,
    });
  }
}

function asCountry(code: string | null): string | null {
  const upper = code?.trim().toUpperCase() ?? '';
  return isCountryCode(upper) ? upper : null;
}

function byHeader(header: string | null): string | null {
  return asCountry(header);
}

/** Returns the country of a time zone; null if it has none (`UTC`) or is invalid. */
export function countryOfTimeZone(timeZone: string): string | null {
  byZone ??= invertZones();
  const direct = byZone.get(timeZone);
  if (direct !== undefined) return direct;
  try {
    // Converts old names, such as `Asia/Calcutta`, to current ones.
    const current = new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
    return byZone.get(current) ?? null;
  } catch {
    return null;
  }
}

let byZone: Map<string, string> | undefined;

/** Maps each time zone to its country. ICU lists the zones of a region, so this asks for every two-letter country code. */
function invertZones(): Map<string, string> {
  const zones = new Map<string, string>();
  for (const region of letterPairs()) {
    for (const zone of zonesOf(region)) {
      if (!zones.has(zone)) zones.set(zone, region);
      const current = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
      if (!zones.has(current)) zones.set(current, region);
    }
  }
  return zones;
}

function zonesOf(region: string): readonly string[] {
  // Skips withdrawn codes and codes of country groups, which would claim the zones of real countries.
  if (asCountry(region) === null || new Intl.Locale(`und-${region}`).maximize().region !== region) return [];
  const locale: Intl.Locale & { getTimeZones?(): string[] | undefined } = new Intl.Locale(`und-${region}`);
  return locale.getTimeZones?.() ?? [];
}
