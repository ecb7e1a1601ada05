/**
 * The migrations of the event counts, which collectors claim. `excess` is the part that is not in the warehouse, because
 * another collector claimed the same events. Reports show the claimed count less the excess.
 */
export const COUNT_MIGRATIONS = [
  `
  -- Batches that were added. One is asked about again only as long as it is in its collector's spool.
  CREATE TABLE event_batches (id text PRIMARY KEY, merged_at timestamptz NOT NULL DEFAULT now());
  CREATE INDEX event_batches_by_time ON event_batches (merged_at);

  CREATE TABLE event_counters (
    site_id text NOT NULL,
    day integer NOT NULL,
    events bigint NOT NULL,
    excess bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, day)
  );

  CREATE TABLE event_ledger (
    site_id text NOT NULL,
    day integer NOT NULL,
    outcome text NOT NULL,
    host text NOT NULL,
    count bigint NOT NULL,
    excess bigint NOT NULL DEFAULT 0,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    PRIMARY KEY (site_id, day, outcome, host)
  );

  CREATE TABLE event_key_use (
    site_id text NOT NULL,
    key text NOT NULL,
    day integer NOT NULL,
    events bigint NOT NULL,
    excess bigint NOT NULL DEFAULT 0,
    last_at bigint NOT NULL,
    PRIMARY KEY (site_id, key, day)
  );

  -- Dirty days. Rows are only added, so that no batch waits for a process that reconciles.
  CREATE TABLE event_touches (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL,
    day integer NOT NULL
  );
  CREATE INDEX event_touches_by_day ON event_touches (site_id, day);

  -- The lock of a site's day while it is reconciled, and when it may be reconciled again.
  CREATE TABLE event_settlements (
    site_id text NOT NULL,
    day integer NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, day)
  );

  -- How far retention has deleted: of days that begin before this nothing is set any more.
  CREATE TABLE event_expiry (site_id text PRIMARY KEY, before_at bigint NOT NULL);
  `,
] as const;
