import { DAY_MS } from '../../../domain/clock.ts';
import { VITALS } from '../../../domain/vitals.ts';
import type { Cell, DuckDb, Row } from '../../drivers/duckdb.ts';
import { prepared } from '../../drivers/sqlite.ts';
import { appendAll, definition, ofDays, storedState } from './day-tables.ts';
import { type Columns, numberOn, type SiteDay, type Source } from './rows.ts';

const COLUMNS: Columns = {
  ...{ site: 'text', day: 'integer', visit: 'integer', view: 'integer', visit_no: 'integer' },
  ...{ received_at: 'integer', page: 'text', scroll: 'integer', vitals_id: 'integer' },
  ...Object.fromEntries(VITALS.map(({ name }) => [name, 'number' as const])),
};
/** What tells a row of a site's day from others. */
const KEY = ['visit', 'view'] as const;

/** How far the leaves of a site's day have been copied. */
interface Copied {
  rows: number;
  /** The newest receipt. */
  at: number;
  changes: number;
  expiredBefore: number;
}

/**
 * Sums that differ if copies are not what is stored. A leave that is reported again replaces its row, which then has a newer
 * receipt, greater figures or other vitals.
 */
const SUMS = (at: string, vitals: string) =>
  `count(*) AS n, coalesce(sum(${at} % ${DAY_MS}), 0) AS at, coalesce(sum(scroll), 0) AS scroll, coalesce(sum(${vitals}), 0) AS vitals`;

/** What was reported when views of open days ended, copied from the rows of the events file into a table of DuckDB. */
export class OpenLeaves {
  readonly #duck: DuckDb;
  readonly #copied = new Map<string, Copied>();
  /** Rows that were deleted, whose memory the table keeps. */
  #deletedRows = 0;

  private constructor(duck: DuckDb) {
    this.#duck = duck;
  }

  static async create(duck: DuckDb): Promise<OpenLeaves> {
    const leaves = new OpenLeaves(duck);
    await leaves.reset();
    return leaves;
  }

  /** The number of rows in the table, those of deleted copies included. */
  get rows(): number {
    return [...this.#copied.values()].reduce((sum, { rows }) => sum + rows, this.#deletedRows);
  }

  /** Returns the query for the copies of some days of sites. */
  ofDays(days: readonly SiteDay[]): string {
    return `SELECT * FROM open_leaves AS o WHERE ${ofDays('o', days)}`;
  }

  /** Deletes all copies. */
  async reset(): Promise<void> {
    this.#copied.clear();
    this.#deletedRows = 0;
    const create = ['open_leaves', 'open_new_leaves'].map(
      (table) => `CREATE OR REPLACE TABLE ${table} (${definition(COLUMNS)});`,
    );
    await this.#duck.run(create.join(' '));
  }

  /** Deletes the copies of a site's day. */
  async forget({ siteId, day }: Pick<SiteDay, 'siteId' | 'day'>): Promise<void> {
    const copied = this.#copied.get(keyOf({ siteId, day }));
    if (copied === undefined) return;
    this.#copied.delete(keyOf({ siteId, day }));
    this.#deletedRows += copied.rows;
    await this.#duck.run('DELETE FROM open_leaves WHERE site = $1 AND day = $2', [siteId, day]);
  }

  /** Copies what came to a site's day since the last time; or all of it, if some of that was received before. */
  async update(source: Source, of: SiteDay, signal: AbortSignal): Promise<void> {
    const { changes, expiredBefore } = storedState(source.db, of);
    const known = this.#copied.get(keyOf(of));
    if (known?.changes === changes && known.expiredBefore === expiredBefore) return;
    if (known?.expiredBefore === expiredBefore) {
      await this.#copy(source, of, { ...known, changes }, signal);
      if (signal.aborted || (await this.#isComplete(source, of, expiredBefore))) return;
    }
    await this.forget(of);
    await this.#copy(source, of, { rows: 0, at: expiredBefore, changes, expiredBefore }, signal);
  }

  async #copy(source: Source, of: SiteDay, known: Copied, signal: AbortSignal): Promise<void> {
    const copied = { ...known };
    const onRow = (at: number) => {
      copied.at = Math.max(copied.at, at);
    };
    const appender = await this.#duck.appender('open_new_leaves', Object.values(COLUMNS));
    let rows: number;
    try {
      rows = await appendAll(appender, leavesFrom(source, of, known.at, onRow), signal);
    } finally {
      appender.close();
    }
    if (!signal.aborted) {
      const isNew = KEY.map((column) => `n.${column} = o.${column}`).join(' AND ');
      const [replaced] = await this.#duck.rows(
        `DELETE FROM open_leaves AS o WHERE site = $1 AND day = $2
           AND EXISTS (SELECT 1 FROM open_new_leaves AS n WHERE ${isNew})`,
        [of.siteId, of.day],
      );
      await this.#duck.run('INSERT INTO open_leaves SELECT * FROM open_new_leaves');
      const again = Number(replaced?.Count ?? 0);
      this.#deletedRows += again;
      this.#copied.set(keyOf(of), { ...copied, rows: known.rows + rows - again });
    }
    await this.#duck.run('TRUNCATE open_new_leaves');
  }

  async #isComplete({ db }: Source, of: SiteDay, expiredBefore: number): Promise<boolean> {
    const stored = prepared(
      db,
      `SELECT ${SUMS('at', 'vitals')} FROM leaves WHERE site = ? AND day = ? AND at >= ?`,
    ).get(of.site, of.day, expiredBefore);
    const [copied] = await this.#duck.rows(
      `SELECT ${SUMS('received_at', 'vitals_id')} FROM open_leaves WHERE site = $1 AND day = $2`,
      [of.siteId, of.day],
    );
    return ['n', 'at', 'scroll', 'vitals'].every((name) => Number(stored?.[name]) === Number(copied?.[name]));
  }
}

const keyOf = ({ siteId, day }: Pick<SiteDay, 'siteId' | 'day'>) => `${siteId} ${day}`;

/** Reads the leaves that were received at an instant or later, and calls `onRow` with the receipt of each. */
function* leavesFrom(
  { db, texts }: Source,
  { siteId, site, day }: SiteDay,
  fromMs: number,
  onRow: (at: number) => void,
): Generator<readonly Cell[], void, void> {
  const select = prepared(
    db,
    `SELECT visit, CAST(view AS TEXT) AS view, at, path, scroll, vitals FROM leaves WHERE site = ? AND day = ? AND at >= ?`,
  );
  for (const row of select.iterate(site, day, fromMs)) {
    const [visit, at] = [Number(row.visit), Number(row.at)];
    onRow(at);
    const vitals = row.vitals === null ? {} : vitalsIn(texts.text(Number(row.vitals)));
    yield [
      ...[siteId, day, visit, BigInt(String(row.view)), visit === 0 ? null : numberOn(day, visit)],
      ...[at, texts.text(Number(row.path)), numberOrNull(row.scroll), numberOrNull(row.vitals)],
      ...VITALS.map(({ name }) => numberOrNull(vitals[name])),
    ];
  }
}

function vitalsIn(json: string): Row {
  return JSON.parse(json) as Row; // as the writer stores it
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
