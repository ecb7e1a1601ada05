import { hash, randomUUID } from 'node:crypto';
import { type Clock, DAY_MS, SECOND_MS, utcDay } from '../../domain/clock.ts';
import { type Outage, STORING_EVENTS } from '../../domain/outage.ts';
import type {
  AppendOutcome,
  Audit,
  EngineStats,
  Entry,
  Events,
  Health,
  Reports,
  SiteLimit,
  TextLimits,
} from '../contract/store.ts';
import type { FreeDisk } from '../shared/free-disk.ts';
import { type Group, GroupCommit } from '../shared/group-commit.ts';
import { Loop } from '../shared/loop.ts';
import { TextBudgets } from '../shared/text-budget.ts';
import { audit } from './audit.ts';
import { Reconciler } from './reconciler.ts';
import { Shipper } from './shipper.ts';
import type { Counts, Spool, SpoolEntry, Warehouse } from './shipping.ts';

/** The interval between checks of the warehouse's servers. */
const CHECK_MS = 10 * SECOND_MS;

/** Makes the row of an entry in the warehouse's format, without a line feed. */
export type ToRow = (entry: Entry, made: { eventId: string; ordinal: number }) => string;

/**
 * The events half of a scale-out setup. Events are acknowledged once they are in the spool on the local disk, stored in the
 * warehouse, and counted in PostgreSQL. Rows and counts follow an acknowledgment by the shipping lag. `shipping.ts` explains
 * why nothing is lost or counted twice.
 */
export class ShippedEvents implements Events {
  readonly reports: Reports;
  readonly #spool: Spool;
  readonly #warehouse: Warehouse;
  readonly #counts: Counts;
  readonly #toRow: ToRow;
  readonly #clock: Clock;
  readonly #onClosed: () => Promise<void>;
  readonly #group: GroupCommit;
  readonly #shipper: Shipper;
  readonly #reconciler: Reconciler;
  readonly #checks: Loop;
  readonly #onOutage: ((outage: Outage) => void)[] = [];
  #ordinal: number;
  #closing: Promise<void> | null = null;

  constructor({
    spool,
    warehouse,
    counts,
    toRow,
    clock,
    textLimits,
    disk,
    onClosed,
  }: {
    spool: Spool;
    warehouse: Warehouse;
    counts: Counts;
    toRow: ToRow;
    clock: Clock;
    textLimits: TextLimits;
    /** The disk of the spool. */
    disk: FreeDisk;
    /** Called at the end of `close`. */
    onClosed: () => Promise<void>;
  }) {
    this.#clock = clock;
    this.#onClosed = onClosed;
    this.#spool = spool;
    this.#group = new GroupCommit((group) => this.#commit(group), {
      texts: new TextBudgets(textLimits, spool.textUse),
      disk,
    });
    this.#warehouse = warehouse;
    this.#counts = counts;
    this.#toRow = toRow;
    this.reports = warehouse.reports;
    this.#ordinal = spool.firstOrdinal;
    this.#shipper = new Shipper({
      spool,
      warehouse,
      counts,
      onOutage: (error) => this.#report({ work: 'shipping', error }),
    });
    this.#reconciler = new Reconciler({ warehouse, counts, onOutage: (outage) => this.#report(outage) });
    this.#checks = new Loop({
      work: () => warehouse.check().then(() => false),
      idleMs: CHECK_MS,
      onOutage: (error) => this.#report({ work: 'checking the warehouse', error }),
    });
    this.#shipper.start();
    this.#reconciler.start();
    this.#checks.start();
  }

  append: Events['append'] = (entry) => this.#group.append(entry);
  onEntry: Events['onEntry'] = (listener) => this.#group.onEntry(listener);
  onCommit: Events['onCommit'] = (listener) => this.#group.onCommit(listener);
  onOutage(listener: (outage: Outage) => void): void {
    this.#onOutage.push(listener);
    this.#group.onOutage((error) => listener({ work: STORING_EVENTS, error }));
    for (const [work, error] of [
      ['shipping', this.#shipper.lastError],
      ['checking the warehouse', this.#checks.lastError],
    ] as const)
      if (error !== null) listener({ work, error });
    for (const outage of this.#reconciler.outages) listener(outage);
  }

  refuse: Events['refuse'] = (refusal) => this.#group.refuse(refusal);
  refusedInOutage: Events['refusedInOutage'] = (siteId) => this.#group.refusedInOutage(siteId);
  /** Settles once all refusals reported so far are in the spool. They are shipped later. */
  flush: Events['flush'] = () => this.#group.flush();
  fill: Events['fill'] = () => this.#group.fill();

  countBySite: Events['countBySite'] = (siteIds, range) => this.#counts.countBySite(siteIds, range);
  ledger: Events['ledger'] = (siteId, range) => this.#counts.ledger(siteId, range);
  keyUse: Events['keyUse'] = (siteId) => this.#counts.keyUse(siteId);
  page: Events['page'] = (siteId, options) => this.#warehouse.page(siteId, options);

  /**
   * Reports whether the spool accepts entries, and whether the warehouse is misconfigured. Unreachable databases are noted, but
   * do not make the engine unhealthy.
   */
  async health(): Promise<Health> {
    if (this.#closing !== null) return { ok: false, reason: 'the store is closing' };
    const { misconfiguration } = this.#warehouse;
    if (misconfiguration !== null) return { ok: false, reason: misconfiguration };
    const lastError = this.#shipper.lastError ?? this.#reconciler.lastError;
    if (this.#spool.fill() >= 1) {
      const { entries, bytes } = this.#spool.stats();
      const why = lastError === null ? '' : `, which are unavailable: ${lastError}`;
      return {
        ok: false,
        reason: `the spool is full: ${entries} entries, ${bytes} bytes wait for the databases${why}`,
      };
    }
    const { complaint } = this.#group;
    if (complaint !== null) return { ok: false, reason: complaint };
    if (lastError !== null) return { ok: true, note: `the databases are unavailable: ${lastError}` };
    const failing = this.#reconciler.outages.map(({ work, error }) => `${work} is failing: ${error}`);
    return failing.length === 0 ? { ok: true } : { ok: true, note: failing.join('; ') };
  }

  /** Deletes whole UTC days, because a deletion rewrites large files, however few rows it deletes. */
  async expire(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number> {
    return this.#delete(
      limits.map(({ siteId, beforeMs }) => ({ siteId, beforeMs: utcDay(beforeMs) * DAY_MS })),
      signal,
    );
  }

  remove(siteId: string, signal?: AbortSignal): Promise<number> {
    return this.#delete([everythingOf(siteId)], signal);
  }

  async holding(siteIds: readonly string[]): Promise<string[]> {
    if (siteIds.length === 0) return [];
    const held = await this.#warehouse.overdue(siteIds.map(everythingOf));
    return held.map(({ siteId }) => siteId);
  }

  async audit(): Promise<Audit> {
    return (await audit(this.#warehouse, this.#counts)).audit;
  }

  stats(): EngineStats {
    const { entries, oldestAtMs } = this.#spool.stats();
    const lagMs = oldestAtMs === null ? 0 : Math.max(0, this.#clock.now() - oldestAtMs);
    return {
      ...this.#group.stats(),
      spool: { fill: this.#spool.fill(), entries, lagSeconds: lagMs / SECOND_MS },
    };
  }

  /** Settles once everything acknowledged so far is in the databases and all counts are reconciled. */
  async caughtUp(): Promise<void> {
    await this.flush();
    await this.#shipper.drained();
    await this.#reconciler.settled();
  }

  /** Commits waiting entries to the spool, where they stay until the next start, and closes everything. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #report(outage: Outage): void {
    for (const listener of this.#onOutage) listener(outage);
  }

  async #delete(limits: readonly SiteLimit[], signal?: AbortSignal): Promise<number> {
    if (limits.length === 0) return 0;
    const due = await this.#warehouse.overdue(limits);
    if (due.length === 0) return 0;
    // From now on, days before these limits are not reconciled.
    await this.#counts.expire(due);
    return this.#warehouse.expire(due, signal);
  }

  async #release(): Promise<void> {
    await this.#group.close();
    const stopped = Promise.all([this.#shipper.stop(), this.#reconciler.stop(), this.#checks.stop()]);
    // This aborts the request under way, so its batch is sent again after the next start.
    await this.#warehouse.close();
    await stopped;
    await this.#spool.close();
    await this.#onClosed();
  }

  #commit({ entries, ...rest }: Group): Promise<readonly AppendOutcome[]> {
    return this.#spool.commit({
      entries: entries.map((entry) => this.#toSpoolEntry(entry)),
      ...rest,
    });
  }

  #toSpoolEntry(entry: Entry): SpoolEntry {
    const { siteId, siteKey, host, receivedAtMs } = entry;
    const id = entry.id ?? null;
    const key = id === null ? null : keyOf(siteId, id);
    const eventId = key === null ? randomUUID() : uuidOf(key);
    const row = this.#toRow(entry, { eventId, ordinal: this.#ordinal++ });
    const isShortened = entry.kind === 'event' && entry.isShortened === true;
    return { key, siteId, siteKey, host, receivedAtMs, outcome: COUNTED_AS[entry.kind], isShortened, row };
  }
}

function everythingOf(siteId: string): SiteLimit {
  return { siteId, beforeMs: Number.MAX_SAFE_INTEGER };
}

const COUNTED_AS = { event: 'stored', bot: 'bot', leave: null } as const;

/** Bytes of a key. With 128 bits, the probability that any two of 10^12 events collide is 10^-15. */
const KEY_BYTES = 16;

/** Hashes a site and an id in UTF-16, so that ids with unpaired surrogates stay distinct. */
function keyOf(siteId: string, id: string): Buffer {
  return hash('sha256', Buffer.from(`${siteId}\n${id}`, 'utf16le'), 'buffer').subarray(0, KEY_BYTES);
}

function uuidOf(key: Buffer): string {
  return key.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
