import { hash, randomUUID } from 'node:crypto';
import { utcDay } from '../../../domain/clock.ts';
import { SHORTENED } from '../../../domain/outcomes.ts';
import type { AppendOutcome } from '../../contract/store.ts';
import { type Database, openDatabase, prepared, transaction } from '../../drivers/sqlite.ts';
import { migrate } from '../../drivers/sqlite-migrate.ts';
import { TextUseTable } from '../../drivers/sqlite-text-use.ts';
import { addToLedger, type LedgerDelta } from '../../shared/ledger-delta.ts';
import type { TextUse } from '../../shared/text-budget.ts';
import {
  ALL_DAY,
  type Batch,
  type ChangedDay,
  type ClaimedCounts,
  type SpoolEntry,
  type SpoolGroup,
  type SpoolStats,
} from '../shipping.ts';
import { SPOOL_MIGRATIONS } from './schema.ts';
import { SeenKeys } from './seen-keys.ts';

/** Maximum entries of a batch, which is inserted as one block. */
const BATCH_ENTRIES = 20_000;
const BATCH_BYTES = 16 * 1024 * 1024;
/** Characters of the digest in a batch's id. */
const DIGEST_CHARS = 16;

type KeyClaim = ClaimedCounts['keys'][number];

/** The claimed counts as stored. Older versions did not store when the rows were received. */
type StoredClaims = Omit<ClaimedCounts, 'days'> & Partial<Pick<ClaimedCounts, 'days'>>;

/** The spool's file, which only one thread of one process uses. */
export class SpoolFile {
  readonly #db: Database;
  readonly #collector: string;
  readonly #seen: SeenKeys;
  readonly #textUse: TextUseTable;
  #stats: SpoolStats;

  constructor(path: string) {
    this.#db = openDatabase(path);
    migrate(this.#db, path, SPOOL_MIGRATIONS);
    prepared(this.#db, 'INSERT OR IGNORE INTO spool (one, collector) VALUES (1, ?)').run(randomUUID());
    this.#collector = String(prepared(this.#db, 'SELECT collector FROM spool').get()?.collector);
    this.#seen = new SeenKeys(this.#db);
    this.#textUse = new TextUseTable(this.#db);
    this.#stats = this.#readStats();
  }

  close(): void {
    this.#db.close();
  }

  stats(): SpoolStats {
    return this.#stats;
  }

  /** Returns the stored use of text by sites. */
  textUse(): TextUse[] {
    return this.#textUse.read();
  }

  nextOrdinal(): number {
    return Number(prepared(this.#db, 'SELECT next FROM ordinals').get()?.next);
  }

  /** Stores a group in one transaction. @param nextOrdinal a number greater than all ordinals used so far */
  commit(group: SpoolGroup, nextOrdinal: number): AppendOutcome[] {
    return this.#transaction(() => {
      const ledger = new Map<string, LedgerDelta>();
      const keys = new Map<string, KeyClaim>();
      const days = new Map<string, ChangedDay>();
      const rows: string[] = [];
      const outcomes = group.entries.map((entry) => {
        const outcome = this.#isNew(entry) ? 'stored' : 'duplicate';
        if (outcome === 'stored') rows.push(entry.row, '\n');
        claim(entry, outcome, { ledger, keys, days });
        return outcome;
      });
      this.#textUse.write(group.textUse);
      for (const delta of group.refusals) addToLedger(ledger, delta);
      for (const use of group.refusedKeys) addKeyClaim(keys, { ...use, day: utcDay(use.lastSeenAtMs) });
      this.#keep(rows, claimsOf({ ledger, keys, days }), group);
      prepared(this.#db, 'UPDATE ordinals SET next = ?').run(nextOrdinal);
      const newest = group.entries.at(-1);
      if (newest !== undefined) this.#seen.forgetOld(utcDay(newest.receivedAtMs));
      return outcomes;
    });
  }

  /** Returns the batch that was sealed but not released, or a new one; null if no entries wait. */
  nextBatch(): Batch | null {
    const select = prepared(
      this.#db,
      'SELECT no, id, first_chunk AS first, last_chunk AS last FROM batches ORDER BY no LIMIT 1',
    );
    let sealed = select.get();
    if (sealed === undefined) {
      if (!this.#seal()) return null;
      sealed = select.get();
    }
    const chunks = this.#chunks(Number(sealed?.first), Number(sealed?.last));
    return { no: Number(sealed?.no), id: String(sealed?.id), ...contentOf(chunks) };
  }

  release(no: number): void {
    this.#transaction(() => {
      prepared(
        this.#db,
        `DELETE FROM chunks WHERE no BETWEEN (SELECT first_chunk FROM batches WHERE no = :no)
           AND (SELECT last_chunk FROM batches WHERE no = :no)`,
      ).run({ no });
      prepared(this.#db, 'DELETE FROM batches WHERE no = ?').run(no);
    });
    this.#stats = this.#readStats();
  }

  #isNew({ key, receivedAtMs }: SpoolEntry): boolean {
    return key === null || this.#seen.add(key, utcDay(receivedAtMs));
  }

  #keep(rows: readonly string[], claims: ClaimedCounts, group: SpoolGroup): void {
    if (rows.length === 0 && claims.ledger.length === 0 && claims.keys.length === 0) return;
    const text = rows.join('');
    const claimed = JSON.stringify(claims);
    const bytes = Buffer.byteLength(text) + Buffer.byteLength(claimed);
    const firstAtMs = group.entries[0]?.receivedAtMs ?? claims.ledger[0]?.firstAtMs ?? 0;
    prepared(
      this.#db,
      'INSERT INTO chunks (entries, bytes, first_at, rows, claims) VALUES (?, ?, ?, ?, ?)',
    ).run(rows.length / 2, bytes, firstAtMs, text, claimed);
    this.#stats = {
      entries: this.#stats.entries + rows.length / 2,
      bytes: this.#stats.bytes + bytes,
      oldestAtMs: this.#stats.oldestAtMs ?? firstAtMs,
    };
  }

  /** Fixes the content of the next batch. The id includes a digest of it, so that a restored spool creates different ids. */
  #seal(): boolean {
    return this.#transaction(() => {
      const waiting = prepared(this.#db, 'SELECT no, entries, bytes FROM chunks ORDER BY no LIMIT ?').all(
        BATCH_ENTRIES,
      );
      const [first] = waiting;
      if (first === undefined) return false;
      let [entries, bytes, last] = [0, 0, Number(first.no)];
      for (const chunk of waiting) {
        entries += Number(chunk.entries);
        bytes += Number(chunk.bytes);
        if (last !== Number(first.no) && (entries > BATCH_ENTRIES || bytes > BATCH_BYTES)) break;
        last = Number(chunk.no);
      }
      const { no } =
        prepared(this.#db, 'SELECT coalesce(max(seq), 0) + 1 AS no FROM sqlite_sequence WHERE name = ?').get(
          'batches',
        ) ?? {};
      const digest = hash(
        'sha256',
        this.#chunks(Number(first.no), last)
          .map(({ rows, claims }) => rows + claims)
          .join('\n'),
      ).slice(0, DIGEST_CHARS);
      prepared(this.#db, 'INSERT INTO batches (id, first_chunk, last_chunk) VALUES (?, ?, ?)').run(
        `${this.#collector}.${no}.${digest}`,
        Number(first.no),
        last,
      );
      return true;
    });
  }

  #chunks(first: number, last: number): { entries: number; rows: string; claims: string }[] {
    return prepared(this.#db, 'SELECT entries, rows, claims FROM chunks WHERE no BETWEEN ? AND ? ORDER BY no')
      .all(first, last)
      .map(({ entries, rows, claims }) => ({
        entries: Number(entries),
        rows: String(rows),
        claims: String(claims),
      }));
  }

  #readStats(): SpoolStats {
    const row = prepared(
      this.#db,
      'SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(bytes), 0) AS bytes, min(first_at) AS oldest FROM chunks',
    ).get();
    return {
      entries: Number(row?.entries),
      bytes: Number(row?.bytes),
      oldestAtMs: row?.oldest === null ? null : Number(row?.oldest),
    };
  }

  #transaction<T>(work: () => T): T {
    const before = this.#stats;
    try {
      return transaction(this.#db, work);
    } catch (error) {
      this.#stats = before;
      this.#seen.reread();
      throw error;
    }
  }
}

/** The claimed counts of several entries, as they are added up. */
interface Claims {
  ledger: Map<string, LedgerDelta>;
  keys: Map<string, KeyClaim>;
  days: Map<string, ChangedDay>;
}

function claimsOf({ ledger, keys, days }: Claims): ClaimedCounts {
  return { ledger: [...ledger.values()], keys: [...keys.values()], days: [...days.values()] };
}

function claim(
  { siteId, siteKey, host, receivedAtMs, outcome: countedAs, isShortened }: SpoolEntry,
  outcome: AppendOutcome,
  { ledger, keys, days }: Claims,
): void {
  const day = utcDay(receivedAtMs);
  if (outcome === 'stored')
    addChangedDay(days, { siteId, day, firstAtMs: receivedAtMs, lastAtMs: receivedAtMs });
  if (countedAs !== null) {
    const line = { siteId, day, host, count: 1, firstAtMs: receivedAtMs, lastAtMs: receivedAtMs };
    addToLedger(ledger, { ...line, outcome: outcome === 'stored' ? countedAs : 'duplicate' });
    if (isShortened && outcome === 'stored') addToLedger(ledger, { ...line, outcome: SHORTENED });
  }
  if (siteKey === null) return;
  const events = countedAs === 'stored' && outcome === 'stored' ? 1 : 0;
  addKeyClaim(keys, { siteId, key: siteKey, day, events, lastSeenAtMs: receivedAtMs });
}

function addKeyClaim(keys: Map<string, KeyClaim>, use: KeyClaim): void {
  const name = `${use.day}\n${use.siteId}\n${use.key}`;
  const known = keys.get(name);
  if (known === undefined) {
    keys.set(name, { ...use });
    return;
  }
  known.events += use.events;
  known.lastSeenAtMs = Math.max(known.lastSeenAtMs, use.lastSeenAtMs);
}

function addChangedDay(days: Map<string, ChangedDay>, changed: ChangedDay): void {
  const name = `${changed.day}\n${changed.siteId}`;
  const known = days.get(name);
  if (known === undefined) {
    days.set(name, { ...changed });
    return;
  }
  known.firstAtMs = Math.min(known.firstAtMs, changed.firstAtMs);
  known.lastAtMs = Math.max(known.lastAtMs, changed.lastAtMs);
}

function contentOf(chunks: readonly { entries: number; rows: string; claims: string }[]) {
  const ledger = new Map<string, LedgerDelta>();
  const keys = new Map<string, KeyClaim>();
  const days = new Map<string, ChangedDay>();
  for (const chunk of chunks) {
    const claims = JSON.parse(chunk.claims) as StoredClaims; // as written by `#keep`
    for (const delta of claims.ledger) addToLedger(ledger, delta);
    for (const use of claims.keys) addKeyClaim(keys, use);
    for (const changed of claims.days ??
      claims.ledger.map(({ siteId, day }) => ({ siteId, day, ...ALL_DAY })))
      addChangedDay(days, changed);
  }
  return {
    rows: chunks.map(({ rows }) => rows).join(''),
    entries: chunks.reduce((sum, { entries }) => sum + entries, 0),
    claimed: claimsOf({ ledger, keys, days }),
  };
}
