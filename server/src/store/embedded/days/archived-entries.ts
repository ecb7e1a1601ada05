import type { Entry } from '../../contract/store.ts';
import type { Row } from '../../drivers/duckdb.ts';
import { literal } from '../../drivers/duckdb-text.ts';
import type { Database } from '../../drivers/sqlite.ts';
import { NUMBERS_PER_DAY } from '../../reports/relations.ts';
import { expiredBefore } from '../tables/expired.ts';
import type { FileRelation } from '../tables/file-columns.ts';
import { type Segment, segmentsOfSite } from '../tables/segments.ts';
import { archivedEvent, viewOf } from './activity-files.ts';
import { openBeside } from './duck-beside.ts';
import { rowsInFiles } from './file-rows.ts';
import type { SiteDay } from './rows.ts';

/** An entry of an archived day, and what tells its row from others of the site. */
interface ArchivedEntry {
  entry: Entry;
  ordinal: number;
  place: readonly unknown[];
}

const LIMITS = { memoryMib: 256, threads: 1 } as const;

/** Reads the entries of archived days from their files, for programs other than the server. */
export class ArchivedEntries {
  readonly #db: Database;
  readonly #folder: string;
  #opened: ReturnType<typeof openBeside> | null = null;

  constructor(db: Database, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }

  async close(): Promise<void> {
    // If it could not be opened, `entries` has failed already.
    const opened = await this.#opened?.catch(() => null);
    await opened?.close();
  }

  /** Yields a site's events, leaves and bots' requests of a day. */
  async *entries(of: SiteDay): AsyncGenerator<ArchivedEntry> {
    const [segment] = segmentsOfSite(this.#db, { site: of.site, firstDay: of.day, lastDay: of.day });
    if (segment === undefined) return;
    const kept = `site = ${literal(of.siteId)} AND received_at >= ${expiredBefore(this.#db, of.site)}`;
    const events = this.#file(segment, 'events');
    if (events !== null) {
      const sql = `SELECT * FROM ${events} AS e WHERE ${kept} ORDER BY received_at, ordinal`;
      for await (const event of this.#rows(sql)) yield archivedEventEntry(of.siteId, event);
    }
    const leaves = this.#file(segment, 'leaves');
    if (leaves !== null && events !== null) {
      const visitors = `SELECT visit_no, visitor FROM ${events} AS e WHERE begins AND site = ${literal(of.siteId)}`;
      const sql = `SELECT l.*, v.visitor FROM ${leaves} AS l LEFT JOIN (${visitors}) AS v ON v.visit_no = l.visit_no
        WHERE ${kept} ORDER BY l.visit_no, l.view`;
      for await (const leave of this.#rows(sql)) yield archivedLeave(of.siteId, leave);
    }
    const bots = this.#file(segment, 'bots');
    if (bots !== null) {
      const sql = `SELECT * FROM ${bots} AS b WHERE ${kept} ORDER BY received_at, ordinal`;
      for await (const bot of this.#rows(sql)) yield archivedBot(of.siteId, bot);
    }
  }

  #file(segment: Segment, relation: FileRelation): string | null {
    const [rows] = rowsInFiles(this.#folder, [segment], relation);
    return rows === undefined ? null : `(${rows})`;
  }

  async *#rows(sql: string): AsyncGenerator<Row> {
    this.#opened ??= openBeside(this.#folder, LIMITS);
    const { duck } = await this.#opened;
    yield* duck.stream(sql);
  }
}

function archivedEventEntry(siteId: string, row: Row): ArchivedEntry {
  const { cursor: _, ...event } = archivedEvent(siteId, '', row);
  return {
    entry: { kind: 'event', id: null, siteKey: null, ...event },
    ordinal: Number(row.ordinal),
    place: [row.received_at, row.ordinal],
  };
}

function archivedLeave(siteId: string, row: Row): ArchivedEntry {
  const number = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    entry: {
      ...{ kind: 'leave', siteId, siteKey: null, receivedAtMs: Number(row.received_at), host: '', id: null },
      path: String(row.page),
      // A leave of a visitor without a visit is dropped, since it belongs to no visit.
      visitor: row.visitor === null ? 0n : BigInt(String(row.visitor)),
      view: viewOf(row),
      ...{ engagedMs: number('engaged'), scroll: number('scroll') },
      vitals: row.vitals === null ? null : (JSON.parse(String(row.vitals)) as Record<string, number>),
    },
    ordinal: 0,
    place: [row.day, row.visit_no === null ? 0 : Number(row.visit_no) % NUMBERS_PER_DAY, row.view_bits],
  };
}

function archivedBot(siteId: string, row: Row): ArchivedEntry {
  return {
    entry: {
      ...{ kind: 'bot', siteId, siteKey: null, receivedAtMs: Number(row.received_at), id: null },
      ...{ host: String(row.host), path: String(row.page), bot: String(row.bot) },
      ...{ company: row.company === null ? null : String(row.company), botClass: String(row.class) },
    },
    ordinal: Number(row.ordinal),
    place: [row.received_at, row.ordinal],
  };
}
