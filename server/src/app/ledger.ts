import type { LedgerLine } from '../store/contract/store.ts';

/** The sums of a ledger: `received = accepted + duplicate + Σ refused`. This holds by construction, and the store audits it. */
export interface Balance {
  received: number;
  accepted: number;
  duplicate: number;
  /** The refusals by reason, in descending order; crawlers are under `bot`. */
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
