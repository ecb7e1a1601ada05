import { SECOND_MS } from '../clock.ts';
import type { Connections } from '../connections.ts';
import type { EngineStats, Events } from '../store/store.ts';
import type { Distribution, Tally } from '../tally.ts';
import { Exposition } from './exposition.ts';

/**
 * Every number the server shows, under its name. Whoever does the work counts in plain numbers; they are read here when
 * somebody asks, so that being watched costs a beacon nothing. No site, host or person is in any label, and every label's
 * values come from a closed list. https://prometheus.io/docs/practices/naming/
 */

/** Where the numbers are read. */
export interface Sources {
  /** Outcomes of beacons as they were answered, by name. */
  answered: Tally;
  /** Entries that the store acknowledged, as `kind outcome`. */
  written: Tally;
  /** Requests to the API, as `route class`. */
  apiRequests: Tally;
  apiSeconds: Distribution;
  connections: Connections;
  chores: { readonly deletedRows: number; readonly failures: number };
  events: Pick<Events, 'fill' | 'health' | 'stats'>;
  sites: { readonly size: number; ageMs(): number | null };
  feed: { readonly listeners: number };
  overloaded: () => boolean;
}

export function expose(sources: Sources): Exposition {
  const shown = new Exposition();
  exposeConnections(shown, sources);
  exposeBeacons(shown, sources);
  exposeStore(shown, sources);
  exposeQuestions(shown, sources);
  return shown;
}

function exposeConnections(shown: Exposition, { connections }: Sources): void {
  shown.gauge('attractos_connections', 'Connections that are open.', () => connections.open);
  shown.gauge(
    'attractos_connections_max',
    'Connections that may be open at once; those beyond it are dropped.',
    () => connections.max,
  );
  shown.counter(
    'attractos_connections_dropped_total',
    'Connections closed unanswered because as many as may be were open.',
    () => connections.dropped,
  );
}

/** Outcomes that are no refusals. */
const KEPT: readonly string[] = ['stored', 'duplicate', 'bot'];

function exposeBeacons(shown: Exposition, { answered, written, sites }: Sources): void {
  shown.counters(
    'attractos_beacons_total',
    'Beacons by what became of them, as answered: stored + duplicate + bot + refused is everything received.',
    {
      labels: ['outcome', 'reason'],
      of: (name) => (KEPT.includes(name) ? { outcome: name } : { outcome: 'refused', reason: name }),
      tally: answered,
    },
  );
  shown.counters(
    'attractos_entries_total',
    'What the store acknowledged, by kind (event, leave, bot) and outcome (stored, duplicate). Stored events are what is counted.',
    { labels: ['kind', 'outcome'], of: pairOf('kind', 'outcome'), tally: written },
  );
  shown.gauge('attractos_site_keys', 'Site keys held in memory.', () => sites.size);
  shown.gauge(
    'attractos_site_keys_age_seconds',
    'Time since the registry of site keys was last heard.',
    () => (sites.ageMs() ?? Number.NaN) / SECOND_MS,
  );
}

function exposeStore(shown: Exposition, { events, chores }: Sources): void {
  shown.gauge(
    'attractos_store_ready',
    '1 where the store can take events, 0 where its last write failed.',
    async () => ((await events.health()).ok ? 1 : 0),
  );
  shown.gauge(
    'attractos_queue_fill_ratio',
    'How full the queue in front of the store is: 0 empty, 1 full.',
    () => events.fill(),
  );
  shown.counter(
    'attractos_retention_deleted_rows_total',
    'Rows deleted because they were older than their site keeps them.',
    () => chores.deletedRows,
  );
  shown.counter(
    'attractos_chore_failures_total',
    'Hourly chores (retention, salts, roll-ups) that failed and will be tried again.',
    () => chores.failures,
  );
  const stats = events.stats?.();
  if (stats !== undefined) exposeEngine(shown, () => events.stats?.() ?? stats, stats);
}

function exposeEngine(shown: Exposition, read: () => EngineStats, stats: EngineStats): void {
  shown.histogram('attractos_commit_entries', 'Entries that shared a commit.', stats.commitEntries);
  shown.histogram(
    'attractos_commit_duration_seconds',
    'From handing a commit over until it is on disk, the flush included.',
    stats.commitSeconds,
  );
  shown.counter(
    'attractos_commit_failures_total',
    'Commits that failed; nothing of them was acknowledged.',
    () => read().commitFailures,
  );
  if (stats.spool === undefined) return;
  shown.gauge(
    'attractos_spool_fill_ratio',
    'How full the spool is: 0 empty, 1 full.',
    () => read().spool?.fill ?? 0,
  );
  shown.gauge(
    'attractos_spool_entries',
    'Entries that wait to be shipped.',
    () => read().spool?.entries ?? 0,
  );
  shown.gauge(
    'attractos_ship_lag_seconds',
    'How long the oldest entry of the spool has been waiting.',
    () => read().spool?.lagSeconds ?? 0,
  );
}

function exposeQuestions(shown: Exposition, { apiRequests, apiSeconds, overloaded, feed }: Sources): void {
  shown.counters(
    'attractos_api_requests_total',
    'Requests to the API by route and class of status. Addresses that do not exist share the route "none".',
    { labels: ['route', 'status'], of: pairOf('route', 'status'), tally: apiRequests },
  );
  shown.histogram('attractos_api_request_duration_seconds', 'How long the API took to answer.', apiSeconds);
  shown.gauge(
    'attractos_api_overloaded',
    '1 while questions are turned away so that beacons get the machine.',
    () => (overloaded() ? 1 : 0),
  );
  shown.gauge(
    'attractos_live_streams',
    'Browsers that are being told what happens as it happens.',
    () => feed.listeners,
  );
}

/** Reads the names of a tally that counts by two things, such as `event stored`. */
function pairOf<A extends string, B extends string>(first: A, second: B) {
  return (name: string): Record<A | B, string> => {
    const [one = '', other = ''] = name.split(' ');
    return { [first]: one, [second]: other } as Record<A | B, string>; // both names are given
  };
}
