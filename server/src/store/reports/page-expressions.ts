import { displayPage, encodedCharacter, normalizeEscapes } from '../../domain/page-path.ts';

/** Regular expressions over stored pages, in the syntax of RE2, which all engines have. No such expression is slow. */

/** Returns the regular expression of pages that a pattern of pages matches, like `matchesPage`. */
export function pageExpression(pattern: string): string {
  const [address = '', ...hash] = pattern.split('#');
  const queryAt = address.indexOf('?');
  const path = queryAt === -1 ? address : address.slice(0, queryAt);
  const written = [
    expression(path, queryAt === -1 ? '[^?#]' : '[^#]'),
    // Spaces in queries were not normalized in earlier versions.
    queryAt === -1
      ? '([?][^#]*)?'
      : expression(address.slice(queryAt), '[^#]').replaceAll(/\\\+|%20/g, '(\\+|%20)'),
    hash.length === 0 ? '(#(?s:.*))?' : `#${expression(hash.join('#'), '.')}`,
  ];
  // Pages that were counted before spellings were normalized may have escapes in lower case.
  return `^${written.join('')}$`.replaceAll(/%[0-9A-F]{2}/g, '(?i:$&)');
}

/** @param any the regular expression of a character that a star stands for */
function expression(pattern: string, any: string): string {
  return `(?s:${pattern.split('*').map(literal).join(`${any}*`)})`;
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

/**
 * Small letters as engines make them differ in two: the sigma at the end of a word, and the dotted capital I, which becomes an
 * `i` with or without a dot above. Each is compared as its plain letter.
 */
export const ALIKE = [
  ['\u03c2', '\u03c3'],
  ['i\u0307', 'i'],
] as const;

/** Returns a text for comparison without case. */
export function folded(text: string): string {
  return ALIKE.reduce((lower, [odd, plain]) => lower.replaceAll(odd, plain), text.toLowerCase());
}

/** Spellings of letters other than their small and capital one. */
const MORE_SPELLINGS: Readonly<Record<string, string>> = { i: '\u0130', '\u03c3': '\u03c2' };
/** An escape, or a character. */
const PIECE = /%[0-9a-f]{2}|./gsu;
/** What follows a `%`, or a `%4`, that begins no escape. */
const NO_ESCAPE = '($|[^0-9a-f]|[0-9a-f]($|[^0-9a-f]))';
const NO_DIGIT = '($|[^0-9a-f])';

/**
 * Returns the regular expression of pages that contain a text as people read it, whatever the case of its letters. Escapes are
 * whole: `c3` is not in `%C3%A9`, which is an é, but `%c3%a9` and `É` are. A `%` that begins no escape, a space and the other
 * characters that browsers encode are found with and without their escape; a space in a query is also a `+`.
 *
 * @param atPathEnd whether the text must end the path of the page, maybe before a slash
 */
export function pageTextExpression(text: string, { atPathEnd = false } = {}): string {
  const sought = folded(displayPage(normalizeEscapes(text.toWellFormed())));
  // A `%` at the end, or before the last digit, could begin an escape.
  const [stray = ''] = atPathEnd ? [] : (/%[0-9a-f]?$/.exec(sought) ?? []);
  const pieces = sought.slice(0, sought.length - stray.length).match(PIECE) ?? [];
  const last = stray === '' ? '' : `(%25${stray.slice(1)}|${stray}${stray === '%' ? NO_ESCAPE : NO_DIGIT})`;
  const expression = fromBoundary(sought, pieces.map(pieceExpression).join('') + last, atPathEnd);
  return atPathEnd ? `(?is)^[^?#]*${expression}/*($|[?#])` : `(?is)${expression}`;
}

/** Keeps an expression of a text that begins with a hexadecimal digit from matching the end of an escape. */
function fromBoundary(sought: string, expression: string, atPathEnd: boolean): string {
  if (!/^[0-9a-f]/.test(sought)) return expression;
  const before = '^[^%]?|[^%][^%]|%[^%0-9a-f]';
  if (/^.[0-9a-f]/.test(sought)) return `(${before})${expression}`;
  // A `%` and a single digit are not an escape.
  return sought.length === 1 && !atPathEnd
    ? `((${before})${expression}|%${expression}${NO_DIGIT})`
    : `(${before}|%)${expression}`;
}

function pieceExpression(piece: string): string {
  if (piece === '%') return '%(25)?';
  if (piece === ' ' || piece === '%20') return '( |[+]|%20)';
  if (piece.startsWith('%')) return piece;
  if (/^[\w./:;,!&=()*+@~?#[\]|\\$-]$/.test(piece) && piece !== 'i') return literal(piece);
  const capital = piece.toUpperCase();
  const more = MORE_SPELLINGS[piece] ?? '';
  const spellings = new Set([piece, ...([...capital].length === 1 ? [capital] : []), ...more]);
  const encoded = [...spellings].filter((one) => !/\w/.test(one)).map(encodedCharacter);
  // Browsers send everything but ASCII with escapes. Values of another origin may have the character itself.
  return `(${[...(piece < ' ' ? [] : [literal(piece), ...more]), ...encoded].join('|')})`;
}
