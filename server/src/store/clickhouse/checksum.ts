import { hash } from 'node:crypto';
import type { Checksum } from '../move.ts';
import type { Server } from './driver.ts';
import { day as dayLiteral, text } from './literal.ts';
import { DUPLICATE_RANK } from './row.ts';
import { ENTRIES } from './schema.ts';

/** Columns whose text is the same in every version and here; of the others only `scroll` says anything. */
const COLUMNS = [
  ...[
    'event_id',
    'kind',
    'received_at',
    'ordinal',
    'site_key',
    'host',
    'name',
    'path',
    'query',
    'referrer',
    'visitor',
  ],
  ...[
    'nav',
    'props',
    'value',
    'currency',
    'view',
    'width',
    'time_zone',
    'device',
    'browser',
    'os',
    'country',
    'source',
  ],
  ...['channel', 'campaign', 'engaged', 'vitals', 'bot', 'company', 'bot_class'],
];
/** What stands in a column that is left out of the row, where that is not nothing. */
const DEFAULTS: Readonly<Record<string, string>> = { visitor: '0' };
const SEPARATOR = '|';

/** Of a row as `toRow` writes it: the first 64 bits of MD5, against accidents and nobody's intent. */
export function checksumOfRow(row: string): bigint {
  const values = JSON.parse(row) as Record<string, unknown>;
  const whole = COLUMNS.map((column) => String(values[column] ?? DEFAULTS[column] ?? '')).join(SEPARATOR);
  return hash('md5', whole, 'buffer').readBigUInt64BE();
}

/** Of all rows of a site's day, whatever their order. */
export async function checksumOfDay(server: Server, siteId: string, day: number): Promise<Checksum> {
  const whole = COLUMNS.map((column) => `ifNull(toString(${column}), '')`).join(`, ${text(SEPARATOR)}, `);
  const [found] = await server.rows(
    `SELECT count() AS n, groupBitXor(halfMD5(concat(${whole}))) AS checksum FROM ${ENTRIES} FINAL
     WHERE site_id = ${text(siteId)} AND day = ${dayLiteral(day)}`,
  );
  return { rows: Number(found?.n ?? 0), sum: BigInt(String(found?.checksum ?? 0)) };
}

/** The row of an entry that is moved: of the end of a view, which may have been noted anew, the newest stays. */
export function newestStays(row: string): string {
  const values = JSON.parse(row) as { kind: string; received_at: number; rank: number };
  return values.kind === 'leave'
    ? JSON.stringify({ ...values, rank: Math.min(values.received_at, DUPLICATE_RANK - 1) })
    : row;
}
