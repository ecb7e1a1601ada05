import { utcDay } from '../clock.ts';
import { addKeyUse, addToLedger, type KeyUseDelta, type LedgerDelta } from './ledger-delta.ts';
import { OTHER_HOST, type Refusal } from './store.ts';

/** Different hosts kept per site and reason between two commits; hosts of refused beacons are anybody's. */
const HOSTS_PER_SITE = 20;

/**
 * Refusals between two commits, put together so that a flood of them costs one row. Grows with the sites and the keys that
 * exist, never with what is sent.
 */
export class PendingRefusals {
  #ledger = new Map<string, LedgerDelta>();
  #hosts = new Map<string, Set<string>>();
  #keys = new Map<string, KeyUseDelta>();

  get size(): number {
    return this.#ledger.size;
  }

  add({ siteId, siteKey, receivedAtMs, reason, host }: Refusal): void {
    addToLedger(this.#ledger, {
      siteId,
      day: utcDay(receivedAtMs),
      outcome: reason,
      host: this.#kept(`${siteId}\n${reason}`, host),
      count: 1,
      firstAtMs: receivedAtMs,
      lastAtMs: receivedAtMs,
    });
    if (siteKey !== null)
      addKeyUse(this.#keys, { siteId, key: siteKey, events: 0, lastSeenAtMs: receivedAtMs });
  }

  /** Takes everything out, for a commit. */
  take(): { ledger: LedgerDelta[]; keys: KeyUseDelta[] } {
    const taken = { ledger: [...this.#ledger.values()], keys: [...this.#keys.values()] };
    this.#ledger = new Map();
    this.#hosts = new Map();
    this.#keys = new Map();
    return taken;
  }

  /** Puts back what could not be committed. */
  putBack({ ledger, keys }: { ledger: readonly LedgerDelta[]; keys: readonly KeyUseDelta[] }): void {
    for (const delta of ledger) {
      addToLedger(this.#ledger, {
        ...delta,
        host: this.#kept(`${delta.siteId}\n${delta.outcome}`, delta.host),
      });
    }
    for (const delta of keys) addKeyUse(this.#keys, delta);
  }

  #kept(group: string, host: string): string {
    let hosts = this.#hosts.get(group);
    if (hosts === undefined) {
      hosts = new Set();
      this.#hosts.set(group, hosts);
    }
    if (hosts.has(host)) return host;
    if (hosts.size >= HOSTS_PER_SITE) return OTHER_HOST;
    hosts.add(host);
    return host;
  }
}
