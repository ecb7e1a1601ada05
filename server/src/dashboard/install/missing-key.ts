import { readLedger } from '../../app/ledger.ts';
import { utcDay } from '../../domain/clock.ts';
import type { RefusalReason } from '../../domain/outcomes.ts';
import type { Site } from '../../store/contract/store.ts';
import type { Parts } from '../kit/parts.ts';

/** The events of the last days that had no site key. */
export interface MissingKey {
  events: number;
  /** The hosts of their pages, the one with the most events first. */
  hosts: readonly string[];
}

const DAYS = 7;

/** Counts the events of the last days on the site's hosts that had no site key. */
export async function missingKeyOf({ store, clock }: Parts, site: Site): Promise<MissingKey> {
  const lastDay = utcDay(clock.now());
  const lines = await readLedger(store.events, site.id, { firstDay: lastDay - DAYS + 1, lastDay });
  const keyless = lines.filter(({ outcome }) => outcome === ('missing-key' satisfies RefusalReason));
  const counts = new Map<string, number>();
  for (const { host, count } of keyless) counts.set(host, (counts.get(host) ?? 0) + count);
  return {
    events: keyless.reduce((sum, { count }) => sum + count, 0),
    hosts: [...counts].sort(([, a], [, b]) => b - a).map(([host]) => host),
  };
}
