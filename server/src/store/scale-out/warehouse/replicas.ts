import { StoreUnavailable } from '../../contract/store.ts';
import type { Server } from '../../drivers/clickhouse.ts';

/** The servers do not hold one table that the product can use. An operator must change the servers or the settings. */
export class TableMisconfigured extends StoreUnavailable {
  override readonly name = 'TableMisconfigured';
}

/** A function that runs work on one of several replicas. */
export type OnServer = <T>(work: (server: Server) => Promise<T>) => Promise<T>;

/** The servers that hold the same rows. Each query goes to the one that answered last, or if that fails, to the next. */
export class Replicas {
  readonly #servers: readonly Server[];
  #preferred = 0;

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /**
   * Runs work on one server, and if it fails, on the next. The work must be safe to repeat, since a server that failed may have
   * completed it.
   *
   * @param work is called with a server and its number
   * @throws StoreUnavailable with the error of the last server; TableMisconfigured, and any error that is not StoreUnavailable, at once
   */
  async any<T>(work: (server: Server, no: number) => Promise<T>): Promise<T> {
    let failure: unknown = new StoreUnavailable('ClickHouse: no server is configured');
    const first = this.#preferred;
    for (let i = 0; i < this.#servers.length; i++) {
      const index = (first + i) % this.#servers.length;
      const server = this.#servers[index];
      if (server === undefined) continue;
      try {
        const done = await work(server, index);
        // The preferred replica changes only after an earlier one failed.
        if (i > 0) this.#preferred = index;
        return done;
      } catch (error) {
        if (error instanceof TableMisconfigured || !(error instanceof StoreUnavailable)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  get all(): readonly Server[] {
    return this.#servers;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}
