import { TEXT_USE_MIGRATION } from '../../drivers/sqlite-text-use.ts';

/**
 * The migrations of a collector's spool. `rows` are sent unchanged; `claims` is the JSON of their claimed counts. A batch is a
 * range of chunks that never changes, and at most one batch is unreleased. Numbers are never reused.
 */
export const SPOOL_MIGRATIONS = [
  `
  CREATE TABLE spool (one INTEGER PRIMARY KEY CHECK (one = 1), collector TEXT NOT NULL) STRICT;

  CREATE TABLE chunks (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    rows TEXT NOT NULL,
    claims TEXT NOT NULL
  ) STRICT;

  CREATE TABLE batches (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    first_chunk INTEGER NOT NULL,
    last_chunk INTEGER NOT NULL
  ) STRICT;

  -- Deduplication keys, by the day they were first seen so that old ones go in one sweep.
  CREATE TABLE seen (day INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (day, key)) STRICT, WITHOUT ROWID;

  -- Numbers given to rows so far are below this.
  CREATE TABLE ordinals (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL) STRICT;
  INSERT INTO ordinals VALUES (1, 1);
  `,
  TEXT_USE_MIGRATION,
] as const;
