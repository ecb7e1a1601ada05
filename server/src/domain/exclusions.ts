import { countryName } from './countries.ts';
import { matchesPattern } from './patterns.ts';

/**
 * The exclusions of a site: pages by path, and countries by code. They are stored with the site, and the collector checks every
 * beacon against them.
 */

/** The most excluded pages of a site. */
const EXCLUDED_PAGES_MAX = 100;
/** The longest pattern of a page. */
const PATTERN_MAX_CHARS = 200;

/** What the owner of a site excludes. At least one of the lists has an entry. */
export interface Exclusions {
  /** Paths of pages; `*` stands for any text. */
  pages: readonly string[];
  /** ISO 3166-1 alpha-2 country codes. */
  countries: readonly string[];
}

/** Whether a page is excluded. Only its path counts, without the query. */
export function isPageExcluded({ pages }: Exclusions, path: string): boolean {
  const end = path.indexOf('?');
  const bare = end === -1 ? path : path.slice(0, end);
  return pages.some((pattern) => matchesPattern(pattern, bare));
}

/** Whether a country is excluded. An unknown country never is. */
export function isCountryExcluded({ countries }: Exclusions, country: string | null): boolean {
  return country !== null && countries.includes(country);
}

/**
 * Parses exclusions as typed, separated by lines, commas or spaces.
 *
 * @returns null if there are none; an error sentence if one is invalid
 */
export function readExclusions(typed: { pages: string; countries: string }): Exclusions | null | string {
  const pages = words(typed.pages);
  const countries = words(typed.countries).map((code) => current(code.toUpperCase()));
  if (pages.length > EXCLUDED_PAGES_MAX) return `A site can exclude at most ${EXCLUDED_PAGES_MAX} pages.`;
  for (const pattern of pages) {
    const shown = pattern.slice(0, 100);
    if (!pattern.startsWith('/') && !pattern.startsWith('*'))
      return `“${shown}” is not a path. A path starts with a slash, such as /admin/*.`;
    if (pattern.length > PATTERN_MAX_CHARS)
      return `“${shown}…” is longer than ${PATTERN_MAX_CHARS} characters.`;
    if (/[?#]/.test(pattern)) return `“${shown}” contains ? or #. Enter only the path of the page.`;
  }
  for (const code of countries) {
    if (countryName(code) === null)
      return `“${code.slice(0, 100)}” is not a country code. Use two letters, such as DE or US.`;
  }
  return pages.length + countries.length === 0 ? null : { pages: asSent(pages), countries };
}

/** Returns the current code of a country: `GB` for `UK`. */
function current(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (new Intl.Locale(`und-${code}`).region ?? code) : code;
}

function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];
}

/**
 * Matches the encoded characters that browsers leave as typed in a path but `encodeURI` encodes, including the percent sign of
 * existing escapes. https://url.spec.whatwg.org/#path-percent-encode-set
 */
const LEFT_AS_TYPED = /%(25|5B|5D|7C)/g;

/** Percent-encodes patterns as browsers encode paths: `/über` becomes `/%C3%BCber`. */
function asSent(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => encodeURI(pattern).replace(LEFT_AS_TYPED, decodeURIComponent));
}
