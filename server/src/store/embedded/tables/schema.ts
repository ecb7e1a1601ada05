import { TEXT_USE_MIGRATION } from '../../drivers/sqlite-text-use.ts';

/**
 * The migrations of the events file. Repeated strings are stored once, in `texts`, and rows hold their ids. Rows are clustered
 * by site and time, the order in which reports read them. `n` distinguishes rows of the same site and millisecond.
 */
export const EVENT_MIGRATIONS = [
  `
  CREATE TABLE sites (id INTEGER PRIMARY KEY, site TEXT NOT NULL UNIQUE) STRICT;

  -- Found by a 64-bit hash and then compared, so that no long text stands twice.
  CREATE TABLE texts (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE INDEX texts_by_hash ON texts (hash);

  -- 'visit' is the number of a visit of the same site and UTC day. 'query' is what follows the path, with its question mark.
  CREATE TABLE events (
    site INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    name INTEGER NOT NULL,
    host INTEGER NOT NULL,
    path INTEGER NOT NULL,
    query INTEGER,
    referrer INTEGER,
    nav INTEGER,
    props INTEGER,
    value REAL,
    currency INTEGER,
    view INTEGER,
    PRIMARY KEY (site, at, n)
  ) STRICT, WITHOUT ROWID;

  -- A visitor's events of one UTC day without a gap. Numbered within site and day from 1; 'first' is the number of the
  -- visitor's first visit of the day. Times are milliseconds of the day; (start_at, start_n) is the event that began it.
  -- 'profile' is what is known of the visitor and where it came from: a JSON array, see profile.ts.
  CREATE TABLE visits (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    no INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    first INTEGER NOT NULL,
    start_at INTEGER NOT NULL,
    start_n INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    profile INTEGER NOT NULL,
    width INTEGER,
    entry INTEGER NOT NULL,
    exit INTEGER NOT NULL,
    pageviews INTEGER NOT NULL,
    events INTEGER NOT NULL,
    engaged INTEGER NOT NULL,
    PRIMARY KEY (site, day, no)
  ) STRICT, WITHOUT ROWID;

  -- Which visits a visitor made, of visits for which the writer had no room in memory to find them again by. Kept as long as
  -- deduplication keys.
  CREATE TABLE visitors (
    day INTEGER NOT NULL,
    site INTEGER NOT NULL,
    visitor INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    PRIMARY KEY (day, site, visitor, visit)
  ) STRICT, WITHOUT ROWID;

  -- What was said when a view ended: one row a view, which may end several times. Visit 0: of a visitor without a visit.
  CREATE TABLE leaves (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    visit INTEGER NOT NULL,
    view INTEGER NOT NULL,
    at INTEGER NOT NULL,
    path INTEGER NOT NULL,
    engaged INTEGER,
    scroll INTEGER,
    vitals INTEGER,
    PRIMARY KEY (site, day, visit, view)
  ) STRICT, WITHOUT ROWID;

  -- 'crawler' is a JSON array of name, company and class.
  CREATE TABLE bots (
    site INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    crawler INTEGER NOT NULL,
    host INTEGER NOT NULL,
    path INTEGER NOT NULL,
    PRIMARY KEY (site, at, n)
  ) STRICT, WITHOUT ROWID;

  -- The rollup behind totals and series: what was received in a quarter of an hour (events, pageviews, bots), the visits
  -- that began in it, and the visitors of a UTC day who were first and last seen in it.
  CREATE TABLE slots (
    site INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    events INTEGER NOT NULL,
    pageviews INTEGER NOT NULL,
    bots INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    referrals INTEGER NOT NULL,
    bounces INTEGER NOT NULL,
    engaged INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (site, slot)
  ) STRICT, WITHOUT ROWID;

  -- The rollup behind breakdowns, of days that are over. Counts only where 'sealed' names the day. Value 0: not known.
  CREATE TABLE facets (
    site INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    day INTEGER NOT NULL,
    value INTEGER NOT NULL,
    visitors INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    pageviews INTEGER NOT NULL,
    events INTEGER NOT NULL,
    referrals INTEGER NOT NULL,
    bounces INTEGER NOT NULL,
    engaged INTEGER NOT NULL,
    bots INTEGER NOT NULL,
    PRIMARY KEY (site, dimension, day, value)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sealed (site INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (site, day)) STRICT, WITHOUT ROWID;

  -- Deduplication keys, 12 bytes each, by the day they were first seen so that old ones go in one sweep. Those of a commit
  -- share rows, in 'seen': they are looked for in the writer's memory. 'seen_more' has what found no room there.
  CREATE TABLE seen (day INTEGER NOT NULL, n INTEGER NOT NULL, keys BLOB NOT NULL, PRIMARY KEY (day, n))
    STRICT, WITHOUT ROWID;
  CREATE TABLE seen_more (day INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (day, key)) STRICT, WITHOUT ROWID;

  -- Events counted, per site and UTC day of receipt. Never lowered: deleting events does not change what was counted.
  -- 'changes' grows with every row of the day that is written or altered.
  CREATE TABLE counters (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    changes INTEGER NOT NULL,
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
  `
  -- The number of the visit that the visitor began before this one on the same day, null for the first. Until here all visits
  -- were in 'visitors' as long as they were looked for.
  ALTER TABLE visits ADD COLUMN previous INTEGER;
  UPDATE visits SET previous = (
    SELECT max(visit) FROM visitors o
    WHERE o.day = visits.day AND o.site = visits.site AND o.visitor = visits.visitor AND o.visit < visits.no
  ) WHERE first < no AND day >= (SELECT min(day) FROM visitors);

  -- What visits grew to since their rows were written, for a short while: those of a commit and a UTC day share a row, a
  -- JSON array of arrays, see visit-rows.ts. A later one goes over an earlier one.
  CREATE TABLE visits_grown (n INTEGER PRIMARY KEY, day INTEGER NOT NULL, visits TEXT NOT NULL) STRICT;
  `,
  `
  -- Folders with Parquet files of a UTC day that is over, of some sites: see segments.ts. 'files' is a JSON object.
  CREATE TABLE segments (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    day INTEGER NOT NULL,
    site_days INTEGER NOT NULL,
    files TEXT NOT NULL
  ) STRICT;

  -- The segment that has a site's day. Until when retention had deleted the site's rows when the segment was written.
  CREATE TABLE sealed_days (
    site INTEGER NOT NULL,
    day INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    expired_before INTEGER NOT NULL,
    PRIMARY KEY (site, day)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sealed_days_by_segment ON sealed_days (segment);

  -- Days before this one are only in segments: rows that are still in the tables are about to be deleted.
  CREATE TABLE archive (before_day INTEGER NOT NULL) STRICT;
  INSERT INTO archive (before_day) VALUES (0);

  -- From here on rollups are in segments. Until they are moved there, these tables keep those of days whose rows retention has
  -- deleted; all others are made again from the rows.
  DELETE FROM facets WHERE day * 86400000 >= coalesce((SELECT before_at FROM expired WHERE site = facets.site), 0);
  DELETE FROM slots WHERE slot / 96 * 86400000 >= coalesce((SELECT before_at FROM expired WHERE site = slots.site), 0);
  DROP TABLE sealed;
  `,
  `
  -- 0 for an event that does not end a bounce, else null.
  ALTER TABLE events ADD COLUMN interactive INTEGER;
  -- The events other than page views that do not end a bounce; the referrer of the first event.
  ALTER TABLE visits ADD COLUMN passive INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE visits ADD COLUMN referrer INTEGER;
  -- More of the profile, as JSON arrays too; null where nothing is known.
  ALTER TABLE visits ADD COLUMN agent INTEGER;
  ALTER TABLE visits ADD COLUMN place INTEGER;

  -- From here on, 'path' of an event is the whole page, and 'query' is null.
  `,
  `
  -- The installation that the file belongs to: see installation.ts. At most one row.
  CREATE TABLE installation (id TEXT NOT NULL, complete INTEGER NOT NULL) STRICT;
  -- The number of the last commit of events: see commit-numbers.ts. One row.
  CREATE TABLE commits (n INTEGER NOT NULL) STRICT;
  INSERT INTO commits (n) VALUES (0);
  `,
  TEXT_USE_MIGRATION,
] as const;
