import { readFile } from 'node:fs/promises';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { Memo } from './memo.ts';

/** More than there are; browsers may send anything. */
const ZONES_HELD = 1_000;

/** The country of a visitor: by a file of addresses the owner supplies, by a proxy's word, or by the browser's time zone. */
export class Countries {
  readonly #database: Reader<CountryResponse> | null;
  readonly #zones = new Memo(ZONES_HELD, countryOfTimeZone);

  constructor(database: Reader<CountryResponse> | null) {
    this.#database = database;
  }

  /** @param header what a proxy that is believed says; null where none does */
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
    return timeZone === null ? null : this.#zones.of(timeZone);
  }
}

/** The geographic database at a path, read once. Throws with a sentence where it cannot be read. */
export async function openCountries(path: string | null): Promise<Countries> {
  if (path === null) return new Countries(null);
  try {
    return new Countries(new Reader<CountryResponse>(await readFile(path)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`GEO_DATABASE is "${path}", which cannot be read as an .mmdb file: ${message}`, {
      cause: error,
    });
  }
}

/** Proxies say `XX` for not known and `T1` for Tor: https://developers.cloudflare.com/fundamentals/reference/http-headers/ */
const NO_COUNTRIES: readonly string[] = ['XX', 'T1', 'ZZ', 'AP', 'EU'];

function asCountry(code: string | null): string | null {
  const upper = code?.trim().toUpperCase() ?? '';
  return /^[A-Z]{2}$/.test(upper) && !NO_COUNTRIES.includes(upper) ? upper : null;
}

function byHeader(header: string | null): string | null {
  return asCountry(header);
}

/** The country a time zone is in; null for none (`UTC`), and for what is no time zone. */
export function countryOfTimeZone(timeZone: string): string | null {
  byZone ??= invertZones();
  const direct = byZone.get(timeZone);
  if (direct !== undefined) return direct;
  try {
    // Old names (`Asia/Calcutta`, `Europe/Kiev`) by the one they go by now.
    const current = new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
    return byZone.get(current) ?? null;
  } catch {
    return null;
  }
}

let byZone: Map<string, string> | undefined;

/** ICU knows the zones of every region; the regions are the pairs of letters that it has a name for. */
function invertZones(): Map<string, string> {
  const zones = new Map<string, string>();
  const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i));
  for (const region of letters.flatMap((first) => letters.map((second) => first + second))) {
    for (const zone of zonesOf(region)) {
      if (!zones.has(zone)) zones.set(zone, region);
      const current = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
      if (!zones.has(current)) zones.set(current, region);
    }
  }
  return zones;
}

function zonesOf(region: string): readonly string[] {
  // Codes that are withdrawn, or stand for a group of countries, would hide the country itself.
  if (asCountry(region) === null || new Intl.Locale(`und-${region}`).maximize().region !== region) return [];
  const locale: Intl.Locale & { getTimeZones?(): string[] | undefined } = new Intl.Locale(`und-${region}`);
  return locale.getTimeZones?.() ?? [];
}
