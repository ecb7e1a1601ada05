import type { KeyUseDelta, LedgerDelta } from '../ledger-delta.ts';
import { OTHER_HOST } from '../store.ts';
import type { Dictionary } from './dictionary.ts';
import { type Database, prepared } from './driver.ts';

/** Different hosts kept per site, day and outcome; what comes after is counted under `other`. */
const LEDGER_HOSTS = 100;

/** Writes what became of beacons, and what each site key brought. */
export class LedgerBook {
  readonly #db: Database;
  readonly #dictionary: Dictionary;

  constructor(db: Database, dictionary: Dictionary) {
    this.#db = db;
    this.#dictionary = dictionary;
  }

  enter({ siteId, day, outcome, host, count, firstAtMs, lastAtMs }: LedgerDelta): void {
    const site = this.#dictionary.site(siteId);
    const outcomeId = this.#dictionary.text(outcome);
    // A host that was never kept gets no number before there is room for it: hosts of refused beacons are anybody's.
    const hostId = this.#dictionary.find(host);
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
      this.#dictionary.text(hosts < LEDGER_HOSTS ? host : OTHER_HOST),
      count,
      firstAtMs,
      lastAtMs,
    );
  }

  seeKey({ siteId, key, events, lastSeenAtMs }: KeyUseDelta): void {
    prepared(
      this.#db,
      `INSERT INTO key_use (site, key, events, last_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (site, key) DO UPDATE SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)`,
    ).run(this.#dictionary.site(siteId), key, events, lastSeenAtMs);
  }
}
