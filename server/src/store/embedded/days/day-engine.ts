import { utcDay } from '../../../domain/clock.ts';
import { type SpanOfSites, StoreUnavailable, sitesIn } from '../../contract/store.ts';
import type { DuckDb } from '../../drivers/duckdb.ts';
import { literal } from '../../drivers/duckdb-text.ts';
import { type Database, prepared, translated } from '../../drivers/sqlite.ts';
import type { StoredDay } from '../../reports/questions.ts';
import { type AskedRelation, ownNumbers, RELATIONS, VIEWS, VISIT_COLUMNS } from '../../reports/relations.ts';
import type { ReportEngine, Row } from '../../reports/reports.ts';
import type { Statement } from '../../reports/statement.ts';
import { expiredBefore } from '../tables/expired.ts';
import { FILE_COLUMNS, type FileRelation } from '../tables/file-columns.ts';
import { outdatedSegments, type Segment, segmentsOfSite } from '../tables/segments.ts';
import { DayTables, SQL_TYPES } from './day-tables.ts';
import { rowsInFiles } from './file-rows.ts';
import { KeptRollups } from './kept-rollups.ts';
import { OpenLeaves } from './open-leaves.ts';
import type { SiteDay } from './rows.ts';
import { readingSegments } from './segment-files.ts';
import type { Texts } from './texts.ts';
import { LEAVES_IN_FILES, leavesOfFiles, viewsOf } from './views.ts';

/** Whether a row of `counters` is of a day whose rollups are kept in the events file. */
const HAS_KEPT_ROLLUPS = `EXISTS (SELECT 1 FROM facets f WHERE f.site = c.site AND f.dimension = 0 AND f.day = c.day)`;

/** Rows of open days above which all copies are deleted after a question. What is asked for again is copied again. */
const OPEN_ROWS_MAX = 3_000_000;

/** An event that arrived after a question had listed the days has opened one of them. The question must be asked again. */
export class DayOpened extends StoreUnavailable {
  override readonly name = 'DayOpened';
}

/**
 * Answers statements with DuckDB: from Parquet files for sealed days, and from copies of the events file's rows for days that
 * are open. One statement at a time.
 */
export class DayEngine {
  readonly #duck: DuckDb;
  readonly #db: Database;
  readonly #texts: Texts;
  readonly #folder: string;
  #open: DayTables | null = null;
  #leaves: OpenLeaves | null = null;
  readonly #kept: KeptRollups;

  /** @param db a connection that nothing else uses, since it is in a transaction while rows are copied */
  constructor({ duck, db, texts, folder }: { duck: DuckDb; db: Database; texts: Texts; folder: string }) {
    this.#duck = duck;
    this.#db = db;
    this.#texts = texts;
    this.#folder = folder;
    this.#kept = new KeptRollups({ duck, db, texts, prefix: 'kept' });
  }

  /** Returns the engine as one question uses it, which ends when the signal aborts. */
  until(signal: AbortSignal): ReportEngine {
    return {
      daysOf: (siteIds, range) => this.daysOf(siteIds, range),
      rows: (statement) => this.rows(statement, signal),
      p75: (column) => `quantile_disc(${column}, 0.75)`,
    };
  }

  async daysOf(
    siteIds: readonly string[],
    { firstDay, lastDay }: { firstDay: number; lastDay: number },
  ): Promise<StoredDay[]> {
    return translated(() => {
      const select = prepared(
        this.#db,
        `SELECT c.day, EXISTS (SELECT 1 FROM sealed_days s WHERE s.site = c.site AND s.day = c.day)
           OR ${HAS_KEPT_ROLLUPS} AS rolled_up
         FROM counters c WHERE c.site = ? AND c.day BETWEEN ? AND ? ORDER BY c.day`,
      );
      return this.#known(siteIds).flatMap(({ siteId, site }) =>
        select
          .all(site, firstDay, lastDay)
          .map((row) => ({ siteId, day: Number(row.day), isRolledUp: Number(row.rolled_up) === 1 })),
      );
    });
  }

  /** @throws DayOpened */
  async rows({ siteIds, from, sql, values }: Statement, signal: AbortSignal): Promise<Row[]> {
    const sites = this.#known(siteIds);
    if (sites.length === 0) return [];
    try {
      const relations = await this.#relationsInOneState(siteIds, from, signal);
      return await readingSegments(
        this.#folder,
        () => this.#segments(this.#located(Object.values(from).flat())).map(({ segment }) => segment),
        () => this.#duck.rows(`WITH ${relations.join(',\n')}\n${sql}`, values, signal),
      );
    } finally {
      for (const copies of [this.#open, this.#leaves])
        if (copies !== null && copies.rows > OPEN_ROWS_MAX) await copies.reset();
    }
  }

  /** Returns the instant from which all sites of a span have events, if retention has deleted earlier ones; else null. */
  eventsSince(scope: SpanOfSites): number | null {
    const since = this.#known(sitesIn(scope).map(({ siteId }) => siteId)).flatMap(
      ({ site }) => this.#eventsSince(site, scope) ?? [],
    );
    return since.length === 0 ? null : Math.max(...since);
  }

  #eventsSince(site: number, { fromMs, toMs }: SpanOfSites): number | null {
    return translated(() => {
      const sinceMs = expiredBefore(this.#db, site);
      const deleted = prepared(
        this.#db,
        'SELECT 1 FROM counters WHERE site = ? AND events > 0 AND day >= ? AND day < ? LIMIT 1',
      ).get(site, utcDay(fromMs), utcDay(Math.min(sinceMs, toMs)));
      return deleted === undefined ? null : sinceMs;
    });
  }

  /** Lists a site's days in segments among those from one to another (both inclusive), newest first. */
  archivedDays(site: number, { firstDay, lastDay }: { firstDay: number; lastDay: number }): number[] {
    return prepared(
      this.#db,
      'SELECT day FROM sealed_days WHERE site = ? AND day BETWEEN ? AND ? ORDER BY day DESC',
    )
      .all(site, firstDay, lastDay)
      .map(({ day }) => Number(day));
  }

  /** Answers a statement over the rows that a site's days have in files, `archived`, with all columns of the files. */
  async archivedRows(
    {
      siteId,
      site,
      days,
      relation,
    }: Pick<SiteDay, 'siteId' | 'site'> & { days: readonly number[]; relation: 'events' | 'bots' },
    sql: string,
    values: readonly number[],
    signal: AbortSignal,
  ): Promise<Row[]> {
    const columns = FILE_COLUMNS[relation].map(({ name }) => name);
    const segments = this.#segments(days.map((day) => ({ siteId, site, day })));
    const archived = this.#files({ relation, columns }, segments).join(' UNION ALL ');
    if (archived === '') return [];
    return readingSegments(
      this.#folder,
      () => segments.map(({ segment }) => segment),
      () => this.#duck.rows(`WITH archived AS (${archived}) ${sql}`, values, signal),
    );
  }

  /** Deletes the copies of sites' days that were sealed. */
  async forgetSealed(day: number, siteIds: readonly string[]): Promise<void> {
    const [open, leaves] = [this.#open, this.#leaves];
    this.#open = this.#leaves = null;
    for (const siteId of siteIds) {
      await open?.forget({ siteId, day });
      await leaves?.forget({ siteId, day });
    }
    [this.#open, this.#leaves] = [open, leaves];
    await this.#kept.drop();
  }

  async #relationsInOneState(
    siteIds: readonly string[],
    from: Statement['from'],
    signal: AbortSignal,
  ): Promise<string[]> {
    translated(() => this.#db.exec('BEGIN'));
    try {
      return await this.#relations(siteIds, from, signal);
    } finally {
      translated(() => this.#db.exec('COMMIT'));
    }
  }

  async #relations(
    siteIds: readonly string[],
    from: Statement['from'],
    signal: AbortSignal,
  ): Promise<string[]> {
    const named: string[] = [];
    for (const relation of Object.keys(from) as AskedRelation[]) {
      const days = this.#located(from[relation] ?? []);
      const segments = this.#segments(days);
      const inSegments = new Set(
        segments.flatMap(({ segment, sites }) => sites.map((of) => keyOf(of, segment))),
      );
      const open = days.filter((of) => !inSegments.has(keyOf(of, of)));
      const sources = relation === 'views' ? this.#viewsInFiles(segments) : [];
      if (relation !== 'views') {
        const columns = RELATIONS[relation].map(({ name }) => name);
        sources.push(...this.#files({ relation, columns }, segments));
      }
      if (open.length > 0) sources.push(await this.#openRelation(relation, open, signal));
      const rows = sources.length === 0 ? emptyRelation(relation) : sources.join(' UNION ALL ');
      named.push(`${relation} AS (${relation === 'events' ? ownNumbers(rows, siteIds, literal) : rows})`);
    }
    return named;
  }

  /** Returns the query for views that ended in files; none if no file has any. */
  #viewsInFiles(segments: readonly SitesInSegment[]): string[] {
    const leaves = this.#files({ relation: 'leaves', columns: LEAVES_IN_FILES }, segments);
    if (leaves.length === 0) return [];
    const events = { relation: 'events', columns: ['site', 'visit_no', 'begins', ...VISIT_COLUMNS] } as const;
    const visits = this.#files(events, segments).map((query) => `SELECT * FROM (${query}) WHERE begins`);
    return [
      viewsOf(
        leavesOfFiles(leaves.join(' UNION ALL ')),
        visits.length === 0 ? null : visits.join(' UNION ALL '),
      ),
    ];
  }

  /** Returns the sites that have a number in the events file. Others have no events. */
  #known(siteIds: readonly string[]): KnownSite[] {
    return siteIds.flatMap((siteId) => {
      const site = this.#texts.site(siteId);
      return site === null ? [] : [{ siteId, site }];
    });
  }

  #located(days: Iterable<Pick<SiteDay, 'siteId' | 'day'>>): SiteDay[] {
    return [...days].flatMap(({ siteId, day }) => this.#known([siteId]).map((of) => ({ ...of, day })));
  }

  /** Lists the segments that have sites' days, each with the sites of which it has them. */
  #segments(days: readonly SiteDay[]): SitesInSegment[] {
    const found = new Map<number, { segment: Segment; sites: KnownSite[]; hasOthers: boolean }>();
    const span = {
      firstDay: days.reduce((first, { day }) => Math.min(first, day), Infinity),
      lastDay: days.reduce((last, { day }) => Math.max(last, day), -Infinity),
    };
    for (const [site, ofSite] of Map.groupBy(days, (day) => day.site)) {
      const wanted = new Set(ofSite.map(({ day }) => day));
      const siteId = ofSite[0]?.siteId ?? '';
      for (const segment of segmentsOfSite(this.#db, { site, ...span })) {
        const known = found.get(segment.no) ?? { segment, sites: [], hasOthers: false };
        if (wanted.has(segment.day)) known.sites.push({ siteId, site });
        else known.hasOthers = true;
        found.set(segment.no, known);
      }
    }
    return [...found.values()].filter(({ sites }) => sites.length > 0);
  }

  /** Returns the queries for the rows of a relation in files, each of which is read once; none if no file has such rows. */
  #files(
    { relation, columns }: { relation: FileRelation; columns: readonly string[] },
    segments: readonly SitesInSegment[],
  ): string[] {
    const all = new Map(segments.flatMap(({ sites }) => sites.map((each) => [each.site, each])));
    const outdated =
      all.size < 2
        ? new Set()
        : outdatedSegments(
            this.#db,
            segments.map(({ segment }) => segment.no),
          );
    const asked = segments.map(({ segment, sites, hasOthers }) => ({
      segment,
      // Of sites that it was not written for, any other file has no rows.
      sites: hasOthers || outdated.has(segment.no) ? sites : [...all.values()],
    }));
    // Every query takes memory of its own, so there are as few as possible.
    const alike = Map.groupBy(asked, ({ sites }) => sites.map(({ site }) => site).join());
    return [...alike.values()].flatMap((same) => {
      const isAsked = this.#rowsOfSites(relation, same[0]?.sites ?? []);
      const files = same.map(({ segment }) => segment);
      return rowsInFiles(this.#folder, files, relation, columns).map((rows) => `${rows} WHERE ${isAsked}`);
    });
  }

  /** Returns the condition of rows in files that are of some sites, and not deleted. */
  #rowsOfSites(relation: FileRelation, sites: readonly KnownSite[]): string {
    const idsOf = (some: readonly KnownSite[]) => some.map(({ siteId }) => literal(siteId)).join(', ');
    if (relation === 'rollups' || relation === 'quarter_hours') return `site IN (${idsOf(sites)})`;
    // Rows that retention has deleted stay in the file until it is written again.
    const byExpiry = Map.groupBy(sites, ({ site }) => expiredBefore(this.#db, site));
    const conditions = [...byExpiry].map(
      ([beforeMs, some]) => `(site IN (${idsOf(some)}) AND received_at >= ${beforeMs})`,
    );
    return `(${conditions.join(' OR ')})`;
  }

  #hasKeptRollups({ site, day }: SiteDay): boolean {
    return (
      prepared(
        this.#db,
        `SELECT 1 FROM counters c WHERE c.site = ? AND c.day = ? AND ${HAS_KEPT_ROLLUPS}`,
      ).get(site, day) !== undefined
    );
  }

  async #openRelation(
    relation: AskedRelation,
    days: readonly SiteDay[],
    signal: AbortSignal,
  ): Promise<string> {
    if (relation === 'rollups' || relation === 'quarter_hours') {
      if (days.some((day) => !this.#hasKeptRollups(day)))
        throw new DayOpened('a day of the report changed while it was read');
      return this.#kept.relation(relation, days);
    }
    const open = this.#open ?? (await DayTables.create(this.#duck));
    // Until all went well: after an error it is unknown how far it came.
    this.#open = null;
    for (const day of days) {
      if (signal.aborted) break;
      await open.update({ db: this.#db, texts: this.#texts }, day, signal);
    }
    this.#open = open;
    signal.throwIfAborted();
    if (relation !== 'views') return open[relation](days);
    return viewsOf(await this.#openLeaves(days, signal), open.visits(days));
  }

  /** Copies the leaves of open days. @returns the query for them */
  async #openLeaves(days: readonly SiteDay[], signal: AbortSignal): Promise<string> {
    const leaves = this.#leaves ?? (await OpenLeaves.create(this.#duck));
    // As for the other copies.
    this.#leaves = null;
    for (const day of days) {
      if (signal.aborted) break;
      await leaves.update({ db: this.#db, texts: this.#texts }, day, signal);
    }
    this.#leaves = leaves;
    signal.throwIfAborted();
    return leaves.ofDays(days);
  }
}

type KnownSite = Pick<SiteDay, 'siteId' | 'site'>;

interface SitesInSegment {
  segment: Segment;
  sites: readonly KnownSite[];
  /** Whether it has the day of a further site whose other days are asked for. */
  hasOthers: boolean;
}

const keyOf = ({ site }: Pick<SiteDay, 'site'>, { day }: Pick<SiteDay, 'day'>) => `${site} ${day}`;

function emptyRelation(relation: AskedRelation): string {
  const columns = (relation === 'views' ? VIEWS : RELATIONS[relation]).map(
    ({ name, type }) => `NULL::${SQL_TYPES[type]} AS ${name}`,
  );
  return `SELECT ${columns.join(', ')} WHERE false`;
}
