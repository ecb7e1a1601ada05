import { StoreUnavailable } from '../store.ts';
import type { Server } from './driver.ts';

/** The servers that hold the same rows. Each question goes to the one that answered last, else to the next. */
export class Replicas {
  readonly #servers: readonly Server[];
  #preferred = 0;

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /**
   * Does something with one server, and with the next where that one fails. What is done must be harmless to repeat: a server
   * that failed may have done it.
   *
   * @throws StoreUnavailable as the last one failed
   */
  async any<T>(work: (server: Server) => Promise<T>): Promise<T> {
    let failure: unknown = new StoreUnavailable('ClickHouse: no server is named');
    const first = this.#preferred;
    for (let i = 0; i < this.#servers.length; i++) {
      const index = (first + i) % this.#servers.length;
      const server = this.#servers[index];
      if (server === undefined) continue;
      try {
        const done = await work(server);
        // Whoever found the first one well has nothing to say to those who did not.
        if (i > 0) this.#preferred = index;
        return done;
      } catch (error) {
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
