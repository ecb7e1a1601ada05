import type { LedgerLine } from './store.ts';

/** Counts to add to the ledger: what became of beacons of one site, day, outcome and host. */
export interface LedgerDelta extends LedgerLine {
  siteId: string;
}

/** What to add to the use of a site key. */
export interface KeyUseDelta {
  siteId: string;
  key: string;
  events: number;
  lastSeenAtMs: number;
}

/** Adds to the use of the same key kept in memory. */
export function addKeyUse(uses: Map<string, KeyUseDelta>, delta: KeyUseDelta): void {
  const use = uses.get(delta.key);
  if (use === undefined) {
    uses.set(delta.key, { ...delta });
    return;
  }
  use.events += delta.events;
  use.lastSeenAtMs = Math.max(use.lastSeenAtMs, delta.lastSeenAtMs);
}

/** Adds counts to the same line of a ledger kept in memory. */
export function addToLedger(ledger: Map<string, LedgerDelta>, delta: LedgerDelta): void {
  const key = `${delta.siteId}\n${delta.day}\n${delta.outcome}\n${delta.host}`;
  const line = ledger.get(key);
  if (line === undefined) {
    ledger.set(key, { ...delta });
    return;
  }
  line.count += delta.count;
  line.firstAtMs = Math.min(line.firstAtMs, delta.firstAtMs);
  line.lastAtMs = Math.max(line.lastAtMs, delta.lastAtMs);
}
