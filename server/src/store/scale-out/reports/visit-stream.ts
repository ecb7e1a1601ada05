import { DAY_MS, utcDay } from '../../../domain/clock.ts';
import { VISIT_GAP_MS } from '../../../domain/visit-rules.ts';
import type { Row, Server } from '../../drivers/clickhouse.ts';
import { day, text } from '../warehouse/literal.ts';
import { ENTRIES } from '../warehouse/schema.ts';

/** An event as reports look at it. Columns that a question does not need are empty. */
export interface VisitEvent {
  atMs: number;
  name: string;
  page: string;
  host: string;
  props: Readonly<Record<string, unknown>> | null;
}

export interface Visit {
  startMs: number;
  events: VisitEvent[];
  engagedMs: number;
  /** What its first event said: by column. */
  profile: Readonly<Record<ProfileColumn, string | null>>;
}

export const PROFILE_COLUMNS = [
  'source',
  'channel',
  'campaign',
  'country',
  'device',
  'browser',
  'os',
] as const;
export type ProfileColumn = (typeof PROFILE_COLUMNS)[number];

/** Columns that only some questions need. */
export type OptionalColumn = ProfileColumn | 'path' | 'host' | 'props';

/** An open visit, and the greatest engaged time that was said of each view. */
interface OpenVisit extends Visit {
  endMs: number;
  engaged: Map<string, number>;
}

/** What is known of a visit in which nobody said it. */
const DEFAULTS: Readonly<Record<ProfileColumn, null>> = {
  source: null,
  channel: null,
  campaign: null,
  country: null,
  device: null,
  browser: null,
  os: null,
};

/**
 * Reads a site's visits of whole UTC days, one visitor's day at a time, so that memory does not grow with the site. The server
 * orders rows, and this puts them into visits: events of a visitor and UTC day without a gap of half an hour. Engaged time
 * goes to the visit in which the view was first said to have ended: the newest begun before.
 */
export async function streamVisits(
  server: Server,
  span: { siteId: string; fromMs: number; toMs: number; columns: ReadonlySet<OptionalColumn> },
  onVisits: (visits: readonly Visit[]) => void,
): Promise<void> {
  const { siteId, fromMs, toMs, columns } = span;
  let who = '';
  let visits: OpenVisit[] = [];
  const finish = () => {
    if (visits.length > 0) onVisits(visits.map(closed));
    visits = [];
  };
  await server.stream(
    `SELECT toUInt16(day) AS d, visitor, received_at AS t, kind = 'event' AS e, name, engaged, view${[...columns].map((column) => `, ${column}`).join('')}
     FROM ${ENTRIES} FINAL WHERE site_id = ${text(siteId)} AND day >= ${day(utcDay(fromMs))} AND day <= ${day(utcDay(toMs - 1))}
       AND kind IN ('event', 'leave') ORDER BY d, visitor, t, ordinal, event_id`,
    (row) => {
      const now = `${row.d} ${row.visitor}`;
      if (now !== who) {
        finish();
        who = now;
      }
      if (Number(row.e) === 1) enter(visits, row);
      else leave(visits, row);
    },
  );
  finish();
}

function enter(visits: OpenVisit[], row: Row): void {
  const atMs = Number(row.t);
  const event: VisitEvent = {
    atMs,
    name: String(row.name),
    page: String(row.path ?? ''),
    host: String(row.host ?? ''),
    props:
      typeof row.props === 'string' ? (JSON.parse(row.props) as Readonly<Record<string, unknown>>) : null, // as written by `toRow`
  };
  const last = visits.at(-1);
  if (last !== undefined && atMs - last.endMs < VISIT_GAP_MS) {
    last.events.push(event);
    last.endMs = atMs;
    return;
  }
  visits.push({
    startMs: atMs,
    endMs: atMs,
    events: [event],
    engagedMs: 0,
    engaged: new Map(),
    profile: profileOf(row),
  });
}

function profileOf(row: Row): Visit['profile'] {
  const profile: Record<ProfileColumn, string | null> = { ...DEFAULTS };
  for (const column of PROFILE_COLUMNS) {
    const value = row[column];
    if (typeof value === 'string') profile[column] = value;
  }
  return profile;
}

function leave(visits: readonly OpenVisit[], row: Row): void {
  const view = String(row.view ?? '0');
  const visit = visits.find(({ engaged }) => engaged.has(view)) ?? visits.at(-1);
  visit?.engaged.set(view, Math.max(visit.engaged.get(view) ?? 0, Number(row.engaged ?? 0)));
}

function closed({ engaged, ...visit }: OpenVisit): Visit {
  let engagedMs = 0;
  for (const each of engaged.values()) engagedMs += each;
  return { ...visit, engagedMs };
}

/** Whether a span holds any time at all. */
export function isEmptySpan(fromMs: number, toMs: number): boolean {
  return fromMs >= toMs || toMs <= 0 || fromMs > Number.MAX_SAFE_INTEGER - DAY_MS;
}
