import { OTHER_HOST } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { addKeyUse, addToLedger, type KeyUseDelta, type LedgerDelta } from '../../shared/ledger-delta.ts';
import type { StringTable } from '../tables/string-table.ts';
import type { CommitPart } from './commit-part.ts';

/** Maximum hosts per site, day and outcome; further ones are counted under `other`. */
const LEDGER_HOSTS = 100;

/** The tables of the ledger and of the use of site keys. Each line is written at most once per commit. */
export class LedgerTable implements CommitPart {
  readonly #db: Database;
  readonly #strings: StringTable;
  readonly #lines = new Map<string, LedgerDelta>();
  readonly #keyUses = new Map<string, KeyUseDelta>();

  constructor(db: Database, strings: StringTable) {
    this.#db = db;
    this.#strings = strings;
  }

  add(delta: LedgerDelta): void {
    addToLedger(this.#lines, delta);
  }

  addKeyUse(delta: KeyUseDelta): void {
    addKeyUse(this.#keyUses, delta);
  }

  flush(): void {
    for (const line of this.#lines.values()) this.#writeLine(line);
    for (const use of this.#keyUses.values()) this.#writeKeyUse(use);
    this.#clear();
  }

  rolledBack(): void {
    this.#clear();
  }

  #clear(): void {
    this.#lines.clear();
    this.#keyUses.clear();
  }

  #writeLine({ siteId, day, outcome, host, count, firstAtMs, lastAtMs }: LedgerDelta): void {
    const site = this.#strings.site(siteId);
    const outcomeId = this.#strings.text(outcome);
    // A new host gets an id only if there is room for it, since anyone can make up the hosts of refused beacons.
    const hostId = this.#strings.find(host);
    const { changes } = prepared(
      this.#db,
      `UPDATE ledger SET count = count + ?, first_at = min(first_at, ?), last_at = max(last_at, ?)
       WHERE site = ? AND day = ? AND outcome = ? AND host = ?`,
    ).run(count, firstAtMs, lastAtMs, site, day, outcomeId, hostId);
    if (changes === 1) return;
    const { hosts } = prepared(
      this.#db,
      'SELECT count(*) AS hosts FROM ledger WHERE site = ? AND day = ? AND outcome = ?',
    ).get(site, day, outcomeId) as { hosts: number };
    prepared(
      this.#db,
      `INSERT INTO ledger (site, day, outcome, host, count, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (site, day, outcome, host) DO UPDATE SET count = count + excluded.count,
         first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`,
    ).run(
      site,
      day,
      outcomeId,
      this.#strings.text(hosts < LEDGER_HOSTS ? host : OTHER_HOST),
      count,
      firstAtMs,
      lastAtMs,
    );
  }

  #writeKeyUse({ siteId, key, events, lastSeenAtMs }: KeyUseDelta): void {
    prepared(
      this.#db,
      `INSERT INTO key_use (site, key, events, last_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, key) DO UPDATE SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)`,
    ).run(this.#strings.site(siteId), key, events, lastSeenAtMs);
  }
}
