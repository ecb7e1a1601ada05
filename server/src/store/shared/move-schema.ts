/** A move was refused because it would overwrite data, or failed because the databases differ from what was sent. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
}

/** The tables that record the progress of a move, so that it can resume and never overwrites databases in use. */
export const MOVE_MIGRATIONS = [
  `
  -- The registry as it was filled last.
  CREATE TABLE moved_registry (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), checksum text NOT NULL);

  -- Days whose rows and counts are there, with the mark they had.
  CREATE TABLE moved_days (
    site_id text NOT NULL,
    day integer NOT NULL,
    mark text NOT NULL,
    PRIMARY KEY (site_id, day)
  );
  `,
] as const;
