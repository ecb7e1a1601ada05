import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Response } from 'mmdb-lib';
import { isAddress, isPublicAddress } from '../../domain/addresses.ts';
import { isCountryCode, letterPairs } from '../../domain/countries.ts';
import { memoize } from '../../domain/memoize.ts';
import { type Lookup, lookupIn, openDatabase } from './mmdb.ts';

/** The most cached time zones. There are fewer real ones, but browsers may send anything. */
const MAX_CACHED_ZONES = 1_000;
/** The longest name that is stored. */
const NAME_MAX_CHARS = 100;

/** The country database that is installed with the server: one record a network, with its `country_code`. */
const BUNDLED = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

/** Where a visitor is. Each name contains what it lies in, because there are several places named Paris. */
export interface Place {
  /** The ISO 3166 code, such as `DE`. */
  country: string | null;
  /** Such as `Bavaria, DE`. */
  region: string | null;
  /** Such as `Munich, Bavaria, DE`. */
  city: string | null;
}

const NOWHERE: Place = { country: null, region: null, city: null };

/** Finds the place of an address; null if it is not in the database. The address is in canonical form. */
export type PlaceFinder = (address: string) => Place | null;

/**
 * Finds a visitor's place: in the supplied database, else the country in a trusted proxy's header, else in the bundled database,
 * else by the browser's time zone. Only a supplied database knows regions and cities.
 */
export class Places {
  readonly #supplied: PlaceFinder | null;
  readonly #bundled: PlaceFinder;
  readonly #countryOfZone = memoize(MAX_CACHED_ZONES, countryOfTimeZone);

  constructor({ supplied, bundled }: { supplied: PlaceFinder | null; bundled: PlaceFinder }) {
    this.#supplied = supplied;
    this.#bundled = bundled;
  }

  /** @param header the country according to a trusted proxy; null if none */
  of({
    address,
    header,
    timeZone,
  }: {
    address: string;
    header: string | null;
    timeZone: string | null;
  }): Place {
    const supplied = this.#supplied !== null && isAddress(address) ? this.#supplied(address) : null;
    if (supplied !== null) return supplied;
    const byHeader = asCountry(header);
    if (byHeader !== null) return { ...NOWHERE, country: byHeader };
    // The bundled database has countries for private networks, too.
    const bundled = isPublicAddress(address) ? this.#bundled(address) : null;
    if (bundled !== null) return bundled;
    return timeZone === null ? NOWHERE : { ...NOWHERE, country: this.#countryOfZone(timeZone) };
  }
}

/** Opens the bundled database and the supplied one. @throws if one cannot be read */
export async function openPlaces(suppliedPath: string | null): Promise<Places> {
  const bundledPath = createRequire(import.meta.url).resolve(BUNDLED);
  const supplied = suppliedPath === null ? null : await openDatabase('GEO_DATABASE', suppliedPath);
  return new Places({
    supplied: supplied === null ? null : finderIn(supplied),
    bundled: finderIn(lookupIn(await readFile(bundledPath))),
  });
}

function finderIn(lookup: Lookup<Response>): PlaceFinder {
  return (address) => {
    const record = lookup(address);
    return record === null ? null : placeIn(record);
  };
}

/**
 * Reads a record of any of the common country and city databases: MaxMind, DB-IP and IP2Location, whose names are in an object by
 * language, and flat ones such as IPinfo's.
 */
function placeIn(record: unknown): Place | null {
  const country =
    asCountry(textAt(record, 'country', 'iso_code')) ??
    asCountry(textAt(record, 'registered_country', 'iso_code')) ??
    asCountry(textAt(record, 'country_code')) ??
    asCountry(textAt(record, 'country'));
  if (country === null) return null;
  const region =
    textAt(record, 'subdivisions', 0, 'names', 'en') ??
    textAt(record, 'region_name') ??
    textAt(record, 'region') ??
    textAt(record, 'state1');
  const city = textAt(record, 'city', 'names', 'en') ?? textAt(record, 'city_name') ?? textAt(record, 'city');
  const within = region === null ? country : `${region}, ${country}`;
  return {
    country,
    region: region === null ? null : within,
    city: city === null ? null : `${city}, ${within}`,
  };
}

/** Returns the text at a path of a record; null if there is none, or if it is `-`, which IP2Location writes for unknown. */
function textAt(record: unknown, ...path: readonly (string | number)[]): string | null {
  let value = record;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null;
    value = (value as Record<string | number, unknown>)[step]; // an object, or an array if the step is a number
  }
  const text = typeof value === 'string' ? value.trim().slice(0, NAME_MAX_CHARS) : '';
  return text === '' || text === '-' ? null : text;
}

function asCountry(code: string | null): string | null {
  const upper = code?.trim().toUpperCase() ?? '';
  return isCountryCode(upper) ? upper : null;
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
