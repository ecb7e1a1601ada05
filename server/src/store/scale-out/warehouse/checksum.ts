import { hash } from 'node:crypto';
import type { Server } from '../../drivers/clickhouse.ts';
import { PROFILE_COLUMNS } from '../../shared/profile.ts';
import { type Checksum, dayName, type ToMovedRow } from '../move.ts';
import type { SiteDay } from '../shipping.ts';
import { among } from './count.ts';
import { text } from './literal.ts';
import { asLine, DUPLICATE_RANK, valuesOf } from './row.ts';
import { ENTRIES } from './schema.ts';

/** The columns whose text form is the same here and in every server version. Of the others, only `scroll` matters. */
const COLUMNS = [
  ...['event_id', 'kind', 'received_at', 'ordinal', 'site_key', 'host', 'name', 'path', 'query', 'referrer'],
  ...['visitor', 'nav', 'props', 'value', 'currency', 'view', 'width', 'channel', 'passive'],
  ...Object.values(PROFILE_COLUMNS),
  ...['engaged', 'vitals', 'bot', 'company', 'bot_class'],
];
/** The default values, other than empty, of columns that a row leaves out. */
const DEFAULTS: Readonly<Record<string, string>> = { visitor: '0', passive: '0' };
const SEPARATOR = '|';

/**
 * Makes the row of a moved entry. If the end of a view was recorded several times, the newest stays. The checksum is the first
 * 64 bits of MD5, which protects against accidents, not against intent.
 */
export const toMovedRow: ToMovedRow = (entry, where) => {
  const values = valuesOf(entry, where);
  if (entry.kind === 'leave') values.rank = Math.min(entry.receivedAtMs, DUPLICATE_RANK - 1);
  const whole = COLUMNS.map((column) => String(values[column] ?? DEFAULTS[column] ?? '')).join(SEPARATOR);
  return { line: asLine(values), checksum: hash('md5', whole.toWellFormed(), 'buffer').readBigUInt64BE() };
};

/** Computes the checksum of each day by `dayName`, independent of the order of its rows. See `toMovedRow`. */
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
