import type { Schema } from '../shared/schema.ts';

/** The SQL that differs between the two engines: names of types and ends of definitions. */
export interface Types {
  /** Text that is looked up or sorted. It is compared by bytes, so that every database sorts it the same way. */
  name: string;
  /** A 64-bit integer, such as an instant or a version. */
  big: string;
  yesNo: string;
  bytes: string;
  /** A column that numbers rows in the order in which they are added. */
  sequence: string;
  /** The constraint that makes a column the key of a table that also has a sequence. */
  key: string;
  /** The end of a table's definition. */
  end: string;
}

interface Migration {
  version: number;
  up(types: Types): string;
}

/** The first version that both engines share. */
export const FIRST_VERSION = 5;

/**
 * All migrations of the registry's tables, each with the version it leads to. The first version is above those that the two
 * databases numbered separately, up to 4 in SQLite and 2 in PostgreSQL.
 */
const MIGRATIONS: readonly Migration[] = [
  { version: FIRST_VERSION, up: (types) => `${accountAndSiteTables(types)} ${peopleTables(types)}` },
  {
    version: 6,
    up: ({ yesNo }) => `ALTER TABLE sites ADD COLUMN merge_trailing_slashes ${yesNo} NOT NULL DEFAULT false;`,
  },
  {
    version: 7,
    up: ({ big }) =>
      `ALTER TABLE sessions ADD COLUMN pending_totp text; ALTER TABLE sessions ADD COLUMN pending_totp_until ${big};`,
  },
  { version: 8, up: securityLogTable },
  {
    version: 9,
    up: ({ name }) =>
      `ALTER TABLE accounts ADD COLUMN identity ${name}; CREATE UNIQUE INDEX accounts_by_identity ON accounts (identity);`,
  },
  { version: 10, up: annotationsTable },
  { version: 11, up: () => 'ALTER TABLE shares ADD COLUMN embed_hosts text;' },
  { version: 12, up: savedQueriesTable },
];

/**
 * Translates the list of migrations into the SQL of one engine.
 *
 * @param adopt returns the steps from one of the engine's own versions (1 and up) to the first version of the list
 * @param upTo the version to stop at; defaults to the newest
 */
export function registrySchema(
  types: Types,
  adopt: (version: number) => readonly string[],
  upTo = Number.POSITIVE_INFINITY,
): Schema {
  const steps = MIGRATIONS.filter(({ version }) => version <= upTo);
  return {
    version: steps.at(-1)?.version ?? FIRST_VERSION,
    stepsFrom(version) {
      const own = version > 0 && version < FIRST_VERSION;
      const reached = own ? FIRST_VERSION : version;
      const lacking = steps.filter((step) => step.version > reached).map(({ up }) => up(types));
      return own ? [...adopt(version), ...lacking] : lacking;
    },
  };
}

function accountAndSiteTables({ name, big, yesNo, bytes, sequence, key, end }: Types): string {
  return `
  -- E-mail addresses are compared without ASCII case.
  CREATE TABLE accounts (
    id ${name} PRIMARY KEY,
    email ${name} NOT NULL,
    plan text NOT NULL,
    billing_anchor_day integer NOT NULL CHECK (billing_anchor_day BETWEEN 1 AND 31),
    password_hash text NOT NULL,
    totp_secret text,
    totp_step ${big} NOT NULL DEFAULT 0,
    time_zone text NOT NULL DEFAULT 'UTC',
    created_at ${big} NOT NULL
  )${end};
  CREATE UNIQUE INDEX accounts_by_email ON accounts (lower(email));

  -- No time zone: the account's. Hosts and exclusions are JSON.
  CREATE TABLE sites (
    seq ${sequence},
    id ${name} ${key},
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain ${name} NOT NULL,
    key ${name} NOT NULL,
    allow_subdomains ${yesNo} NOT NULL DEFAULT false,
    extra_hosts text NOT NULL DEFAULT '[]',
    retention_days integer,
    time_zone text,
    exclusions text,
    created_at ${big} NOT NULL,
    UNIQUE (account_id, domain)
  )${end};
  CREATE INDEX sites_by_key ON sites (key);

  -- Keys outlive their site, so that a page that still carries one gets a true answer. Every change of a key, or of the
  -- site's rules, gives the row a new version; collectors ask for what came after the last one they saw.
  CREATE TABLE site_keys (
    key ${name} PRIMARY KEY,
    site_id ${name} NOT NULL,
    state text NOT NULL CHECK (state IN ('live', 'retired', 'gone')),
    created_at ${big} NOT NULL,
    version ${big} NOT NULL UNIQUE
  )${end};
  CREATE INDEX site_keys_by_site ON site_keys (site_id);
  CREATE INDEX site_keys_gone ON site_keys (site_id) WHERE state = 'gone';

  -- No reference to the account: the key of a removed account is told apart from a key that never was. Scopes are words
  -- separated by blanks; sites are JSON, null for all of the account's.
  CREATE TABLE api_keys (
    seq ${sequence},
    id ${name} ${key},
    account_id ${name} NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash ${name} NOT NULL UNIQUE,
    scopes text NOT NULL DEFAULT 'read',
    sites text,
    created_at ${big} NOT NULL,
    revoked_at ${big},
    last_used_at ${big}
  )${end};
  CREATE INDEX api_keys_by_account ON api_keys (account_id);

  CREATE TABLE salts (day integer PRIMARY KEY, salt ${bytes} NOT NULL)${end};
  `;
}

function peopleTables({ name, big, end }: Types): string {
  return `
  CREATE TABLE recovery_codes (
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash ${name} NOT NULL,
    PRIMARY KEY (account_id, hash)
  )${end};

  CREATE TABLE sessions (
    id ${name} PRIMARY KEY,
    token_hash ${name} NOT NULL UNIQUE,
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label text NOT NULL,
    created_at ${big} NOT NULL,
    last_seen_at ${big} NOT NULL,
    expires_at ${big} NOT NULL
  )${end};
  CREATE INDEX sessions_by_account ON sessions (account_id);
  CREATE INDEX sessions_by_end ON sessions (expires_at);

  CREATE TABLE tickets (
    token_hash ${name} PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('reset', 'invitation')),
    email ${name} NOT NULL,
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    site_id ${name} REFERENCES sites (id) ON DELETE CASCADE,
    role text,
    expires_at ${big} NOT NULL
  )${end};
  CREATE INDEX tickets_by_account ON tickets (account_id);
  CREATE INDEX tickets_by_site ON tickets (site_id);
  CREATE INDEX tickets_by_end ON tickets (expires_at);

  CREATE TABLE members (
    site_id ${name} NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('admin', 'viewer')),
    PRIMARY KEY (site_id, account_id)
  )${end};
  CREATE INDEX members_by_account ON members (account_id);

  CREATE TABLE shares (
    id ${name} PRIMARY KEY,
    token_hash ${name} NOT NULL UNIQUE,
    site_id ${name} NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name text NOT NULL,
    password_hash text,
    created_at ${big} NOT NULL,
    expires_at ${big}
  )${end};
  CREATE INDEX shares_by_site ON shares (site_id);

  CREATE TABLE goals (
    id ${name} PRIMARY KEY,
    site_id ${name} NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('event', 'page')),
    pattern ${name} NOT NULL,
    UNIQUE (site_id, kind, pattern)
  )${end};
  `;
}

function securityLogTable({ name, big, sequence, end }: Types): string {
  return `
  -- Repeated events of a day are one row. Details are JSON. No reference to the actor: that account may be removed.
  CREATE TABLE security_log (
    seq ${sequence},
    account_id ${name} NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    event text NOT NULL,
    at ${big} NOT NULL,
    first_at ${big} NOT NULL,
    count integer NOT NULL DEFAULT 1,
    repeated_on_day integer,
    actor_id ${name},
    via text NOT NULL,
    browser text,
    country text,
    details text NOT NULL,
    UNIQUE (account_id, event, via, repeated_on_day)
  )${end};
  CREATE INDEX security_log_by_account ON security_log (account_id, at, seq);
  CREATE INDEX security_log_by_time ON security_log (at);
  `;
}

function annotationsTable({ name, big, end }: Types): string {
  return `
  -- The day is one of the calendar, in whichever time zone the site is reported.
  CREATE TABLE annotations (
    id ${name} PRIMARY KEY,
    site_id ${name} NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    day integer NOT NULL,
    text text NOT NULL,
    created_at ${big} NOT NULL
  )${end};
  CREATE INDEX annotations_by_day ON annotations (site_id, day);
  `;
}

function savedQueriesTable({ name, big, end }: Types): string {
  return `
  -- No account: the team's. Names are compared without ASCII case.
  CREATE TABLE saved_queries (
    id ${name} PRIMARY KEY,
    site_id ${name} NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    account_id ${name} REFERENCES accounts (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('segment', 'funnel')),
    name ${name} NOT NULL,
    query text NOT NULL,
    created_at ${big} NOT NULL
  )${end};
  CREATE UNIQUE INDEX saved_queries_of_team ON saved_queries (site_id, kind, lower(name)) WHERE account_id IS NULL;
  CREATE UNIQUE INDEX saved_queries_of_account ON saved_queries (site_id, kind, account_id, lower(name))
    WHERE account_id IS NOT NULL;
  CREATE INDEX saved_queries_by_account ON saved_queries (account_id);
  `;
}
