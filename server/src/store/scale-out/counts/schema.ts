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
  `
  -- When the rows were received for which a day is dirty. The marks of an older program are for the whole day.
  ALTER TABLE event_touches ADD COLUMN first_at bigint NOT NULL DEFAULT 0;
  ALTER TABLE event_touches ADD COLUMN last_at bigint NOT NULL DEFAULT ${Number.MAX_SAFE_INTEGER};

  -- Room for new versions of a row beside it. Then no index has to be written when a batch adds to it.
  ALTER TABLE event_counters SET (fillfactor = 50);
  ALTER TABLE event_ledger SET (fillfactor = 50);
  ALTER TABLE event_key_use SET (fillfactor = 50);

  -- Days whose last reconciliation failed.
  CREATE TABLE event_settlement_failures (
    site_id text NOT NULL,
    day integer NOT NULL,
    failures integer NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (site_id, day)
  );
  `,
  `
  -- The days of sites that reports know, and the generation of rows in ClickHouse that holds. A day without one is open. Entries
  -- that came since the generation was begun were received at changed_from or later; it is null if none came. While another
  -- generation is being made, its number is in the column making. The counts are those of the generation's rows.
  CREATE TABLE event_generations (
    site_id text NOT NULL,
    day integer NOT NULL,
    generation bigint,
    made_at timestamptz,
    changed_from bigint,
    events bigint,
    bots bigint,
    rollups bigint,
    quarter_hours bigint,
    making bigint,
    making_since timestamptz,
    making_changed_from bigint,
    PRIMARY KEY (site_id, day)
  );
  CREATE INDEX event_generations_due ON event_generations (day, site_id)
    WHERE generation IS NULL OR changed_from IS NOT NULL;
  CREATE INDEX event_generations_changed ON event_generations (day, site_id) WHERE changed_from IS NOT NULL;
  CREATE SEQUENCE event_generation_numbers;

  -- Generations whose rows are to be deleted, because they do not hold any more, or do not hold yet.
  CREATE TABLE event_generation_leftovers (
    generation bigint NOT NULL,
    site_id text NOT NULL,
    day integer NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, site_id)
  );
  CREATE INDEX event_generation_leftovers_by_time ON event_generation_leftovers (since);

  -- Opens days, so that their entries are read.
  CREATE FUNCTION reopen_event_days(sites text[], days integer[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO event_generations (site_id, day) SELECT * FROM unnest(sites, days) AS d (site_id, day)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    WITH locked AS (
      SELECT g.site_id, g.day, g.generation, g.making FROM event_generations g
        JOIN unnest(sites, days) AS d (site_id, day) ON g.site_id = d.site_id AND g.day = d.day
      ORDER BY 1, 2 FOR UPDATE OF g
    ), replaced AS (
      INSERT INTO event_generation_leftovers (generation, site_id, day)
      SELECT generation, site_id, day FROM locked WHERE generation IS NOT NULL
    )
    UPDATE event_generations g SET generation = NULL, changed_from = NULL, making = NULL FROM locked l
    WHERE g.site_id = l.site_id AND g.day = l.day AND (l.generation IS NOT NULL OR l.making IS NOT NULL);
  $$;

  -- Notes what changes since a generation was begun. A mark without a span says that rows changed that came before. It locks days
  -- without a generation too, so that none is begun of rows that the caller is about to change. It is a trigger, so that it
  -- also runs for programs of the previous version.
  CREATE FUNCTION note_changed_days() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO event_generations (site_id, day) SELECT DISTINCT site_id, day FROM touched
      ORDER BY 1, 2 ON CONFLICT DO NOTHING;
      WITH changed AS (
        SELECT g.site_id, g.day, d.since FROM event_generations g JOIN (
          SELECT site_id, day, min(CASE WHEN first_at > last_at THEN 0 ELSE first_at END) AS since
          FROM touched GROUP BY site_id, day) d ON g.site_id = d.site_id AND g.day = d.day
        ORDER BY 1, 2 FOR UPDATE OF g
      )
      UPDATE event_generations g SET
        changed_from = CASE WHEN g.generation IS NOT NULL THEN least(g.changed_from, c.since) END,
        making_changed_from = CASE WHEN g.making IS NOT NULL THEN least(g.making_changed_from, c.since) END
      FROM changed c WHERE g.site_id = c.site_id AND g.day = c.day AND (
        (g.generation IS NOT NULL AND (g.changed_from IS NULL OR g.changed_from > c.since))
        OR (g.making IS NOT NULL AND (g.making_changed_from IS NULL OR g.making_changed_from > c.since)));
      RETURN NULL;
    END;
  $$;
  CREATE TRIGGER note_changed_days AFTER INSERT ON event_touches REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_days();

  INSERT INTO event_generations (site_id, day)
    SELECT site_id, day FROM event_counters UNION SELECT site_id, day FROM event_ledger WHERE outcome = 'bot';
  `,
  `
  -- The generation whose rows have all columns. An earlier release, which may still run, leaves it as it is: its generations lack
  -- columns, so they are made again, and until then reports read the entries.
  ALTER TABLE event_generations ADD COLUMN complete bigint;
  CREATE INDEX event_generations_incomplete ON event_generations (day, site_id)
    WHERE generation IS NULL OR changed_from IS NOT NULL OR complete IS DISTINCT FROM generation;
  `,
] as const;
