/**
 * What the owner of a site leaves out: pages by their path, countries by their code. Read from a form or a command, kept with
 * the site, and asked by the collector for every beacon of a site that has any.
 */

/** A site that leaves out more than this wants another site. */
export const EXCLUDED_PAGES_MAX = 100;
/** As long as a path that somebody would type. */
const PATTERN_MAX_CHARS = 200;

/** The lists of a site; `store.ts` has the same shape. */
export interface ExclusionLists {
  pages: readonly string[];
  countries: readonly string[];
}

/**
 * Whether a path fits a pattern in which `*` stands for any text. Goes through the path once for every piece between the
 * stars, so that no pattern takes long.
 */
export function pathFits(pattern: string, path: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return path === pattern;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = path.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return path.length - last.length >= at && path.endsWith(last);
}

/** Whether a page is left out. What follows the path in its address does not matter. */
export function leavesOutPage({ pages }: ExclusionLists, path: string): boolean {
  const end = path.indexOf('?');
  const bare = end === -1 ? path : path.slice(0, end);
  return pages.some((pattern) => pathFits(pattern, bare));
}

/** Whether a country is left out. One that is not known never is. */
export function leavesOutCountry({ countries }: ExclusionLists, country: string | null): boolean {
  return country !== null && countries.includes(country);
}

/**
 * The lists as a person typed them, by line, comma or blank; null where nothing is left out.
 *
 * @returns a sentence where something in them cannot be
 */
export function readExclusions(typed: { pages: string; countries: string }): ExclusionLists | null | string {
  const pages = words(typed.pages);
  const countries = words(typed.countries).map((code) => current(code.toUpperCase()));
  if (pages.length > EXCLUDED_PAGES_MAX) return `At most ${EXCLUDED_PAGES_MAX} pages.`;
  for (const pattern of pages) {
    const shown = pattern.slice(0, 100);
    if (!pattern.startsWith('/') && !pattern.startsWith('*'))
      return `“${shown}” is no path: it starts with a slash, such as /admin/*.`;
    if (pattern.length > PATTERN_MAX_CHARS)
      return `“${shown}…” is longer than ${PATTERN_MAX_CHARS} characters.`;
    if (/[?#]/.test(pattern)) return `“${shown}” has a ? or #: only the path of a page is looked at.`;
  }
  for (const code of countries) {
    if (countryName(code) === null)
      return `“${code.slice(0, 100)}” is no country. It is two letters, such as DE or US.`;
  }
  return pages.length + countries.length === 0 ? null : { pages: asSent(pages), countries };
}

/** The name of a country in English; null where the code is nobody's. */
function countryName(code: string): string | null {
  return CODE.test(code) && !NO_COUNTRIES.includes(code) ? (REGIONS.of(code) ?? null) : null;
}

const CODE = /^[A-Z]{2}$/;

/** Codes that ICU has a name for, and that no visitor comes from. */
const NO_COUNTRIES: readonly string[] = ['EU', 'EZ', 'UN', 'ZZ'];

/** The code a country goes by now: `UK` is `GB`. */
function current(code: string): string {
  return CODE.test(code) ? (new Intl.Locale(`und-${code}`).region ?? code) : code;
}

const REGIONS = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];
}

/** What `encodeURI` encodes in a path and browsers do not, and what was encoded already. https://url.spec.whatwg.org/#path-percent-encode-set */
const LEFT_AS_TYPED = /%(25|5B|5D|7C)/g;

/** Paths arrive percent-encoded, as the browser writes them: `/über` is `/%C3%BCber`. */
function asSent(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => encodeURI(pattern).replace(LEFT_AS_TYPED, decodeURIComponent));
}
