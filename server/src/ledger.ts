import { type HostPolicy, hostFits } from './host-policy.ts';
import { type LedgerLine, OTHER_HOST } from './store/store.ts';

/** `received = accepted + duplicate + Σ refused`, by construction of the answer and by audit of the store. */
export interface Balance {
  received: number;
  accepted: number;
  duplicate: number;
  /** By reason, largest first; crawlers are under `bot`. */
  refused: Record<string, number>;
}

/** Adds up ledger lines. */
export function balance(lines: readonly LedgerLine[]): Balance {
  const counts = new Map<string, number>();
  let received = 0;
  for (const { outcome, count } of lines) {
    counts.set(outcome, (counts.get(outcome) ?? 0) + count);
    received += count;
  }
  const accepted = counts.get('stored') ?? 0;
  const duplicate = counts.get('duplicate') ?? 0;
  counts.delete('stored');
  counts.delete('duplicate');
  const refused = Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
  return { received, accepted, duplicate, refused };
}

/** What host rules would have refused of the events that were accepted. */
export interface DryRun {
  accepted: number;
  refused: number;
  /** Refused, by host. */
  hosts: Record<string, number>;
  /** Accepted from hosts that the ledger did not keep apart: what would have become of these nobody can say. */
  unknown: number;
}

/** Tries host rules on the accepted lines of a ledger. */
export function tryHosts(lines: readonly LedgerLine[], policy: HostPolicy): DryRun {
  const dryRun: DryRun = { accepted: 0, refused: 0, hosts: {}, unknown: 0 };
  for (const { outcome, host, count } of lines) {
    if (outcome !== 'stored') continue;
    dryRun.accepted += count;
    if (hostFits(policy, host)) continue;
    if (host === OTHER_HOST) {
      dryRun.unknown += count;
      continue;
    }
    dryRun.refused += count;
    dryRun.hosts[host] = (dryRun.hosts[host] ?? 0) + count;
  }
  return dryRun;
}
