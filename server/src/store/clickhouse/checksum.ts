import { hash } from 'node:crypto';
import { type Checksum, dayName, type ToMovedRow } from '../move.ts';
import type { SiteDay } from '../shipping.ts';
import { among } from './count.ts';
import type { Server } from './driver.ts';
import { text } from './literal.ts';
import { asLine, DUPLICATE_RANK, valuesOf } from './row.ts';
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

/**
 * The row of an entry that is moved: of the end of a view, which may have been noted anew, the newest stays. Its checksum is the
 * first 64 bits of MD5, against accidents and nobody's intent.
 */
export const toMovedRow: ToMovedRow = (entry, where) => {
  const values = valuesOf(entry, where);
  if (entry.kind === 'leave') values.rank = Math.min(entry.receivedAtMs, DUPLICATE_RANK - 1);
  const whole = COLUMNS.map((column) => String(values[column] ?? DEFAULTS[column] ?? '')).join(SEPARATOR);
  return { line: asLine(values), checksum: hash('md5', whole.toWellFormed(), 'buffer').readBigUInt64BE() };
};

/** Of all rows of each of some days, whatever their order, by `dayName`. See `toMovedRow`. */
export async function checksumsOf(
  server: Server,
  days: readonly SiteDay[],
): Promise<ReadonlyMap<string, Checksum>> {
  const whole = COLUMNS.map((column) => `ifNull(toString(${column}), '')`).join(`, ${text(SEPARATOR)}, `);
  const found = await server.rows(
    `SELECT site_id, toUInt16(day) AS d, count() AS n, groupBitXor(halfMD5(concat(${whole}))) AS checksum
     FROM ${ENTRIES} FINAL WHERE ${among(days)} GROUP BY site_id, day`,
  );
  return new Map(
    found.map((row) => [
      dayName({ siteId: String(row.site_id), day: Number(row.d) }),
      { rows: Number(row.n), sum: BigInt(String(row.checksum)) },
    ]),
  );
}
