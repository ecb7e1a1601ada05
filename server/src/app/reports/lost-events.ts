import { civilDay } from '../../domain/calendar.ts';
import { utcDay } from '../../domain/clock.ts';
import type { Events, Site } from '../../store/contract/store.ts';
import type { Span } from './spans.ts';

/** Events of a day that the server refused because it could not store them. */
export interface LostEvents {
  /** The civil day on which the first of them arrived. */
  day: number;
  reason: (typeof LOSSES)[number];
  count: number;
}

/** The reasons for refusals that are about the server, not about the event. */
const LOSSES = ['busy', 'unavailable', 'rate-limited'] as const;
/** The longest span that is examined, in days. In a longer one, the ledger has too many lines to read them for each report. */
const DAYS_MAX = 31;

/** Adds up the events that the server lost on each day of a span, by reason; none if the span is longer than a month. */
export async function lostEventsIn(
  { events }: { events: Pick<Events, 'ledger'> },
  { site, zone, span }: { site: Site; zone: string; span: Span },
): Promise<LostEvents[]> {
  const { fromMs, toMs, firstDay, lastDay } = span;
  if (lastDay - firstDay >= DAYS_MAX) return [];
  const lines = await events.ledger(site.id, { firstDay: utcDay(fromMs), lastDay: utcDay(toMs - 1) });
  const losses = new Map<string, LostEvents>();
  for (const { outcome, count, firstAtMs } of lines) {
    const reason = LOSSES.find((loss) => loss === outcome);
    const day = civilDay(zone, firstAtMs);
    // The first and the last day of the ledger are those of UTC, and may begin before the span or end after it.
    if (reason === undefined || day < firstDay || day > lastDay) continue;
    const key = `${day} ${reason}`;
    losses.set(key, { day, reason, count: count + (losses.get(key)?.count ?? 0) });
  }
  return [...losses.values()];
}
