/** Matches two letters, such as DE. */
const CODE = /^[A-Z]{2}$/;

/**
 * Codes that do not stand for a country. ICU has names for EU, EZ, UN and ZZ, and geographic databases contain AP. Proxies send
 * XX for unknown and T1 for Tor: https://developers.cloudflare.com/fundamentals/reference/http-headers/
 */
const NOT_COUNTRIES: readonly string[] = ['AP', 'EU', 'EZ', 'T1', 'UN', 'XX', 'ZZ'];

/** Whether a text has the format of a country code and does not stand for something else. */
export function isCountryCode(text: string): boolean {
  return CODE.test(text) && !NOT_COUNTRIES.includes(text);
}

const NAMES = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** Returns the English name of a country; null if the code is not that of a country. */
export function countryName(code: string): string | null {
  return isCountryCode(code) ? (NAMES.of(code) ?? null) : null;
}

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Returns every code of two letters, whether it is in use or not. */
export function letterPairs(): string[] {
  return LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
}

/** The lower-case name of every country by its code, filled by the first search. */
let names: readonly (readonly [code: string, name: string])[] | undefined;

/** Returns the codes of the countries whose English name contains a text, compared without case. */
export function countriesLike(text: string): string[] {
  names ??= letterPairs().flatMap((code) => {
    const name = countryName(code);
    return name === null ? [] : [[code, name.toLowerCase()] as const];
  });
  const sought = text.toLowerCase();
  return names.flatMap(([code, name]) => (name.includes(sought) ? [code] : []));
}

/** The codes by the lower-case name of their country, filled by the first search. */
let codes: Map<string, string> | undefined;

/** Returns the code of the country with an English name, compared without case; null if there is none. */
export function countryNamed(name: string): string | null {
  codes ??= codesByName();
  return codes.get(name.toLowerCase()) ?? null;
}

function codesByName(): Map<string, string> {
  const found = new Map<string, string>();
  for (const code of letterPairs()) {
    const name = countryName(code)?.toLowerCase();
    // Skips an old code, such as DD, which has the name of its successor.
    if (name === undefined || Intl.getCanonicalLocales(`und-${code}`)[0] !== `und-${code}`) continue;
    if (!found.has(name)) found.set(name, code);
  }
  return found;
}
