import { createHash } from 'node:crypto';
import { utcDay } from '../../../domain/clock.ts';
import type { SiteLimit } from '../../contract/store.ts';
import { Server } from '../../drivers/clickhouse.ts';
import type { Checksum } from '../move.ts';
import {
  type ActualCount,
  type Batch,
  type DirtyDay,
  RowsMissing,
  type SiteDay,
  type Warehouse,
  type WarehouseReports,
} from '../shipping.ts';
import { checksumsOf } from './checksum.ts';
import { byDay, countRows, findRepeats, type Repeat, rangesToCompare, rangesToCount } from './count.ts';
import { day, integer, isoDay, list, text } from './literal.ts';
import { pageOf } from './page.ts';
import { type OnServer, Replicas } from './replicas.ts';
import { DUPLICATE_RANK } from './row.ts';
import { ENTRIES } from './schema.ts';
import { SharedTable } from './shared-table.ts';

/** The longest wait for a deletion. After that, the server finishes it in the background. */
const DELETION_DEADLINE_MS = 60_000;
const DELETION_LOOK_MS = 100;

/** The warehouse in ClickHouse, on one server or on replicas of the same table. */
export class ClickHouseWarehouse implements Warehouse {
  readonly reports: WarehouseReports;
  readonly #replicas: Replicas;
  /** The same servers with separate connections, so that slow reports do not delay shipping. */
  readonly #forReaders: Replicas;
  readonly #table: SharedTable;

  /**
   * Creates a warehouse that connects on first use.
   *
   * @param urls one URL per replica: `http://user:password@host:8123/database`
   * @param reportsOver creates the reports, given a function that runs a query on any replica that answers
   */
  constructor(urls: readonly string[], reportsOver: (anyReplica: OnServer) => WarehouseReports) {
    const connect = () => new Replicas(urls.map((url) => new Server(url)));
    this.#replicas = connect();
    this.#forReaders = connect();
    this.#table = new SharedTable(this.#replicas.all);
    this.reports = reportsOver((work) => this.#any(work, this.#forReaders));
  }

  get misconfiguration(): string | null {
    return this.#table.misconfiguration;
  }

  check(): Promise<void> {
    return this.#table.check();
  }

  async insert({ id, rows }: Pick<Batch, 'id' | 'rows'>): Promise<void> {
    await this.#any(async (server) => {
      await this.#table.hasAll(server);
      await server.insert(ENTRIES, rows, id);
    });
  }

  expectAllRows(): Promise<void> {
    return this.#any((server) => this.#expectAllRows(server));
  }

  count(
    days: readonly DirtyDay[],
    beforeMarking: (changed: readonly SiteDay[]) => Promise<void>,
  ): Promise<ActualCount[]> {
    return this.#any(async (server) => {
      // This comes before any read. Rows that arrive later may be in the count, but they mark their day dirty again.
      await this.#expectAllRows(server);
      const counts: ActualCount[] = [];
      for (const sites of byDay(days)) {
        for (const ids of await rangesToCompare(server, sites)) {
          const repeats = await findRepeats(server, sites, ids);
          if (repeats.length === 0) continue;
          await beforeMarking(repeats);
          await mark(server, repeats);
        }
        for (const ids of rangesToCount(sites)) counts.push(...(await countRows(server, sites, ids)));
      }
      return counts;
    });
  }

  countAll: Warehouse['countAll'] = () =>
    this.#any(async (server) => {
      const rows = await server.rows(
        `SELECT site_id, toUInt16(day) AS d, count() AS n, max(received_at) AS newest FROM ${ENTRIES} FINAL
         WHERE kind = 'event' GROUP BY site_id, day`,
      );
      return {
        rows: rows.map((row) => ({ siteId: String(row.site_id), day: Number(row.d), rows: Number(row.n) })),
        newestAtMs: rows.reduce<number | null>(
          (newest, row) => Math.max(newest ?? 0, Number(row.newest)),
          null,
        ),
      };
    });

  page: Warehouse['page'] = (siteId, options) =>
    this.#any((server) => pageOf(server, siteId, options), this.#forReaders);

  expire(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number> {
    const where = beyond(limits);
    return this.#any(async (server) => {
      const [found] = await server.rows(
        `SELECT count() AS n FROM ${ENTRIES} FINAL WHERE ${where} AND kind != 'duplicate'`,
      );
      const rows = Number(found?.n ?? 0);
      if (rows === 0) return 0;
      // A lightweight deletion would leave the rows in files that may never be merged again.
      await server.run(`ALTER TABLE ${ENTRIES} DELETE WHERE ${where}`);
      await rowsGone(server, where, signal);
      return rows;
    });
  }

  async overdue(limits: readonly SiteLimit[]): Promise<SiteLimit[]> {
    const rows = await this.#any((server) =>
      server.rows(
        `SELECT site_id FROM ${ENTRIES} FINAL WHERE ${beyond(limits)} AND kind != 'duplicate' GROUP BY site_id`,
      ),
    );
    const held = new Set(rows.map((row) => String(row.site_id)));
    return limits.filter(({ siteId }) => held.has(siteId));
  }

  /** Computes the checksums of the days as stored now, by `dayName`. A day without rows has none. */
  checksums(days: readonly SiteDay[]): Promise<ReadonlyMap<string, Checksum>> {
    return this.#any((server) => checksumsOf(server, days));
  }

  async close(): Promise<void> {
    await Promise.all([this.#replicas.close(), this.#forReaders.close()]);
  }

  /** @throws RowsMissing if a server lacks rows that another replica acknowledged */
  async #expectAllRows(server: Server): Promise<void> {
    if (!(await this.#table.hasAll(server)))
      throw new RowsMissing(`ClickHouse: ${server.name} is missing rows of other replicas`);
  }

  #any<T>(work: (server: Server) => Promise<T>, on = this.#replicas): Promise<T> {
    return on.any(async (server, no) => {
      await this.#table.ensure(no);
      return work(server);
    });
  }
}

/** Returns an SQL condition that selects the rows received before the limits of their sites. There must be at least one. */
function beyond(limits: readonly SiteLimit[]): string {
  const conditions = [...Map.groupBy(limits, ({ beforeMs }) => beforeMs)].map(
    ([beforeMs, sites]) =>
      `(site_id IN ${list(sites.map(({ siteId }) => text(siteId)))} AND day <= ${day(utcDay(beforeMs - 1))} AND received_at < ${integer(beforeMs)})`,
  );
  return `(${conditions.join(' OR ')})`;
}

/** Replaces later rows of repeated events with a duplicate mark. Repeating it changes nothing. */
async function mark(server: Server, repeats: readonly Repeat[]): Promise<void> {
  const rows = repeats
    .map(({ siteId, day: ofDay, eventId }) =>
      JSON.stringify({
        site_id: siteId,
        day: isoDay(ofDay),
        event_id: eventId,
        rank: DUPLICATE_RANK,
        kind: 'duplicate',
      }),
    )
    .join('\n');
  await server.insert(ENTRIES, rows, `marks.${createHash('sha256').update(rows).digest('hex')}`);
}

/**
 * Waits until deleted rows are gone, since the server deletes them in the background. It queries the rows themselves, because
 * an old server lists a deletion only some time after accepting it.
 */
async function rowsGone(server: Server, where: string, signal: AbortSignal | undefined): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < DELETION_DEADLINE_MS && !signal?.aborted) {
    const [left] = await server.rows(`SELECT count() AS n FROM ${ENTRIES} WHERE ${where}`);
    if (Number(left?.n ?? 0) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, DELETION_LOOK_MS));
  }
}
