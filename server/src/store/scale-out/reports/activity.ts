import { PAGEVIEW } from '../../../../../tracker/wire/limits.ts';
import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { ActivityItem, Reports, SiteSpan } from '../../contract/store.ts';
import type { Row, Server } from '../../drivers/clickhouse.ts';
import { day, integer, list, text } from '../warehouse/literal.ts';
import { newestRows, type Place, parsePlace, placeOf, withVisitors, writePlace } from '../warehouse/page.ts';
import { EVENT_COLUMNS } from '../warehouse/row.ts';
import { ENTRIES } from '../warehouse/schema.ts';

type Options = Parameters<Reports['listActivity']>[1];

const KINDS = {
  event: "kind = 'event'",
  conversion: `kind = 'event' AND name != ${text(PAGEVIEW)}`,
  bot: "kind = 'bot'",
  all: "kind IN ('event', 'bot')",
} as const;
const COLUMNS = `kind, bot, company, bot_class, ${EVENT_COLUMNS}`;

export async function listActivity(
  server: Server,
  { siteId, fromMs, toMs }: SiteSpan,
  { type, limit, cursor }: Options,
): Promise<{ items: ActivityItem[]; nextCursor: string | null }> {
  if (isEmptySpan(fromMs, toMs)) return { items: [], nextCursor: null };
  const before = cursor === undefined ? null : parsePlace(cursor);
  const span = { siteId, before, fromMs, toMs, limit: limit + 1, columns: COLUMNS };
  const rows =
    type === 'referral'
      ? await referralsBefore(server, span)
      : await newestRows(server, { ...span, where: KINDS[type ?? 'all'] });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: await shown(server, siteId, page),
    nextCursor: rows.length > limit && last !== undefined ? writePlace(placeOf(last)) : null,
  };
}

/** Whether a span holds any time at all. */
function isEmptySpan(fromMs: number, toMs: number): boolean {
  return fromMs >= toMs || toMs <= 0 || fromMs > Number.MAX_SAFE_INTEGER - DAY_MS;
}

async function shown(server: Server, siteId: string, rows: readonly Row[]): Promise<ActivityItem[]> {
  const events = await withVisitors(
    server,
    siteId,
    rows.filter(({ kind }) => kind === 'event'),
  );
  const byCursor = new Map(events.map((event) => [event.cursor, event]));
  return rows.map((row) => {
    const cursor = writePlace(placeOf(row));
    const event = byCursor.get(cursor);
    if (event !== undefined) return { type: 'event', event };
    return {
      type: 'bot',
      cursor,
      receivedAtMs: Number(row.received_at),
      bot: String(row.bot),
      company: row.company === null ? null : String(row.company),
      botClass: String(row.bot_class),
      host: String(row.host),
      path: String(row.path),
    };
  });
}

/** Page views and other events that began a visit sent by an assistant: no event of the visitor's day within the gap before. */
async function referralsBefore(
  server: Server,
  span: {
    siteId: string;
    before: Place | null;
    fromMs: number;
    toMs: number;
    limit: number;
    columns: string;
  },
): Promise<Row[]> {
  const days = `day >= ${day(utcDay(span.fromMs))} AND day <= ${day(utcDay(span.toMs - 1))}`;
  // Starts of visits by arrays: a visitor's times of the day in order, and of them those after a gap. A visit of an assistant
  // begins with an event that says so.
  const starts = await server.rows(
    `SELECT toString(tupleElement(began, 3)) AS id FROM (
       SELECT arrayJoin(arrayFilter((e, i) -> i = 1 OR tupleElement(e, 1) - tupleElement(sorted[i - 1], 1) >= ${VISIT_GAP_MS},
         sorted, arrayEnumerate(sorted))) AS began FROM (
           SELECT arraySort(groupArray((received_at, ordinal, event_id, channel))) AS sorted FROM ${ENTRIES} FINAL
           WHERE site_id = ${text(span.siteId)} AND ${days} AND kind = 'event' GROUP BY day, visitor) AS visitors) AS visits
     WHERE tupleElement(began, 4) = 'ai' AND tupleElement(began, 1) >= ${integer(span.fromMs)}
       AND tupleElement(began, 1) < ${integer(span.toMs)}
       ${span.before === null ? '' : `AND tupleElement(began, 1) <= ${integer(span.before.at)}`}
     ORDER BY tupleElement(began, 1) DESC LIMIT ${integer(span.limit + TIES_MAX)}`,
  );
  if (starts.length === 0) return [];
  const ids = list(starts.map(({ id }) => `toUUID(${text(String(id))})`));
  return newestRows(server, { ...span, where: `kind = 'event' AND event_id IN ${ids}` });
}

/** Visits that may begin in one millisecond on a site. */
const TIES_MAX = 1_000;

/**
 * Who was there since an instant, and where each was last. A visitor counts once per UTC day. It reads single events, because
 * it is asked often, and the relation `events` of an open day is made of all its visits.
 */
export async function realtime(
  server: Server,
  siteId: string,
  sinceMs: number,
): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }> {
  const rows = await server.rows(
    `SELECT last_path AS path, count() AS n FROM (
       SELECT argMax(path, (received_at, ordinal, toString(event_id))) AS last_path FROM ${ENTRIES} FINAL
       WHERE site_id = ${text(siteId)} AND day >= ${day(utcDay(sinceMs))} AND received_at >= ${integer(sinceMs)} AND kind = 'event'
       GROUP BY day, visitor) AS visitors
     GROUP BY last_path ORDER BY n DESC, last_path`,
  );
  return {
    visitors: rows.reduce((sum, row) => sum + Number(row.n), 0),
    pages: rows.map((row) => ({ path: String(row.path), visitors: Number(row.n) })),
  };
}
