import { civilDay } from '../../domain/calendar.ts';
import { DAY_MS, HOUR_MS, utcDay } from '../../domain/clock.ts';
import { HOURS_LEARNED, silencesIn } from '../../domain/silences.ts';
import type { AskedReports, Events, Site } from '../../store/contract/store.ts';
import type { Span } from './spans.ts';

/** What interrupted the counting of a site, as far as its own numbers and its ledger tell. */

/** Hours without any event, in which visits are usual. */
export interface SilentHours {
  kind: 'silence';
  fromMs: number;
  /** Their end; null if they have not ended yet. */
  toMs: number | null;
  /** The visits that are usual in these hours. */
  usual: number;
}

/** Events of a day that the server refused because it could not store them. */
export interface LostEvents {
  kind: 'lost';
  fromMs: number;
  reason: (typeof LOSSES)[number];
  count: number;
}

export type Interruption = SilentHours | LostEvents;

/** The reasons for refusals that are about the server, not about the event. */
const LOSSES = ['busy', 'unavailable', 'rate-limited'] as const;
/** The hours before a span that are examined for a silence that lasts into it. */
const HOURS_BEFORE = 24;
/** The longest span that is examined. A few hours cannot be seen in the chart of a longer one. */
const DAYS_MAX = 31;

/** Lists what interrupted the counting of a site in a span, in order of time; nothing if the span is longer than a month. */
export async function interruptionsIn(
  { reports, events }: { reports: Pick<AskedReports, 'series'>; events: Pick<Events, 'ledger'> },
  { site, zone, nowMs, span }: { site: Site; zone: string; nowMs: number; span: Span },
): Promise<Interruption[]> {
  if (span.lastDay - span.firstDay >= DAYS_MAX) return [];
  const found = await Promise.all([
    silencesOf(reports, site, span.fromMs, Math.min(span.toMs, nowMs)),
    lossesOf(events, site, span, zone),
  ]);
  return found.flat().sort((a, b) => a.fromMs - b.fromMs);
}

async function silencesOf(
  reports: Pick<AskedReports, 'series'>,
  { id: siteId }: Site,
  fromMs: number,
  toMs: number,
): Promise<SilentHours[]> {
  const firstMs = Math.ceil(fromMs / HOUR_MS - HOURS_BEFORE - HOURS_LEARNED) * HOUR_MS;
  const count = Math.floor((toMs - firstMs) / HOUR_MS);
  if (count <= HOURS_LEARNED) return [];
  const boundariesMs = Array.from({ length: count + 1 }, (_, i) => firstMs + i * HOUR_MS);
  const hours = await reports.series({ siteId, filters: [] }, boundariesMs);
  const silences = silencesIn(hours).map(
    ({ first, hours: length, usual }): SilentHours => ({
      kind: 'silence',
      fromMs: firstMs + first * HOUR_MS,
      toMs: first + length === count ? null : firstMs + (first + length) * HOUR_MS,
      usual,
    }),
  );
  return silences.filter(({ toMs: endMs }) => endMs === null || endMs > fromMs);
}

/** Adds up the events that were lost on each day of the ledger, by reason. */
async function lossesOf(
  events: Pick<Events, 'ledger'>,
  { id }: Site,
  { fromMs, toMs, firstDay, lastDay }: Span,
  zone: string,
): Promise<LostEvents[]> {
  const lines = await events.ledger(id, { firstDay: utcDay(fromMs), lastDay: utcDay(toMs - 1) });
  const losses = new Map<string, LostEvents>();
  for (const { outcome, day, count, firstAtMs } of lines) {
    const reason = LOSSES.find((loss) => loss === outcome);
    if (reason === undefined) continue;
    // Days of the ledger are those of UTC: one of the zone begins or ends within another.
    const startedOn = civilDay(zone, firstAtMs);
    if (startedOn < firstDay || startedOn > lastDay) continue;
    const loss = losses.get(`${day} ${reason}`) ?? {
      kind: 'lost',
      reason,
      count: 0,
      fromMs: day * DAY_MS + DAY_MS,
    };
    losses.set(`${day} ${reason}`, {
      ...loss,
      count: loss.count + count,
      fromMs: Math.min(loss.fromMs, firstAtMs),
    });
  }
  return [...losses.values()];
}
