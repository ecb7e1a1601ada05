import type { RefusalReason } from '../../domain/outcomes.ts';
import type { LedgerLine, Refusal } from '../contract/store.ts';

/**
 * A line of the ledger as it is stored: `host` is the wrong field if the event was malformed, since the host of such an event is
 * not known. Both are made up by clients, so both have the same limits.
 */
export type StoredLine = Omit<LedgerLine, 'field'>;

const MALFORMED: RefusalReason = 'malformed';

/** Returns what a line stores as the host of a refusal. */
export function storedHost({ reason, host, field = '' }: Refusal): string {
  return reason === MALFORMED ? field : host;
}

/** Returns a stored line with its host and its field apart. */
export function readLine(line: StoredLine): LedgerLine {
  return line.outcome === MALFORMED ? { ...line, host: '', field: line.host } : { ...line, field: '' };
}

/** Counts to add to the ledger for one site, day, outcome and host. */
export interface LedgerDelta extends StoredLine {
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
