import { hash, randomUUID } from 'node:crypto';
import { type Clock, SECOND_MS } from '../clock.ts';
import { type Group, GroupCommit } from './group-commit.ts';
import { Settler } from './settler.ts';
import { Shipper } from './shipper.ts';
import type { Books, Spool, SpoolEntry, Warehouse } from './shipping.ts';
import type { AppendOutcome, Audit, EngineStats, Entry, Events, Health, Reports } from './store.ts';

/** Makes the row of an entry, in the warehouse's format, without a line feed. */
export type ToRow = (entry: Entry, made: { eventId: string; ordinal: number }) => string;

/**
 * The events half of the scale-out shape: acknowledged when they are in the spool on this machine's disk, kept in the
 * warehouse, counted in the books. See `shipping.ts` for why nothing is lost or counted twice. Counts and rows follow an
 * acknowledgement by the ship lag.
 */
export class ShippedEvents implements Events {
  readonly reports: Reports;
  readonly #spool: Spool;
  readonly #warehouse: Warehouse;
  readonly #books: Books;
  readonly #toRow: ToRow;
  readonly #clock: Clock;
  readonly #onClosed: () => Promise<void>;
  readonly #group = new GroupCommit((group) => this.#commit(group));
  readonly #shipper: Shipper;
  readonly #settler: Settler;
  #ordinal: number;
  #closing: Promise<void> | null = null;

  constructor({
    spool,
    warehouse,
    books,
    toRow,
    clock,
    onClosed,
  }: {
    spool: Spool;
    warehouse: Warehouse;
    books: Books;
    toRow: ToRow;
    clock: Clock;
    /** Called last. */
    onClosed: () => Promise<void>;
  }) {
    this.#clock = clock;
    this.#onClosed = onClosed;
    this.#spool = spool;
    this.#warehouse = warehouse;
    this.#books = books;
    this.#toRow = toRow;
    this.reports = warehouse.reports;
    this.#ordinal = spool.firstOrdinal;
    this.#shipper = new Shipper({ spool, warehouse, books });
    this.#settler = new Settler({ warehouse, books });
    this.#shipper.start();
    this.#settler.start();
  }

  append: Events['append'] = (entry) => this.#group.append(entry);
  onCommitted: Events['onCommitted'] = (listener) => this.#group.onCommitted(listener);
  refuse: Events['refuse'] = (refusal) => this.#group.refuse(refusal);
  /** Committed means in the spool; what waits there is shipped in its own time. */
  flush: Events['flush'] = () => this.#group.flush();
  fill: Events['fill'] = () => this.#group.fill();

  countBySite: Events['countBySite'] = (siteIds, range) => this.#books.countBySite(siteIds, range);
  ledger: Events['ledger'] = (siteId, range) => this.#books.ledger(siteId, range);
  keyUse: Events['keyUse'] = (siteId) => this.#books.keyUse(siteId);
  page: Events['page'] = (siteId, options) => this.#warehouse.page(siteId, options);

  /** Whether the spool takes entries. That the databases are away is said, and is no reason to turn visitors away. */
  async health(): Promise<Health> {
    if (this.#closing !== null) return { ok: false, reason: 'the store is closing' };
    const lastError = this.#shipper.lastError ?? this.#settler.lastError;
    if (this.#spool.fill() >= 1) {
      const { entries, bytes } = this.#spool.stats();
      const why = lastError === null ? '' : `, which are away: ${lastError}`;
      return {
        ok: false,
        reason: `the spool is full: ${entries} entries, ${bytes} bytes wait for the databases${why}`,
      };
    }
    if (this.#group.lastFailure !== null) {
      try {
        await this.#spool.probe();
        this.#group.recovered();
      } catch (error) {
        return { ok: false, reason: error instanceof Error ? error.message : String(error) };
      }
    }
    return lastError === null ? { ok: true } : { ok: true, note: `the databases are away: ${lastError}` };
  }

  async expire(siteId: string, beforeMs: number, signal?: AbortSignal): Promise<number> {
    // From here on nothing is counted anew of these days.
    await this.#books.expire(siteId, beforeMs);
    return this.#warehouse.expire(siteId, beforeMs, signal);
  }

  remove(siteId: string, signal?: AbortSignal): Promise<number> {
    return this.expire(siteId, Number.MAX_SAFE_INTEGER, signal);
  }

  async holding(siteIds: readonly string[]): Promise<string[]> {
    return siteIds.length === 0 ? [] : this.#warehouse.holding(siteIds);
  }

  async audit(): Promise<Audit> {
    const { rows } = await this.#warehouse.countAll();
    return { ...(await this.#books.audit(rows)), rollups: [], integrity: [] };
  }

  stats(): EngineStats {
    const { entries, oldestAtMs } = this.#spool.stats();
    const lagMs = oldestAtMs === null ? 0 : Math.max(0, this.#clock.now() - oldestAtMs);
    return {
      ...this.#group.stats(),
      spool: { fill: this.#spool.fill(), entries, lagSeconds: lagMs / SECOND_MS },
    };
  }

  /** Settles once everything acknowledged so far is in the databases, and every count is the truth. */
  async caughtUp(): Promise<void> {
    await this.flush();
    await this.#shipper.drained();
    await this.#settler.settled();
  }

  /** Commits what waits to the spool, where it stays until the next start, and lets go of everything. */
  close(): Promise<void> {
    this.#closing ??= this.#letGo();
    return this.#closing;
  }

  async #letGo(): Promise<void> {
    await this.#group.close();
    const stopped = Promise.all([this.#shipper.stop(), this.#settler.stop()]);
    // Cuts what is under way: the batch is sent again after the next start.
    await this.#warehouse.close();
    await stopped;
    await this.#spool.close();
    await this.#onClosed();
  }

  #commit({ entries, refusals, refusedKeys }: Group): Promise<readonly AppendOutcome[]> {
    return this.#spool.commit({
      entries: entries.map((entry) => this.#toSpoolEntry(entry)),
      refusals,
      refusedKeys,
    });
  }

  #toSpoolEntry(entry: Entry): SpoolEntry {
    const { siteId, siteKey, host, receivedAtMs } = entry;
    const id = entry.id ?? null;
    const key = id === null ? null : keyOf(siteId, id);
    const eventId = key === null ? randomUUID() : uuidOf(key);
    const row = this.#toRow(entry, { eventId, ordinal: this.#ordinal++ });
    return { key, siteId, siteKey, host, receivedAtMs, outcome: COUNTED_AS[entry.kind], row };
  }
}

const COUNTED_AS = { event: 'stored', bot: 'bot', leave: null } as const;

/** 128 bits: among 10^12 events two collide with a chance of 10^-15. */
const KEY_BYTES = 16;

/** UTF-16, so that ids with unpaired surrogates stay different from each other. */
function keyOf(siteId: string, id: string): Buffer {
  return hash('sha256', Buffer.from(`${siteId}\n${id}`, 'utf16le'), 'buffer').subarray(0, KEY_BYTES);
}

function uuidOf(key: Buffer): string {
  return key.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
