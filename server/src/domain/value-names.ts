import { CHANNEL_LABELS, CHANNELS, isChannel } from './channels.ts';
import { countriesLike, countryName, countryNamed } from './countries.ts';
import { asciiHost, readDomain, shownDomain, shownHost } from './hosts.ts';
import { languageName, languageNamed, languagesLike } from './languages.ts';
import { displayPage, pageSpellings, slashPages, slashTexts, storedPage } from './page-path.ts';

/** Converts values of dimensions to display names, and back. */

/** The dimensions whose values are pages of the site. */
const PAGES: readonly string[] = ['page', 'entry', 'exit'];
/** The dimensions whose values are hosts, or begin with one. */
const HOSTS: readonly string[] = ['host', 'source', 'referrer'];

/** Whether the values of a dimension are pages of a site. */
export function arePages(by: string): boolean {
  return PAGES.includes(by);
}

/** Whether the values of a dimension are pages, or end in the path of one, so that they have percent-encodings. */
export function hasPages(by: string): boolean {
  return arePages(by) || by === 'referrer';
}

/** The campaign tags that are stored in lower case, and shown so. */
const LOWER_CASE_TAGS: readonly string[] = ['utm_source', 'utm_medium'];

/** Whether the values of a dimension are words that are stored in lower case. */
function isCapitalized(by: string): boolean {
  return by === 'device' || by === 'screen';
}

/** Returns the display name of a value: `Germany` for the country `DE`, `/café` for the page `/caf%C3%A9`. */
export function valueName(by: string, value: string | null): string {
  if (value === null) return UNKNOWN_NAMES[by] ?? 'Unknown';
  if (by === 'country') return countryName(value) ?? value;
  if (by === 'channel') return isChannel(value) ? CHANNEL_LABELS[value] : value;
  if (isCapitalized(by)) return value.charAt(0).toUpperCase() + value.slice(1);
  if (value === '') return '(empty)';
  if (by === 'language') return languageName(value) ?? value;
  if (by === 'host') return shownDomain(value);
  if (by === 'source') return shownHost(value);
  // In a report over several sites, pages begin with the domain of their site.
  if (by === 'referrer' || (arePages(by) && !value.startsWith('/'))) return shownReferrer(value);
  return hasPages(by) ? displayPage(value) : value;
}

function shownReferrer(referrer: string): string {
  const [host, path] = splitReferrer(referrer);
  return shownHost(host) + displayPage(path);
}

/** Splits a referrer into its host, or the name of an app, and its path. */
function splitReferrer(referrer: string): [host: string, path: string] {
  const slash = referrer.indexOf('/');
  return slash === -1 ? [referrer, ''] : [referrer.slice(0, slash), referrer.slice(slash)];
}

/** Returns the spellings in which a referrer may be stored: without the scheme, query and hash of a URL. */
function referrerSpellings(typed: string): string[] {
  const [host, rest] = splitReferrer(typed.trim().replace(/^(https?|android-app):\/\//i, ''));
  const path = rest.replace(/[?#].*$/s, '');
  const paths = path === '' || path === '/' ? [''] : pageSpellings(path);
  return paths.map((spelling) => storedHost(host) + spelling);
}

function storedHost(typed: string): string {
  return readDomain(typed) ?? typed;
}

/** The display names of the unknown value in dimensions where it means more than “Unknown”. */
const UNKNOWN_NAMES: Readonly<Record<string, string>> = {
  source: 'Direct / none',
  referrer: 'Direct / none',
  campaign: 'No campaign',
  utm_campaign: 'No campaign',
};

/** Returns the value of a display name: `DE` for `Germany`, `/caf%C3%A9` for `/café`. Any other text is returned as it is. */
export function valueNamed(by: string, typed: string): string {
  const wanted = typed.toLowerCase();
  if (by === 'channel')
    return CHANNELS.find((channel) => CHANNEL_LABELS[channel].toLowerCase() === wanted) ?? wanted;
  if (isCapitalized(by) || LOWER_CASE_TAGS.includes(by)) return wanted;
  if (by === 'language') return languageNamed(typed) ?? wanted;
  if (by === 'host') return storedHost(typed);
  if (by === 'referrer') return referrerSpellings(typed)[0] ?? typed;
  if (hasPages(by)) return storedPage(typed);
  if (by !== 'country') return typed;
  if (wanted.length === 2) return typed.toUpperCase();
  return countryNamed(typed) ?? typed;
}

/** Returns the values whose display name contains a text, in dimensions with a list of names: `DE` for `german`. */
export function valuesLike(by: string, text: string): string[] {
  if (by === 'country') return countriesLike(text);
  if (by === 'language') return languagesLike(text);
  if (by !== 'channel') return [];
  const sought = text.toLowerCase();
  return CHANNELS.filter((channel) => CHANNEL_LABELS[channel].toLowerCase().includes(sought));
}

/** The settings of a site that decide which of its pages are the same. */
export interface PageRules {
  mergeTrailingSlashes: boolean;
}

/**
 * Returns the values of a dimension that a value of a filter stands for: a page in every spelling in which it may be stored, a host
 * in ASCII, and a word in the case in which it is stored, or by its display name.
 */
export function storedValues(by: string, value: string, { mergeTrailingSlashes }: PageRules): string[] {
  if (arePages(by))
    return unique((mergeTrailingSlashes ? slashPages(value) : [value]).flatMap(pageSpellings));
  if (by === 'referrer') return unique([...referrerSpellings(value), value]);
  if (by === 'source') return unique([value, storedHost(value).replace(/^www\./, '')]);
  return unique([value, valueNamed(by, value)]);
}

/**
 * Returns the texts to search for in the stored values of a dimension, anywhere and at the end of the paths of pages. Hosts are
 * stored in ASCII, so their other letters are found as whole labels only: `münchen`, not `münch`.
 */
export function storedTexts(
  by: string,
  text: string,
  { mergeTrailingSlashes }: PageRules,
): { containing: string[]; ending: string[] } {
  if (arePages(by) && mergeTrailingSlashes) return slashTexts(text);
  if (!HOSTS.includes(by)) return { containing: [text], ending: [] };
  const [host, path] = splitReferrer(text);
  return { containing: unique([text, asciiHost(host) + path]), ending: [] };
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
