/**
 * The events file. Strings that repeat are kept once, in `texts`; rows hold their numbers. Rows are clustered by site and
 * time, which is how reports read them. `n` tells rows of the same site and millisecond apart.
 */
export const EVENT_MIGRATIONS = [
  `
  CREATE TABLE sites (id INTEGER PRIMARY KEY, site TEXT NOT NULL UNIQUE) STRICT;

  -- Found by a 64-bit hash and then compared, so that no long text stands twice.
  CREATE TABLE texts (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE INDEX texts_by_hash ON texts (hash);

  CREATE TABLE events (
    site INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    name INTEGER NOT NULL,
    host INTEGER NOT NULL,
    path INTEGER NOT NULL,
    referrer INTEGER,
    visitor INTEGER NOT NULL,
    nav INTEGER,
    props INTEGER,
    value REAL,
    currency INTEGER,
    view INTEGER,
    width INTEGER,
    time_zone INTEGER,
    PRIMARY KEY (site, at, n)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leaves (
    site INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    host INTEGER NOT NULL,
    path INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    view INTEGER,
    engaged INTEGER,
    scroll INTEGER,
    vitals INTEGER,
    PRIMARY KEY (site, at, n)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE bots (
    site INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    bot INTEGER NOT NULL,
    host INTEGER NOT NULL,
    path INTEGER NOT NULL,
    PRIMARY KEY (site, at, n)
  ) STRICT, WITHOUT ROWID;

  -- Deduplication keys, by the day they were first seen so that old ones go in one sweep.
  CREATE TABLE seen (day INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (day, key)) STRICT, WITHOUT ROWID;

  -- Events counted, per site and UTC day of receipt. Never lowered: deleting events does not change what was counted.
  CREATE TABLE counters (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (site, day)
  ) STRICT, WITHOUT ROWID;

  -- What each site key brought, and when it was last seen.
  CREATE TABLE key_use (
    site INTEGER NOT NULL,
    key TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (site, key)
  ) STRICT, WITHOUT ROWID;

  -- How far retention has deleted: before this instant rows are fewer than what was counted.
  CREATE TABLE expired (site INTEGER PRIMARY KEY, before_at INTEGER NOT NULL) STRICT;

  CREATE TABLE ledger (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    host INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (site, day, outcome, host)
  ) STRICT, WITHOUT ROWID;
  `,
] as const;
