import { CHANNELS } from '../../../domain/channels.ts';
import { DAY_MS } from '../../../domain/clock.ts';
import { BOUNCE_ENGAGED_MS } from '../../../domain/visit-rules.ts';
import type { DamagedDay } from '../../contract/store.ts';
import type { DuckDb, RowAppender } from '../../drivers/duckdb.ts';
import { literal } from '../../drivers/duckdb-text.ts';
import { EVENT_COLUMNS, firstWith, NUMBERS_PER_DAY } from '../../reports/relations.ts';
import { PROFILE_COLUMNS } from '../../shared/profile.ts';
import { FILE_COLUMNS, LEAVES, VIEW_BITS } from '../tables/file-columns.ts';
import { PARTS, PROFILE_PARTS, type ProfilePart, readCrawler } from '../tables/profile.ts';
import type { SealedSite } from '../tables/segments.ts';
import { grownVisitsOf } from '../tables/visit-rows.ts';
import { appendAll, definition, storedState } from './day-tables.ts';
import { type Columns, mapOf, type SiteDay, type Source } from './rows.ts';
import { botRows, eventRows, leaveRows, ROW_COLUMNS, UsedTexts, visitRows } from './seal-rows.ts';

function partColumns(part: ProfilePart): Columns {
  const columns = PROFILE_PARTS[part].map((field) => [PROFILE_COLUMNS[field], 'text'] as const);
  return { id: 'number32', ...Object.fromEntries(columns) };
}

/** The strings that rows name by number. */
const DICTIONARIES = {
  sites: { no: 'number32', site: 'text' },
  texts: { id: 'number32', text: 'text' },
  profile: partColumns('profile'),
  agent: partColumns('agent'),
  place: partColumns('place'),
  crawlers: { id: 'number32', bot: 'text', company: 'text', class: 'text' },
  props: { id: 'number32', props_json: 'text', props: 'map' },
} as const satisfies Readonly<Record<string, Columns>>;

const COLUMNS: Readonly<Record<string, Columns>> = { ...ROW_COLUMNS, ...DICTIONARIES };
type Table = keyof typeof ROW_COLUMNS | keyof typeof DICTIONARIES;
const TABLES = Object.keys(COLUMNS) as Table[];

/**
 * All rows of a UTC day of some sites, copied from the events file into tables of DuckDB with everything that is known. Rows
 * have the numbers of strings, as in the events file, which costs a third of copying the strings themselves.
 */
export class SealTables {
  readonly #duck: DuckDb;
  readonly #day: number;

  private constructor(duck: DuckDb, day: number) {
    this.#duck = duck;
    this.#day = day;
  }

  /**
   * Copies the rows of sites.
   *
   * @param includesDamaged whether sites stay whose rows are not as many as their counters say
   * @returns the tables, the sites that are in them, and the days that are damaged
   */
  static async fill(
    duck: DuckDb,
    source: Source,
    { day, sites, includesDamaged }: { day: number; sites: readonly SiteDay[]; includesDamaged: boolean },
  ): Promise<{ tables: SealTables; sealed: SealedSite[]; damaged: DamagedDay[] }> {
    const tables = new SealTables(duck, day);
    const create = TABLES.map(
      (name) => `CREATE OR REPLACE TEMP TABLE sealed_${name} (${definition(COLUMNS[name] ?? {})});`,
    );
    await duck.run(create.join(' '));
    const sealed: SealedSite[] = [];
    const damaged: DamagedDay[] = [];
    const leftOut: number[] = [];
    const used = new UsedTexts();
    const grown = grownVisitsOf(source.db, day);
    const appenders = await tables.#appenders();
    try {
      for (const of of sites) {
        const { changes, expiredBefore, events } = storedState(source.db, of);
        await appendAll(appenders.visits, visitRows(source.db, of, grown.get(of.site), used));
        const rows = await appendAll(appenders.events, eventRows(source.db, of, used));
        await appendAll(appenders.leaves, leaveRows(source.db, of, used));
        await appendAll(appenders.bots, botRows(source.db, of, used));
        if (rows !== events) damaged.push({ siteId: of.siteId, day, counted: events, rows });
        if (rows === events || includesDamaged) sealed.push({ siteId: of.siteId, changes, expiredBefore });
        else leftOut.push(of.site);
        appenders.sites.append([of.site, of.siteId]);
      }
      await appendAll(appenders.texts, textRows(source, used));
      for (const part of PARTS)
        for (const id of used.parts[part]) {
          const values = source.texts.part(part, id);
          appenders[part].append([id, ...PROFILE_PARTS[part].map((field) => values[field] ?? null)]);
        }
      for (const id of used.crawlers) {
        const { bot, company, botClass } = readCrawler(source.texts.text(id));
        appenders.crawlers.append([id, bot, company, botClass]);
      }
      for (const id of used.props)
        appenders.props.append([id, source.texts.text(id), mapOf(source.texts.text(id))]);
    } finally {
      for (const appender of Object.values(appenders)) appender.close();
    }
    for (const site of leftOut)
      for (const name of Object.keys(ROW_COLUMNS))
        await duck.run(`DELETE FROM sealed_${name} WHERE site = $1`, [site]);
    await tables.#order();
    return { tables, sealed, damaged };
  }

  /**
   * Puts the events in the order of the file, with the numbers of their visits, and numbers the views of each visit. Rows of
   * numbers take little memory, whereas rows with all their strings do not fit.
   */
  async #order(): Promise<void> {
    // Rows were copied in the order of time. Windows over whole rows would take several times the memory.
    const firsts = EVENT_COLUMNS.map(
      (column) =>
        `rowid IN (SELECT min(rowid) FROM sealed_events GROUP BY site, visit, ${column}) AS ${firstWith(column)}`,
    );
    await this.#duck.run(`
      CREATE OR REPLACE TEMP TABLE sealed_views AS
      SELECT *, row_number() OVER (PARTITION BY site, visit ORDER BY view) AS no FROM (
        SELECT site, visit, view FROM sealed_events WHERE view IS NOT NULL
        UNION SELECT site, visit, view FROM sealed_leaves WHERE view <> 0);
      CREATE OR REPLACE TEMP TABLE sealed_ordered AS
      SELECT e.* REPLACE (w.no AS view), v.* EXCLUDE (site, visit), o.lone
      FROM (SELECT *, ${firsts.join(', ')} FROM sealed_events) AS e
        JOIN sealed_visits AS v ON v.site = e.site AND v.visit = e.visit
        LEFT JOIN sealed_views AS w ON w.site = e.site AND w.visit = e.visit AND w.view = e.view
        JOIN (SELECT site, first, count(*) = 1 AS lone FROM sealed_visits GROUP BY ALL) AS o
          ON o.site = v.site AND o.first = v.first
      ORDER BY e.site, v.first, e.visit, e.ms, e.n`);
    await this.#duck.run('TRUNCATE sealed_events; TRUNCATE sealed_visits;');
  }

  /** A query for the file of events. */
  get events(): string {
    const columns: Readonly<Record<string, string>> = {
      site: 's.site',
      day: String(this.#day),
      received_at: this.#instant('e.ms'),
      ordinal: 'e.n',
      ...{ name: 'name.text', host: 'host.text', page: 'page.text', query: 'query.text' },
      ...{ referrer: 'referrer.text', nav: 'nav.text', currency: 'currency.text' },
      ...{ props: 'p.props', props_json: 'p.props_json', value: 'e.value', view: 'e.view' },
      interactive: '(e.interactive IS NULL)',
      visit_no: this.#number('e.visit'),
      visitor_no: this.#number('e.first'),
      visit_start: this.#instant('e.start_at'),
      visit_end: this.#instant('e.end_at'),
      bounce: `(e.pageviews = 1 AND e.events - e.passive = 1 AND e.engaged < ${BOUNCE_ENGAGED_MS})`,
      begins: '(e.ms = e.start_at AND e.n = e.start_n)',
      ...{ engaged: 'e.engaged', lone: 'e.lone', visitor: 'e.visitor', width: 'e.width' },
      channel: `CASE e.channel ${CHANNELS.map((channel, i) => `WHEN ${i} THEN ${literal(channel)}`).join(' ')} END`,
      ...{ entry: 'entry.text', exit: 'exit.text', visit_referrer: 'visit_referrer.text' },
      ...Object.fromEntries(EVENT_COLUMNS.map((column) => [firstWith(column), `e.${firstWith(column)}`])),
    };
    const selected = FILE_COLUMNS.events.map(({ name }) => `${columns[name] ?? name} AS ${name}`);
    const text = (alias: string, id: string, join = 'LEFT JOIN') =>
      `${join} sealed_texts AS ${alias} ON ${alias}.id = ${id}`;
    return `
      SELECT ${selected.join(', ')}
      FROM sealed_ordered AS e
        JOIN sealed_sites AS s ON s.no = e.site
        ${PARTS.map((part) => `LEFT JOIN sealed_${part} AS of_${part} ON of_${part}.id = e.${part}`).join(' ')}
        LEFT JOIN sealed_props AS p ON p.id = e.props
        ${['name', 'host', 'page'].map((column) => text(column, `e.${column}`, 'JOIN')).join(' ')}
        ${['entry', 'exit'].map((column) => text(column, `e.${column}`, 'JOIN')).join(' ')}
        ${['query', 'referrer', 'nav', 'currency', 'visit_referrer'].map((column) => text(column, `e.${column}`)).join(' ')}`;
  }

  /** A query for the file of bots' requests. */
  get bots(): string {
    return `
      SELECT s.site, ${this.#day} AS day, ${this.#instant('b.ms')} AS received_at, b.n AS ordinal,
        c.bot, c.company, c.class, host.text AS host, page.text AS page
      FROM sealed_bots AS b JOIN sealed_sites AS s ON s.no = b.site JOIN sealed_crawlers AS c ON c.id = b.crawler
        JOIN sealed_texts AS host ON host.id = b.host JOIN sealed_texts AS page ON page.id = b.page`;
  }

  /** A query for the file of what was reported when views ended. */
  get leaves(): string {
    const columns: Readonly<Record<string, string>> = {
      site: 's.site',
      day: String(this.#day),
      visit_no: `CASE WHEN l.visit > 0 THEN ${this.#number('l.visit')} END`,
      received_at: this.#instant('l.ms'),
      ...{
        page: 'page.text',
        vitals: 'vitals.text',
        view: 'w.no',
        view_bits: `l.view & ${2 ** VIEW_BITS - 1}`,
      },
    };
    const selected = LEAVES.map(({ name }) => `${columns[name] ?? `l.${name}`} AS ${name}`);
    return `
      SELECT ${selected.join(', ')} FROM sealed_leaves AS l JOIN sealed_sites AS s ON s.no = l.site
        LEFT JOIN sealed_views AS w ON w.site = l.site AND w.visit = l.visit AND w.view = l.view
        JOIN sealed_texts AS page ON page.id = l.page LEFT JOIN sealed_texts AS vitals ON vitals.id = l.vitals`;
  }

  async drop(): Promise<void> {
    await this.#duck.run(
      `${TABLES.map((name) => `DROP TABLE sealed_${name};`).join(' ')} DROP TABLE sealed_ordered; DROP TABLE sealed_views;`,
    );
  }

  /** The instant of a millisecond of the day. */
  #instant(at: string): string {
    return `${this.#day * DAY_MS} + ${at}`;
  }

  /** The number of a visit or visitor that no other day has. */
  #number(no: string): string {
    return `${this.#day * NUMBERS_PER_DAY} + ${no}`;
  }

  async #appenders(): Promise<Record<Table, RowAppender>> {
    const opened: Partial<Record<Table, RowAppender>> = {};
    for (const name of TABLES)
      opened[name] = await this.#duck.appender(`sealed_${name}`, Object.values(COLUMNS[name] ?? {}));
    return opened as Record<Table, RowAppender>; // one for each of `TABLES`
  }
}

function* textRows({ texts }: Source, used: UsedTexts): Generator<readonly [number, string]> {
  for (const id of used.texts) yield [id, texts.text(id)];
}
