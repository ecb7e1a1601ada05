import type { ColumnType, Generated, Selectable } from 'kysely';
import type { PlanName } from '../../domain/plans.ts';
import type { SecurityEvent } from '../../domain/security-events.ts';
import type {
  MemberRole,
  OneTimeToken,
  SavedQueryKind,
  SecurityVia,
  SiteKeyRecord,
} from '../contract/store.ts';

/** The columns of the registry's tables, as `schema.ts` creates them. Instants are epoch milliseconds. */
export interface Tables {
  accounts: {
    id: string;
    email: string;
    plan: PlanName;
    billing_anchor_day: number;
    password_hash: string;
    totp_secret: string | null;
    totp_step: Generated<number>;
    time_zone: Generated<string>;
    created_at: number;
    /** The person of the identity provider that it is linked to. */
    identity: string | null;
  };
  sites: {
    seq: Generated<number>;
    id: string;
    account_id: string;
    domain: string;
    key: string;
    /** A boolean, which SQLite returns as 1 or 0. */
    allow_subdomains: ColumnType<boolean | number, boolean | undefined, boolean>;
    /** JSON. */
    extra_hosts: Generated<string>;
    retention_days: number | null;
    time_zone: string | null;
    /** JSON. */
    exclusions: string | null;
    created_at: number;
    /** A boolean, which SQLite returns as 1 or 0. */
    merge_trailing_slashes: ColumnType<boolean | number, boolean | undefined, boolean>;
  };
  site_keys: {
    key: string;
    site_id: string;
    state: SiteKeyRecord['state'];
    created_at: number;
    version: number;
  };
  api_keys: {
    seq: Generated<number>;
    id: string;
    account_id: string;
    name: string;
    prefix: string;
    hash: string;
    /** Scopes separated by spaces. */
    scopes: string;
    /** JSON. */
    sites: string | null;
    created_at: number;
    revoked_at: number | null;
    last_used_at: number | null;
  };
  salts: { day: number; salt: Uint8Array };
  recovery_codes: { account_id: string; hash: string };
  sessions: {
    id: string;
    token_hash: string;
    account_id: string;
    label: string;
    created_at: number;
    last_seen_at: number;
    expires_at: number;
    /** The secret of a second factor that is being set up, and when that ends. */
    pending_totp: string | null;
    pending_totp_until: number | null;
  };
  tickets: {
    token_hash: string;
    kind: OneTimeToken['kind'];
    email: string;
    account_id: string;
    site_id: string | null;
    role: MemberRole | null;
    expires_at: number;
  };
  members: { site_id: string; account_id: string; role: MemberRole };
  shares: {
    id: string;
    token_hash: string;
    site_id: string;
    name: string;
    password_hash: string | null;
    created_at: number;
    expires_at: number | null;
    /** Hosts, separated by spaces. */
    embed_hosts: string | null;
  };
  goals: { id: string; site_id: string; kind: 'event' | 'page'; pattern: string };
  annotations: { id: string; site_id: string; day: number; text: string; created_at: number };
  saved_queries: {
    id: string;
    site_id: string;
    account_id: string | null;
    kind: SavedQueryKind;
    name: string;
    query: string;
    created_at: number;
  };
  security_log: {
    seq: Generated<number>;
    account_id: string;
    event: SecurityEvent;
    at: number;
    first_at: number;
    count: Generated<number>;
    repeated_on_day: number | null;
    actor_id: string | null;
    via: SecurityVia;
    browser: string | null;
    country: string | null;
    /** JSON. */
    details: string;
  };
}

/** A row of a query: some columns of a table. */
export type Row<
  Table extends keyof Tables,
  Columns extends readonly (keyof Selectable<Tables[Table]>)[],
> = Pick<Selectable<Tables[Table]>, Columns[number]>;

/**
 * A table of the registry, the same in every engine, for moving rows from one to another. A test checks the list against the
 * schemas.
 */
export interface RegistryTable {
  name: keyof Tables;
  columns: readonly string[];
  /** The version that added the table; by default the first shared one. */
  since?: number;
  /** The columns that the first shared version lacks. */
  added?: readonly string[];
  /** The columns that identify rows and order them. */
  key: readonly string[];
  /** The column that numbers rows in the order in which they were added, if that order matters. */
  sequence?: string;
}

export const REGISTRY_TABLES: readonly RegistryTable[] = [
  {
    name: 'accounts',
    columns: [
      ...['id', 'email', 'plan', 'billing_anchor_day', 'password_hash', 'totp_secret', 'totp_step'],
      ...['time_zone', 'created_at', 'identity'],
    ],
    added: ['identity'],
    key: ['id'],
  },
  {
    name: 'sites',
    columns: [
      ...['seq', 'id', 'account_id', 'domain', 'key', 'allow_subdomains', 'extra_hosts', 'retention_days'],
      ...['time_zone', 'exclusions', 'created_at', 'merge_trailing_slashes'],
    ],
    added: ['merge_trailing_slashes'],
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
    columns: [
      ...['id', 'token_hash', 'account_id', 'label', 'created_at', 'last_seen_at', 'expires_at'],
      ...['pending_totp', 'pending_totp_until'],
    ],
    added: ['pending_totp', 'pending_totp_until'],
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
    columns: [
      ...['id', 'token_hash', 'site_id', 'name', 'password_hash', 'created_at', 'expires_at', 'embed_hosts'],
    ],
    added: ['embed_hosts'],
    key: ['id'],
  },
  { name: 'goals', columns: ['id', 'site_id', 'kind', 'pattern'], key: ['id'] },
  {
    name: 'annotations',
    since: 10,
    columns: ['id', 'site_id', 'day', 'text', 'created_at'],
    key: ['id'],
  },
  {
    name: 'saved_queries',
    since: 12,
    columns: ['id', 'site_id', 'account_id', 'kind', 'name', 'query', 'created_at'],
    key: ['id'],
  },
  {
    name: 'security_log',
    since: 8,
    columns: [
      ...['seq', 'account_id', 'event', 'at', 'first_at', 'count', 'repeated_on_day', 'actor_id', 'via'],
      ...['browser', 'country', 'details'],
    ],
    key: ['seq'],
    sequence: 'seq',
  },
];

/** Converts a value to a form common to every engine: booleans as 1 and 0, bytes in hexadecimal, text without NUL. */
export function plainValue(value: unknown): string | number | null {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value).replaceAll('\0', '\uFFFD').toWellFormed();
}

/** Formats a row of a table as one line of text, which is the same for the same row on every engine. */
export function lineOf(table: RegistryTable, row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(table.columns.map((column) => plainValue(row[column])));
}
