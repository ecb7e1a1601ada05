/**
 * Reads the headers in which proxies name the client. Each proxy appends the address that it saw, so the list is read from its
 * end: what stands before the entry of an untrusted hop may be forged.
 */

/** The hops of a header, the nearest first. An entry is a text as the proxy wrote it, which may not be an address. */
export type Hops = Iterable<string>;

/** Returns the hops of a header: RFC 7239 for `forwarded`, for any other a list of addresses such as in `X-Forwarded-For`. */
export function hopsOf(header: string, value: string): Hops {
  return header === 'forwarded' ? hopsOfForwarded(value) : hopsOfList(value);
}

/** Yields the entries of a comma-separated list from its end, without empty ones. */
function* hopsOfList(value: string): Hops {
  for (let end = value.length; end >= 0; ) {
    const comma = end === 0 ? -1 : value.lastIndexOf(',', end - 1);
    const entry = value.slice(comma + 1, end).trim();
    if (entry !== '') yield entry;
    end = comma;
  }
}

/**
 * Yields the hops of `Forwarded` (https://www.rfc-editor.org/rfc/rfc7239) from its end. It looks for commas outside of quoted
 * strings from the end, too: a quote that a client leaves open must not hide what the proxy appended.
 */
function* hopsOfForwarded(value: string): Hops {
  let end = value.length;
  let isQuoted = false;
  for (let i = end - 1; i >= -1; i--) {
    if (value[i] === '"' && !(isQuoted && isEscaped(value, i))) isQuoted = !isQuoted;
    if (i >= 0 && (value[i] !== ',' || isQuoted)) continue;
    const element = value.slice(i + 1, end).trim();
    if (element !== '') yield nodeOf(element);
    end = i;
  }
}

/** Whether a character of a quoted string follows an odd number of backslashes. */
function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text[index - slashes - 1] === '\\') slashes++;
  return slashes % 2 === 1;
}

/** One parameter of an element. Proxies often omit the quotes that colons and brackets need. */
const PARAMETER = /\s*([^\s=;,"]+)=(?:"((?:[^"\\]|\\.)*)"\s*|([^;"]*))(?:;|$)/y;
/** The node of an element without `for`. https://www.rfc-editor.org/rfc/rfc7239#section-6.2 */
const UNKNOWN = 'unknown';

/** Returns the `for` of an element; the whole element if it is malformed. */
function nodeOf(element: string): string {
  for (PARAMETER.lastIndex = 0; PARAMETER.lastIndex < element.length; ) {
    const [, name, quoted, bare = ''] = PARAMETER.exec(element) ?? [];
    if (name === undefined) return element;
    if (name.toLowerCase() === 'for') return quoted?.replace(/\\(.)/g, '$1') ?? bare.trim();
  }
  return UNKNOWN;
}
