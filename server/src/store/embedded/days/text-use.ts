import { type Database, prepared } from '../../drivers/sqlite.ts';

/** The columns that refer to strings by id, and the key by which each table is read. */
const USES = {
  events: {
    key: ['site', 'at', 'n'],
    texts: ['name', 'host', 'path', 'query', 'referrer', 'nav', 'props', 'currency'],
  },
  visits: { key: ['site', 'day', 'no'], texts: ['profile', 'agent', 'place', 'entry', 'exit', 'referrer'] },
  leaves: { key: ['site', 'day', 'visit', 'view'], texts: ['path', 'vitals'] },
  bots: { key: ['site', 'at', 'n'], texts: ['crawler', 'host', 'path'] },
  // Kept of days whose rows were deleted before rollups were in files.
  facets: { key: ['site', 'dimension', 'day', 'value'], texts: ['value'] },
  ledger: { key: ['site', 'day', 'outcome', 'host'], texts: ['outcome', 'host'] },
} as const;

export type TextTable = keyof typeof USES;
export const TEXT_TABLES = Object.keys(USES) as TextTable[];

/** The key of the last row that a step has read. */
export type TextCursor = readonly bigint[];

/** Returns the ids in the next rows of a table. Some are not ids of strings: 0 stands for an unknown value. */
export function textsUsed(
  db: Database,
  { table, after, limit }: { table: TextTable; after: TextCursor | null; limit: number },
): { ids: Float64Array; next: TextCursor | null } {
  const { key, texts } = USES[table];
  const keys = key.join(', ');
  const from = after === null ? '' : `WHERE (${keys}) > (${key.map(() => '?').join(', ')})`;
  const rows = prepared(
    db,
    `SELECT ${keys}, ${texts.join(', ')} FROM ${table} ${from} ORDER BY ${keys} LIMIT ?`,
  );
  // The hash of a view is wider than a number.
  rows.setReadBigInts(true);
  const ids = new Set<number>();
  let last: Record<string, unknown> = {};
  let read = 0;
  for (last of rows.iterate(...(after ?? []), limit)) {
    read += 1;
    for (const column of texts) if (last[column] !== null) ids.add(Number(last[column]));
  }
  const next = read < limit ? null : key.map((column) => last[column] as bigint); // INTEGER NOT NULL
  return { ids: Float64Array.from(ids), next };
}

/** Returns ids of stored strings in order, after one and below another. */
export function textIds(
  db: Database,
  { after, below, limit }: { after: number; below: number; limit: number },
): Float64Array {
  const rows = prepared(db, 'SELECT id FROM texts WHERE id > ? AND id < ? ORDER BY id LIMIT ?');
  return Float64Array.from(rows.all(after, below, limit), ({ id }) => Number(id));
}
