/** The registry's tables: accounts, sites and keys, and then those behind sign-in and teams. */
export const REGISTRY_MIGRATIONS = [
  `
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    plan TEXT NOT NULL,
    billing_anchor_day INTEGER NOT NULL CHECK (billing_anchor_day BETWEEN 1 AND 31),
    password_hash TEXT NOT NULL,
    totp_secret TEXT,
    totp_step INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE sites (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain TEXT NOT NULL,
    key TEXT NOT NULL,
    allow_subdomains INTEGER NOT NULL DEFAULT 0,
    extra_hosts TEXT NOT NULL DEFAULT '[]',
    retention_days INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (account_id, domain)
  ) STRICT;

  -- Keys outlive their site, so that a page that still carries one gets a true answer. Every change of a key, or of the
  -- site's rules, gives the row a new version; collectors ask for what came after the last one they saw.
  CREATE TABLE site_keys (
    key TEXT PRIMARY KEY,
    site_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'retired', 'gone')),
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL UNIQUE
  ) STRICT;
  CREATE INDEX site_keys_by_site ON site_keys (site_id);

  -- No reference to the account: the key of a removed account is told apart from a key that never was.
  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT;

  CREATE TABLE salts (day INTEGER PRIMARY KEY, salt BLOB NOT NULL) STRICT;

  CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    PRIMARY KEY (account_id, hash)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_account ON sessions (account_id);

  CREATE TABLE tickets (
    token_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('reset', 'invitation')),
    email TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    site_id TEXT REFERENCES sites (id) ON DELETE CASCADE,
    role TEXT,
    expires_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE members (
    site_id TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
    PRIMARY KEY (site_id, account_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_account ON members (account_id);

  CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    site_id TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
  ) STRICT;
  CREATE INDEX shares_by_site ON shares (site_id);

  CREATE TABLE goals (
    id TEXT PRIMARY KEY,
    site_id TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('event', 'page')),
    pattern TEXT NOT NULL,
    UNIQUE (site_id, kind, pattern)
  ) STRICT;
  `,
  `
  -- The zone in which the account's days, weeks and months begin.
  ALTER TABLE accounts ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';

  -- What a key may do, in words apart by a blank; the sites it is bound to as JSON, null for all of the account's.
  ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read';
  ALTER TABLE api_keys ADD COLUMN sites TEXT;
  ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
  CREATE INDEX api_keys_by_account ON api_keys (account_id);
  `,
  `
  -- Null: as the account's. What is left out is JSON; null: nothing.
  ALTER TABLE sites ADD COLUMN time_zone TEXT;
  ALTER TABLE sites ADD COLUMN exclusions TEXT;
  `,
  `CREATE INDEX site_keys_gone ON site_keys (site_id) WHERE state = 'gone';`,
] as const;
