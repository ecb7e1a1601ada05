import { StoreUnavailable } from '../../contract/store.ts';
import type { Server } from '../../drivers/clickhouse.ts';
import { TableMisconfigured } from './replicas.ts';
import { ENTRIES, ensureSchema, type FoundTable, findTable, replicaState } from './schema.ts';

const ENGINE = 'ReplacingMergeTree';
const REPLICATED_ENGINE = `Replicated${ENGINE}`;
/** ClickHouse Cloud replaces `ReplicatedReplacingMergeTree` by this engine, behind a single address. */
const ENGINES_OF_ONE_ADDRESS = new Set([ENGINE, REPLICATED_ENGINE, `Shared${ENGINE}`]);

/**
 * Creates the table on each server, and checks that all servers hold replicas of the same table. Otherwise each would have only
 * some of the rows, and reconciliation would lower the counts to those of one server.
 *
 * The last answer of a server is kept while it is down, so that it is still compared with the others.
 */
export class SharedTable {
  readonly #servers: readonly Server[];
  /** The creation of the table by server, pending or complete. */
  readonly #made = new Map<Server, Promise<void>>();
  readonly #found = new Map<Server, FoundTable>();

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /** Why no server may be used until an operator changes the servers or the settings; null if no reason is known. */
  get misconfiguration(): string | null {
    const found = this.#servers.flatMap((server) => {
      const table = this.#found.get(server);
      return table === undefined ? [] : [{ name: server.name, ...table }];
    });
    return (
      wrongEngine(found, this.#servers.length) ?? (this.#servers.length > 1 ? differingReplicas(found) : null)
    );
  }

  /** Prepares the table on a server, given its number. @throws TableMisconfigured, StoreUnavailable */
  async ensure(no: number): Promise<void> {
    const server = this.#servers[no];
    if (server === undefined) throw new RangeError(`there is no server ${no}`);
    if (!this.#found.has(server)) {
      // A replica without the table gets no rows, so the others need it too. The next call retries unreachable ones.
      for (const other of this.#servers)
        if (other !== server && !this.#found.has(other)) this.#look(other).catch(() => undefined);
      await this.#look(server);
    }
    this.#throwIfMisconfigured();
  }

  /** Looks at all servers again. Those that fail are left to the work that needs them. @throws TableMisconfigured */
  async check(): Promise<void> {
    await Promise.allSettled(this.#servers.map((server) => this.#look(server)));
    this.#throwIfMisconfigured();
  }

  /**
   * Checks that the table on a server has at least as many replicas as there are addresses. Only the keeper knows that, and it
   * reveals servers that have the same macros but do not share a keeper.
   *
   * @returns whether the server has every row that any replica acknowledged
   */
  async hasAll(server: Server): Promise<boolean> {
    const count = this.#servers.length;
    const state = await replicaState(server);
    if (state === null && count === 1) return true;
    if (state === null)
      throw new TableMisconfigured(`ClickHouse: ${ENTRIES} on ${server.name} is not replicated`);
    if (state.replicas === 0)
      throw new StoreUnavailable(`ClickHouse: ${server.name} has no connection to its keeper`);
    if (state.replicas < count)
      throw new StoreUnavailable(
        `ClickHouse: CLICKHOUSE_URL names ${count} servers, but ${ENTRIES} on ${server.name} has ${state.replicas} replicas`,
      );
    return state.hasAll;
  }

  #throwIfMisconfigured(): void {
    const { misconfiguration } = this;
    if (misconfiguration !== null) throw new TableMisconfigured(`ClickHouse: ${misconfiguration}`);
  }

  async #look(server: Server): Promise<void> {
    await this.#make(server);
    const found = await findTable(server);
    // If somebody dropped the table, the next look creates it again.
    if (found.engine === null) this.#made.delete(server);
    this.#found.set(server, found);
  }

  /** Creates the table on a server, once. */
  #make(server: Server): Promise<void> {
    let made = this.#made.get(server);
    if (made === undefined) {
      made = ensureSchema(server).catch((error: unknown) => {
        this.#made.delete(server);
        throw error;
      });
      this.#made.set(server, made);
    }
    return made;
  }
}

type NamedTable = FoundTable & { name: string };

function wrongEngine(found: readonly NamedTable[], addresses: number): string | null {
  for (const { name, engine } of found) {
    if (engine === null) return `${name} has no table ${ENTRIES} any more`;
    if (addresses > 1 && engine !== REPLICATED_ENGINE)
      return `CLICKHOUSE_URL names ${addresses} servers, so ${ENTRIES} must be a ${REPLICATED_ENGINE} on each; on ${name} it is a ${engine}. Set the macros shard and replica before the table is created, or name one server`;
    if (!ENGINES_OF_ONE_ADDRESS.has(engine))
      return `${ENTRIES} on ${name} is a ${engine}; AttractOS needs a ${ENGINE} and does not work with tables distributed over shards`;
  }
  return null;
}

/** Finds servers whose tables are not replicas of each other. */
function differingReplicas(found: readonly NamedTable[]): string | null {
  const [first, ...others] = found.flatMap(({ name, replica }) =>
    replica === null ? [] : [{ name, replica }],
  );
  if (first === undefined) return null;
  const names = new Map([[first.replica.name, first.name]]);
  for (const { name, replica } of others) {
    if (replica.path !== first.replica.path)
      return `${ENTRIES} on ${first.name} (${first.replica.path}) and on ${name} (${replica.path}) are not replicas of one table. The macro shard must be the same on all servers of CLICKHOUSE_URL`;
    const sameName = names.get(replica.name);
    if (sameName !== undefined)
      return `${sameName} and ${name} have the same replica "${replica.name}" of ${ENTRIES}. Each address of CLICKHOUSE_URL must be a replica of its own, with a macro replica of its own`;
    names.set(replica.name, name);
  }
  return null;
}
