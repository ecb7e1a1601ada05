import type { Events, StoredEvent } from '../store/store.ts';

/** Everything stored of a site's events, page by page, so that memory stays small. */

const PAGE = 1_000;
const COLUMNS = [
  'received_at',
  'name',
  'host',
  'path',
  'source',
  'channel',
  'campaign',
  'referrer',
  'country',
  'device',
  'browser',
  'os',
  'visitor',
  'value',
  'currency',
  'props',
] as const;

type Line = Record<(typeof COLUMNS)[number], string | number | null | object>;

/** Newest first. */
export async function* exported(
  events: Pick<Events, 'page'>,
  siteId: string,
  format: 'csv' | 'ndjson',
): AsyncGenerator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await events.page(siteId, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    const lines = page.events.map(lineOf);
    if (lines.length > 0)
      yield lines.map(format === 'csv' ? csvLine : (line) => `${JSON.stringify(line)}\n`).join('');
    cursor = page.nextCursor;
  }
}

function lineOf(event: StoredEvent): Line {
  return {
    received_at: new Date(event.receivedAtMs).toISOString(),
    name: event.name,
    host: event.host,
    path: event.path,
    source: event.source,
    channel: event.channel,
    campaign: event.campaign,
    referrer: event.referrer,
    country: event.country,
    device: event.device,
    browser: event.browser,
    os: event.os,
    visitor: BigInt.asUintN(64, event.visitor).toString(16).padStart(16, '0'),
    value: event.value,
    currency: event.currency,
    props: event.props,
  };
}

function csvLine(line: Line): string {
  return csvRow(
    COLUMNS.map((column) => {
      const value = line[column];
      return value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : value;
    }),
  );
}

/** RFC 4180. Text that a spreadsheet would run as a formula is disarmed: https://owasp.org/www-community/attacks/CSV_Injection */
export function csvRow(cells: readonly (string | number)[]): string {
  const cellOf = (cell: string | number) => {
    if (typeof cell === 'number') return String(cell);
    const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `${cells.map(cellOf).join(',')}\r\n`;
}
