import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import type { ActivityItem, Reports, SiteSpan } from '../../contract/store.ts';
import { type Database, inOneState, prepared } from '../../drivers/sqlite.ts';
import { archivedBefore } from '../tables/segments.ts';
import { archivedBotsBefore, archivedEventsBefore } from './activity-files.ts';
import {
  type ActivitySpan,
  comparePlaces,
  NEWEST,
  type Placed,
  parseCursor,
  writeCursor,
} from './activity-place.ts';
import { botsBefore, eventsBefore } from './activity-rows.ts';
import type { DayEngine } from './day-engine.ts';

/** Maximum days whose files a statement reads. */
const MAX_DAYS_AT_ONCE = 32;

type Options = Parameters<Reports['listActivity']>[1];

/** Lists events and bots' requests, newest first: those of the events file, then those of archived days. */
export async function listActivity(
  { db, engine, signal }: { db: Database; engine: DayEngine; signal: AbortSignal },
  { siteId, fromMs, toMs }: SiteSpan,
  { type, limit, cursor }: Options,
): Promise<{ items: ActivityItem[]; nextCursor: string | null }> {
  const site = prepared(db, 'SELECT id FROM sites WHERE site = ?').get(siteId)?.id;
  if (typeof site !== 'number') return { items: [], nextCursor: null };
  const before = cursor === undefined ? NEWEST : parseCursor(cursor);
  const span: ActivitySpan = { siteId, site, fromMs, toMs, before, rows: limit + 1 };
  const { found, archivedDays } = inOneState(db, () => {
    const archivedMs = archivedBefore(db) * DAY_MS;
    return {
      found: stored(db, { ...span, fromMs: Math.max(fromMs, archivedMs) }, type),
      archivedDays: engine.archivedDays(site, {
        firstDay: utcDay(fromMs),
        lastDay: utcDay(Math.min(toMs, before.at, archivedMs - 1)),
      }),
    };
  });
  for (const days of inBatches(archivedDays)) {
    if (found.length > limit) break;
    const rest = { ...span, rows: span.rows - found.length };
    found.push(...(await archived({ engine, signal }, days, rest, type)));
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    nextCursor: found.length > limit && last !== undefined ? writeCursor(last.place) : null,
  };
}

/** Divides days into batches, small ones first, since the newest day fills the page of a busy site. */
function* inBatches(days: readonly number[]): Generator<readonly number[]> {
  for (let from = 0, size = 1; from < days.length; size = Math.min(size * 2, MAX_DAYS_AT_ONCE)) {
    yield days.slice(from, from + size);
    from += size;
  }
}

function stored(db: Database, span: ActivitySpan, type: Options['type']): Placed[] {
  return inOrder([
    ...(type === 'bot' ? [] : eventsBefore(db, span, type)),
    ...(type === 'bot' || type === null ? botsBefore(db, span) : []),
  ]);
}

async function archived(
  asked: { engine: DayEngine; signal: AbortSignal },
  days: readonly number[],
  span: ActivitySpan,
  type: Options['type'],
): Promise<Placed[]> {
  return inOrder([
    ...(type === 'bot' ? [] : await archivedEventsBefore(asked, days, span, type)),
    ...(type === 'bot' || type === null ? await archivedBotsBefore(asked, days, span) : []),
  ]);
}

function inOrder(found: Placed[]): Placed[] {
  return found.sort((a, b) => comparePlaces(a.place, b.place));
}
