/** Writes lists as CSV: https://www.rfc-editor.org/rfc/rfc4180 */

/** Matches what a formula begins with, in ASCII or in the full width that spreadsheets convert, after spaces at most. */
const FORMULA = String.raw`[^\S\t\r\n]*[=+\-@＝＋－＠]`;
/** Matches the start of a cell that spreadsheets run as a formula, or trim before they look. */
const AT_START = new RegExp(`^(?=${FORMULA}|[\\t\\r\\n])`);
/** Matches what separates cells in some countries or programs, even within quotes, before a formula. */
const AFTER_SEPARATOR = new RegExp(`[;|\\t\\r\\n](?=${FORMULA})`, 'g');

/**
 * Puts an apostrophe where a spreadsheet may see the start of a formula, so that it shows a text instead.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function withoutFormulas(text: string): string {
  return text.replace(AFTER_SEPARATOR, "$&'").replace(AT_START, "'");
}

const NEEDS_QUOTES = /[",\r\n]/;

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = withoutFormulas(typeof value === 'object' ? JSON.stringify(value) : String(value));
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Writes one line, ending with CRLF. Null and undefined become empty cells, and objects become JSON. */
export function csvRow(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

/** Writes a header line, then a line for each row. */
export function writeCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))].map(csvRow).join('');
}

/** Returns whether an Accept header prefers CSV to JSON. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1 */
export function prefersCsv(accept: string | undefined): boolean {
  if (accept === undefined || !accept.toLowerCase().includes('csv')) return false;
  const weights = new Map<string, number>();
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    weights.set(type, weight === undefined ? 1 : Number(weight));
  }
  const csv = weights.get('text/csv') ?? 0;
  // The most specific media range decides the weight of JSON.
  const json = weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0;
  return csv > 0 && csv >= json;
}
