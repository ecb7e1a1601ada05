import { type Database, prepared } from '../../drivers/sqlite.ts';

/** Where numbers of texts stand: the columns that hold them, and the key by which a table is walked through. */
const USES = {
  events: {
    key: ['site', 'at', 'n'],
    texts: ['name', 'host', 'path', 'query', 'referrer', 'nav', 'props', 'currency'],
  },
  visits: { key: ['site', 'day', 'no'], texts: ['profile', 'entry', 'exit'] },
  leaves: { key: ['site', 'day', 'visit', 'view'], texts: ['path', 'vitals'] },
  bots: { key: ['site', 'at', 'n'], texts: ['crawler', 'host', 'path'] },
  facets: { key: ['site', 'dimension', 'day', 'value'], texts: ['value'] },
  ledger: { key: ['site', 'day', 'outcome', 'host'], texts: ['outcome', 'host'] },
} as const;

export type TextTable = keyof typeof USES;
export const TEXT_TABLES = Object.keys(USES) as TextTable[];

/** The last row of a step, to go on after. */
export type TextCursor = readonly bigint[];

/** Numbers that some rows of a table hold; more than the texts there are, where a column holds other numbers besides. */
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

/** Numbers of the texts that are stored, in order, from after one and below another. */
export function textIds(
  db: Database,
  { after, below, limit }: { after: number; below: number; limit: number },
): Float64Array {
  const rows = prepared(db, 'SELECT id FROM texts WHERE id > ? AND id < ? ORDER BY id LIMIT ?');
  return Float64Array.from(rows.all(after, below, limit), ({ id }) => Number(id));
}
