import type { DayRange } from '../domain/clock.ts';
import { SHORTENED } from '../domain/outcomes.ts';
import { type Events, type LedgerLine, StoreUnavailable } from '../store/contract/store.ts';

/** The sums of a ledger: `received = accepted + duplicate + Σ refused`. This holds by construction, and the store audits it. */
export interface Balance {
  received: number;
  accepted: number;
  duplicate: number;
  /** The refusals by reason, in descending order; crawlers are under `bot`. */
  refused: Record<string, number>;
  /** The accepted events whose texts were replaced by “(other)”. */
  shortened: number;
}

/** Reads a site's ledger with all refusals so far. While nothing can be stored, the newest refusals are missing. */
export async function readLedger(
  events: Pick<Events, 'flush' | 'ledger'>,
  siteId: string,
  range: DayRange,
): Promise<LedgerLine[]> {
  try {
    await events.flush();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return events.ledger(siteId, range);
}

/** Adds up ledger lines. */
export function balance(lines: readonly LedgerLine[]): Balance {
  const counts = new Map<string, number>();
  let received = 0;
  let shortened = 0;
  for (const { outcome, count } of lines) {
    if (outcome === SHORTENED) {
      shortened += count;
      continue;
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + count);
    received += count;
  }
  const accepted = counts.get('stored') ?? 0;
  const duplicate = counts.get('duplicate') ?? 0;
  counts.delete('stored');
  counts.delete('duplicate');
  const refused = Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
  return { received, accepted, duplicate, refused, shortened };
}
