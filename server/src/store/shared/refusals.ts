import { utcDay } from '../../domain/clock.ts';
import { OTHER_HOST, type Refusal } from '../contract/store.ts';
import { addKeyUse, addToLedger, type KeyUseDelta, type LedgerDelta, storedHost } from './ledger-delta.ts';

/** Maximum hosts, or fields, per site and reason between two commits, since anyone can make up those of refused beacons. */
const HOSTS_PER_SITE = 20;

/**
 * Aggregates refusals between two commits, so that a flood of them costs one row. Its size is bounded by the number of
 * existing sites and keys, whatever clients send.
 */
export class PendingRefusals {
  #ledger = new Map<string, LedgerDelta>();
  #hosts = new Map<string, Set<string>>();
  #keys = new Map<string, KeyUseDelta>();

  get size(): number {
    return this.#ledger.size;
  }

  add(refusal: Refusal): void {
    const { siteId, siteKey, receivedAtMs, reason } = refusal;
    addToLedger(this.#ledger, {
      siteId,
      day: utcDay(receivedAtMs),
      outcome: reason,
      host: this.#kept(`${siteId}\n${reason}`, storedHost(refusal)),
      count: 1,
      firstAtMs: receivedAtMs,
      lastAtMs: receivedAtMs,
    });
    if (siteKey !== null)
      addKeyUse(this.#keys, { siteId, key: siteKey, events: 0, lastSeenAtMs: receivedAtMs });
  }

  /** Removes and returns everything, for a commit. */
  take(): { ledger: LedgerDelta[]; keys: KeyUseDelta[] } {
    const taken = { ledger: [...this.#ledger.values()], keys: [...this.#keys.values()] };
    this.#ledger = new Map();
    this.#hosts = new Map();
    this.#keys = new Map();
    return taken;
  }

  /** Puts back refusals whose commit failed. */
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
