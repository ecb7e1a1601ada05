/**
 * The registry's tables as every engine has them, for moving from one to another: parents before children. A test holds this
 * to the schemas.
 */
export interface RegistryTable {
  name: string;
  columns: readonly string[];
  /** Names its rows, and orders them. */
  key: readonly string[];
  /** The column of that order in which rows were added, where it means something. */
  sequence?: string;
}

export const REGISTRY_TABLES: readonly RegistryTable[] = [
  {
    name: 'accounts',
    columns: [
      ...['id', 'email', 'plan', 'billing_anchor_day', 'password_hash', 'totp_secret', 'totp_step'],
      ...['time_zone', 'created_at'],
    ],
    key: ['id'],
  },
  {
    name: 'sites',
    columns: [
      ...['seq', 'id', 'account_id', 'domain', 'key', 'allow_subdomains', 'extra_hosts', 'retention_days'],
      ...['time_zone', 'exclusions', 'created_at'],
    ],
    key: ['id'],
    sequence: 'seq',
  },
  { name: 'site_keys', columns: ['key', 'site_id', 'state', 'created_at', 'version'], key: ['key'] },
  {
    name: 'api_keys',
    columns: [
      ...['seq', 'id', 'account_id', 'name', 'prefix', 'hash', 'scopes', 'sites', 'created_at', 'revoked_at'],
      'last_used_at',
    ],
    key: ['id'],
    sequence: 'seq',
  },
  { name: 'salts', columns: ['day', 'salt'], key: ['day'] },
  { name: 'recovery_codes', columns: ['account_id', 'hash'], key: ['account_id', 'hash'] },
  {
    name: 'sessions',
    columns: ['id', 'token_hash', 'account_id', 'label', 'created_at', 'last_seen_at', 'expires_at'],
    key: ['id'],
  },
  {
    name: 'tickets',
    columns: ['token_hash', 'kind', 'email', 'account_id', 'site_id', 'role', 'expires_at'],
    key: ['token_hash'],
  },
  { name: 'members', columns: ['site_id', 'account_id', 'role'], key: ['site_id', 'account_id'] },
  {
    name: 'shares',
    columns: ['id', 'token_hash', 'site_id', 'name', 'password_hash', 'created_at', 'expires_at'],
    key: ['id'],
  },
  { name: 'goals', columns: ['id', 'site_id', 'kind', 'pattern'], key: ['id'] },
];

/** A value of a row as every engine can say it: yes and no as 1 and 0, bytes in hexadecimal, no NUL in a text. */
export function plainValue(value: unknown): string | number | null {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value).replaceAll('\0', '\uFFFD').toWellFormed();
}

/** A row of a table as one line of text: the same on every engine that holds the same row. */
export function lineOf(table: RegistryTable, row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(table.columns.map((column) => plainValue(row[column])));
}
