import type { Cell, ColumnType, DuckDb } from '../../drivers/duckdb.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { MEASURES, QUARTER_HOURS, QUARTER_MEASURES, ROLLUPS } from '../../reports/relations.ts';
import { QUARTER_MS } from '../../reports/rollups.ts';
import { FACETS, SLOTS_PER_DAY } from '../tables/kept-rollups.ts';
import { readCrawler } from '../tables/profile.ts';
import { ofDays, SQL_TYPES } from './day-tables.ts';
import type { SiteDay } from './rows.ts';
import type { Texts } from './texts.ts';

type KeptRelation = 'rollups' | 'quarter_hours';

const COLUMNS = { rollups: ROLLUPS, quarter_hours: QUARTER_HOURS } as const;

/**
 * Rollups that the events file keeps of days whose rows retention has deleted, copied into tables of DuckDB. They are moved to
 * segments soon after the start, and no new ones are made.
 */
export class KeptRollups {
  readonly #duck: DuckDb;
  readonly #db: Database;
  readonly #texts: Texts;
  readonly #prefix: string;
  readonly #copied = new Set<string>();

  /** @param prefix begins the names of the tables */
  constructor({ duck, db, texts, prefix }: { duck: DuckDb; db: Database; texts: Texts; prefix: string }) {
    this.#duck = duck;
    this.#db = db;
    this.#texts = texts;
    this.#prefix = prefix;
  }

  /** Returns a query for everything that was copied. */
  table(relation: KeptRelation): string {
    return `SELECT * FROM ${this.#name(relation)}`;
  }

  /** Returns a query for the rollups of sites' days. */
  async relation(relation: KeptRelation, days: readonly SiteDay[]): Promise<string> {
    for (const day of days) await this.copy(day);
    return `${this.table(relation)} AS kept WHERE ${ofDays('kept', days)}`;
  }

  /** Copies the rollups of a site's day, once. */
  async copy(of: SiteDay): Promise<void> {
    const key = `${of.siteId} ${of.day}`;
    if (this.#copied.has(key)) return;
    const isFirst = this.#copied.size === 0;
    this.#copied.add(key);
    try {
      if (isFirst)
        for (const relation of ['rollups', 'quarter_hours'] as const)
          await this.#duck.run(
            `CREATE TABLE ${this.#name(relation)} (${COLUMNS[relation].map(({ name, type }) => `${name} ${SQL_TYPES[type]}`).join(', ')})`,
          );
      await this.#append('rollups', this.#rollupsOf(of));
      await this.#append('quarter_hours', this.#quarterHoursOf(of));
    } catch (error) {
      // Otherwise half of a day would be taken for all of it.
      await this.drop();
      throw error;
    }
  }

  /** Drops all copies. */
  async drop(): Promise<void> {
    if (this.#copied.size === 0) return;
    this.#copied.clear();
    for (const relation of ['rollups', 'quarter_hours'] as const)
      await this.#duck.run(`DROP TABLE IF EXISTS ${this.#name(relation)}`);
  }

  #name(relation: KeptRelation): string {
    return `${this.#prefix}_${relation}`;
  }

  async #append(relation: KeptRelation, rows: readonly Cell[][]): Promise<void> {
    const appender = await this.#duck.appender(this.#name(relation), typesOf(relation));
    for (const row of rows) appender.append(row);
    appender.close();
  }

  #rollupsOf({ siteId, site, day }: SiteDay): Cell[][] {
    const select = prepared(
      this.#db,
      `SELECT value, ${MEASURES.join(', ')} FROM facets WHERE site = ? AND dimension = ? AND day = ?`,
    );
    return FACETS.flatMap((dimension, position) =>
      select
        .all(site, position, day)
        .map((row) => [
          ...[siteId, day, dimension],
          ...this.#valueOf(dimension, Number(row.value)),
          ...MEASURES.map((name) => Number(row[name])),
        ]),
    );
  }

  /** Returns the value, and the company if it is a bot. */
  #valueOf(dimension: string, text: number): [string | null, string | null] {
    if (text === 0) return [null, null];
    if (dimension !== 'bot') return [this.#texts.text(text), null];
    const { bot, company } = readCrawler(this.#texts.text(text));
    return [bot, company];
  }

  #quarterHoursOf({ siteId, site, day }: SiteDay): Cell[][] {
    return prepared(
      this.#db,
      `SELECT slot, ${QUARTER_MEASURES.join(', ')} FROM slots WHERE site = ? AND slot >= ? AND slot < ?`,
    )
      .all(site, day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY)
      .map((row) => [
        siteId,
        day,
        Number(row.slot) * QUARTER_MS,
        ...QUARTER_MEASURES.map((name) => Number(row[name])),
      ]);
  }
}

const typesOf = (relation: KeptRelation): ColumnType[] => COLUMNS[relation].map(({ type }) => type);
