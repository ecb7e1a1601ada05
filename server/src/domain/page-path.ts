import { matchesPattern } from './patterns.ts';

/**
 * The address of a page within its host: path, kept query and kept hash, in one spelling.
 *
 * The stored spelling is the URL as browsers send it, with normalized percent-encodings. People see it decoded. Either can be
 * typed into filters, goals and exclusions.
 */

/** A percent-encoded byte, after a stray `%` or `%4` that it must not complete. */
const ESCAPE = /(%[0-9a-f]?)?%([0-9a-f]{2})/gi;
/** The characters that never need an escape. https://www.rfc-editor.org/rfc/rfc3986#section-2.3 */
const UNRESERVED = /^[\w.~-]$/;

/**
 * Normalizes the percent-encodings of a path, query or hash: upper-case digits, and no escapes of unreserved characters.
 * Malformed escapes stay as they are. https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
 */
export function normalizeEscapes(text: string): string {
  if (!text.includes('%')) return text; // most paths, and this runs for every beacon
  return text.replace(ESCAPE, (_, stray: string | undefined, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    if (stray === undefined && UNRESERVED.test(character)) return character;
    return `${stray ?? ''}%${digits.toUpperCase()}`;
  });
}

/**
 * Returns the stored page of a URL. The kept query parameters are sorted by name, so that their order in links makes no
 * difference; those of the same name stay in order, because it may matter. Their spaces are `+`, as in the queries of forms.
 *
 * @param keep names of query parameters, separated by `|`; `#` keeps the hash
 */
export function pagePath(url: Pick<URL, 'pathname' | 'search' | 'hash'>, keep: string): string {
  const path = normalizeEscapes(url.pathname);
  if (keep === '') return path;
  const names = new Set(keep.split('|'));
  const hash = names.delete('#') ? normalizeEscapes(url.hash) : '';
  return path + sortedQuery(url.search, (name) => names.has(name)) + hash;
}

function sortedQuery(query: string, isKept: (name: string) => boolean): string {
  if (query.length <= 1) return '';
  const kept = query
    .slice(1)
    .split('&')
    .map((parameter) => ({ name: decoded(parameter.split('=', 1)[0] ?? ''), parameter }))
    .filter(({ name }) => isKept(name))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ parameter }) => normalizeEscapes(parameter).replaceAll('%20', '+'));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function decoded(name: string): string {
  if (!/[%+]/.test(name)) return name;
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/**
 * Removes the slashes at the end of a page's path, for sites that count `/a/` and `/a` as one page. `/` stays.
 */
export function withoutTrailingSlash(page: string): string {
  const { path, query, hash } = partsOf(page);
  return (path.replace(/(?<!\/)\/+$/, '') || '/') + query + hash;
}

/** Returns a page as it is and with and without the slash at the end of its path, for sites that count `/a/` and `/a` as one. */
export function slashPages(page: string): string[] {
  const bare = withoutTrailingSlash(page);
  const { path, query, hash } = partsOf(bare);
  return [...new Set([page, bare, path.endsWith('/') ? bare : `${path}/${query}${hash}`])];
}

/**
 * Returns the patterns that match what a pattern does, for sites that count `/a/` and `/a` as one page: all pages that it matches
 * with or without their slash. `/a`, `/a/` and `/a/*` then match both. A pattern of nothing but slashes and stars stays as it is,
 * because one that ends in a slash would match all pages.
 */
export function slashPatterns(pattern: string): string[] {
  const { path, query, hash } = partsOf(pattern);
  if (!/[^*/]/.test(path)) return [pattern];
  const bare = path.replace(/\/+\**$/, '');
  const found = [pattern, bare + query + hash];
  // After a star, the text that it stands for may have the slash.
  return [...new Set(path.endsWith('*') ? found : [...found, `${bare}/${query}${hash}`])];
}

/**
 * Returns the texts to search pages for, given one text, for sites that count `/a/` and `/a` as one page. If the text contains the end
 * of a path, that is with and without the slash; else it is also searched without its slash at the ends of paths.
 */
export function slashTexts(text: string): { containing: string[]; ending: string[] } {
  const { path, query, hash } = partsOf(text);
  const rest = query + hash;
  const bare = path.replace(/\/+$/, '');
  if (rest !== '' && path !== '')
    return { containing: [...new Set([text, bare + rest, `${bare}/${rest}`])], ending: [] };
  return { containing: [text], ending: bare === path || bare === '' ? [] : [bare] };
}

/** Splits a page into path, query and hash. The latter include `?` and `#`, and are empty if absent. */
function partsOf(page: string): { path: string; query: string; hash: string } {
  const hashAt = page.indexOf('#');
  const [address, hash] = hashAt === -1 ? [page, ''] : [page.slice(0, hashAt), page.slice(hashAt)];
  const queryAt = address.indexOf('?');
  if (queryAt === -1) return { path: address, query: '', hash };
  return { path: address.slice(0, queryAt), query: address.slice(queryAt), hash };
}

/** The characters that browsers encode in each part. https://url.spec.whatwg.org/#percent-encoded-bytes */
const ENCODED = {
  path: /[^\x21-\x7e]|["<>^`{}]/gu,
  query: /[^\x21-\x7e]|["<>']/gu,
  hash: /[^\x21-\x7e]|["<>`]/gu,
};

/** Returns the escapes of a character that browsers encode. */
export function encodedCharacter(character: string): string {
  return character === "'" ? '%27' : encodeURIComponent(character); // which leaves the apostrophe as it is
}

/** Returns the stored spelling of a page, or of a pattern of pages, as typed: `/café` becomes `/caf%C3%A9`. */
export function storedPage(typed: string): string {
  const { path, query, hash } = partsOf(typed.toWellFormed());
  const encoded = (part: string, characters: RegExp) =>
    normalizeEscapes(part.replace(characters, encodedCharacter));
  return (
    encoded(path, ENCODED.path) +
    sortedQuery(encoded(query, ENCODED.query), () => true) +
    encoded(hash, ENCODED.hash)
  );
}

/**
 * Returns the spellings in which a page may be stored. Pages that were counted before spellings were normalized are stored as
 * the browser sent them, most often with escapes in lower case.
 */
export function pageSpellings(typed: string): string[] {
  const stored = storedPage(typed);
  const lowerCase = stored.replace(ESCAPE, (code) => code.toLowerCase());
  const { path, query, hash } = partsOf(stored);
  const spaces = path + query.replaceAll('+', '%20') + hash;
  return [...new Set([stored, lowerCase, spaces, typed])];
}

/** Returns the number of characters of a stored page as people read it: an escape counts as the character that it stands for. */
export function pageLength(page: string): number {
  return page.replace(ENCODED_CHARACTER, '.').replace(ESCAPE, '$1.').length;
}

/** A character beyond ASCII, encoded in UTF-8. https://www.rfc-editor.org/rfc/rfc3629#section-4 */
const ENCODED_CHARACTER =
  /%[CD][0-9A-F]%[89AB][0-9A-F]|%E[0-9A-F](?:%[89AB][0-9A-F]){2}|%F[0-4](?:%[89AB][0-9A-F]){3}/gi;
/** Characters that cannot be seen, or that change how others are shown. */
const INVISIBLE = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;

/**
 * Returns a stored page as people read it: `/caf%C3%A9` becomes `/café`. Only visible characters beyond ASCII are decoded, so
 * that `storedPage` restores the same page.
 */
export function displayPage(page: string): string {
  return page.replace(ENCODED_CHARACTER, (code) => {
    const character = decoded(code);
    return INVISIBLE.test(character) ? code : character;
  });
}

/**
 * Whether a page matches a pattern, in which `*` stands for any text. A query or hash that the pattern does not have is ignored:
 * `/search` also matches `/search?q=1`, but `/search?q=1` does not match `/search`.
 */
export function matchesPage(pattern: string, page: string): boolean {
  const { path, query, hash } = partsOf(page);
  const named = partsOf(pattern);
  return matchesPattern(pattern, path + (named.query === '' ? '' : query) + (named.hash === '' ? '' : hash));
}
