import type { LedgerLine } from './store/store.ts';

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
