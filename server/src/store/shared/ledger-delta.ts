import type { LedgerLine } from '../contract/store.ts';

/** Counts to add to the ledger for one site, day, outcome and host. */
export interface LedgerDelta extends LedgerLine {
  siteId: string;
}

/** Additions to the use of a site key. */
export interface KeyUseDelta {
  siteId: string;
  key: string;
  events: number;
  lastSeenAtMs: number;
}

/** Adds a delta to the same key's use in memory. */
export function addKeyUse(uses: Map<string, KeyUseDelta>, delta: KeyUseDelta): void {
  const use = uses.get(delta.key);
  if (use === undefined) {
    uses.set(delta.key, { ...delta });
    return;
  }
  use.events += delta.events;
  use.lastSeenAtMs = Math.max(use.lastSeenAtMs, delta.lastSeenAtMs);
}

/** Adds a delta to the same line of a ledger in memory. */
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
