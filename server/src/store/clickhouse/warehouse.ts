import { createHash } from 'node:crypto';
import { utcDay } from '../../clock.ts';
import type { Checksum } from '../move.ts';
import type { Batch, SiteDay, Truth, Warehouse } from '../shipping.ts';
import { StoreUnavailable } from '../store.ts';
import { checksumsOf } from './checksum.ts';
import { countDays, findRepeats, type Repeat } from './count.ts';
import { Server } from './driver.ts';
import { day, integer, isoDay, list, text } from './literal.ts';
import { pageOf } from './page.ts';
import { Replicas } from './replicas.ts';
import { ClickHouseReports } from './reports/index.ts';
import { DUPLICATE_RANK } from './row.ts';
import { ENTRIES, ensureSchema, hasAll } from './schema.ts';

/** How long a deletion may take on the server before it is left to finish by itself. */
const DELETION_DEADLINE_MS = 60_000;
const DELETION_LOOK_MS = 100;

/** Rows in ClickHouse: one server, or replicas of the same table. */
export class ClickHouseWarehouse implements Warehouse {
  readonly reports: ClickHouseReports;
  readonly #replicas: Replicas;
  /** Tables that are there, or being made. */
  readonly #tables = new Map<Server, Promise<void>>();

  /** @param urls one for each replica: `http://user:password@host:8123/database`. Nothing is asked before it must be. */
  constructor(urls: readonly string[]) {
    this.#replicas = new Replicas(urls.map((url) => new Server(url)));
    this.reports = new ClickHouseReports((work) => this.#any(work));
  }

  async insert({ id, rows }: Pick<Batch, 'id' | 'rows'>): Promise<void> {
    await this.#any((server) => server.insert(ENTRIES, rows, id));
  }

  count(
    days: readonly SiteDay[],
    beforeMarking: (changed: readonly SiteDay[]) => Promise<void>,
  ): Promise<Truth[]> {
    return this.#any(async (server) => {
      // Before anything is read: what comes later may be in the count, and touches its day anew.
      if (!(await hasAll(server)))
        throw new StoreUnavailable(`ClickHouse: ${server.name} lacks rows of others`);
      const repeats = await findRepeats(server, days);
      if (repeats.length > 0) {
        await beforeMarking(repeats);
        await mark(server, repeats);
      }
      return countDays(server, days);
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

  page: Warehouse['page'] = (siteId, options) => this.#any((server) => pageOf(server, siteId, options));

  async expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number> {
    const where = `site_id = ${text(siteId)} AND day <= ${day(utcDay(beforeMs))} AND received_at < ${integer(beforeMs)}`;
    return this.#any(async (server) => {
      const [found] = await server.rows(
        `SELECT count() AS n FROM ${ENTRIES} FINAL WHERE ${where} AND kind != 'duplicate'`,
      );
      const rows = Number(found?.n ?? 0);
      if (rows === 0) return 0;
      await server.run(`ALTER TABLE ${ENTRIES} DELETE WHERE ${where}`);
      await deletionsDone(server, signal);
      return rows;
    });
  }

  async holding(siteIds: readonly string[]): Promise<string[]> {
    const rows = await this.#any((server) =>
      server.rows(
        `SELECT site_id FROM ${ENTRIES} FINAL
         WHERE site_id IN ${list(siteIds.map(text))} AND kind != 'duplicate' GROUP BY site_id`,
      ),
    );
    const held = new Set(rows.map((row) => String(row.site_id)));
    return siteIds.filter((siteId) => held.has(siteId));
  }

  /** Of days as they are kept now, by `dayName`; of one without rows, none. */
  checksums(days: readonly SiteDay[]): Promise<ReadonlyMap<string, Checksum>> {
    return this.#any((server) => checksumsOf(server, days));
  }

  async close(): Promise<void> {
    await this.#replicas.close();
  }

  #any<T>(work: (server: Server) => Promise<T>): Promise<T> {
    return this.#replicas.any(async (server) => {
      // On the others, too: a replica that has no table yet gets no rows. One that is away is tried with the next question.
      for (const other of this.#replicas.all) if (other !== server) this.#table(other).catch(() => undefined);
      await this.#table(server);
      return work(server);
    });
  }

  /** Makes the table of a server, once. */
  #table(server: Server): Promise<void> {
    let made = this.#tables.get(server);
    if (made === undefined) {
      made = ensureSchema(server).catch((error: unknown) => {
        this.#tables.delete(server);
        throw error;
      });
      this.#tables.set(server, made);
    }
    return made;
  }
}

/** Puts a mark in the place of the later of two rows of the same event. Again with the same rows: changes nothing. */
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

/** Deletions are done by the server in its own time. */
async function deletionsDone(server: Server, signal: AbortSignal | undefined): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < DELETION_DEADLINE_MS && !signal?.aborted) {
    const [left] = await server.rows(
      `SELECT count() AS n FROM system.mutations WHERE database = ${text(server.database)} AND table = ${text(ENTRIES)} AND is_done = 0`,
    );
    if (Number(left?.n ?? 0) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, DELETION_LOOK_MS));
  }
}
