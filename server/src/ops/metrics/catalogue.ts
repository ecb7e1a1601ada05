import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { SECOND_MS } from '../../domain/clock.ts';
import { isAccepted, OUTCOME_NAMES } from '../../domain/outcomes.ts';
import type { Connections } from '../../http/connections.ts';
import type { AppendOutcome, CommitDone, EngineStats, Entry, Events } from '../../store/contract/store.ts';

/**
 * All metrics of the server, in a separate registry. Labels never identify a site, host or person, and their values come from
 * closed lists. https://prometheus.io/docs/practices/naming/
 */

/** The buckets of durations that include disk or network, in seconds. */
const LATENCY_BOUNDS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
/** The buckets of commit sizes, up to the largest commit. */
const COMMIT_ENTRIES_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const KINDS: readonly Entry['kind'][] = ['event', 'leave', 'bot'];
const WRITTEN: readonly AppendOutcome[] = ['stored', 'duplicate'];

/** The metrics that the code updates as it runs. Each call takes about a microsecond. */
export interface Metrics {
  registry: Registry;
  /** Counts an answered beacon. @param name one of `OUTCOME_NAMES` */
  answered(this: void, name: string): void;
  /** Counts an entry that the store acknowledged. */
  written(this: void, entry: Entry, outcome: AppendOutcome): void;
  /** Records a commit of the store. */
  committed(this: void, commit: CommitDone): void;
  /** Records an API response. @param answer `route` is the declared path, or `none` */
  asked(this: void, answer: { route: string; status: number; seconds: number }): void;
}

/** Creates these metrics, with each outcome at 0. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const beacons = new Counter({
    name: 'attractos_beacons_total',
    help: 'Beacons answered, by outcome. Everything received is either stored, duplicate, bot or refused.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const outcomeLabels = new Map(
    OUTCOME_NAMES.map((name) => [
      name,
      isAccepted(name) ? { outcome: name } : { outcome: 'refused', reason: name },
    ]),
  );
  for (const labels of outcomeLabels.values()) beacons.inc(labels, 0);
  const entries = new Counter({
    name: 'attractos_entries_total',
    help: 'Entries acknowledged by the store, by kind (event, leave, bot) and outcome (stored, duplicate). Stored events are the counted ones.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  for (const kind of KINDS) for (const outcome of WRITTEN) entries.inc({ kind, outcome }, 0);
  const shortened = new Counter({
    name: 'attractos_shortened_events_total',
    help: 'Stored events with texts replaced by "(other)", because their site had used up SITE_TEXTS or SITE_TEXT_MIB.',
    registers,
  });
  const commitEntries = new Histogram({
    name: 'attractos_commit_entries',
    help: 'Number of entries per commit.',
    buckets: COMMIT_ENTRIES_BOUNDS,
    registers,
  });
  const commitSeconds = new Histogram({
    name: 'attractos_commit_duration_seconds',
    help: 'Time to write a commit to disk, including the flush, in seconds.',
    buckets: LATENCY_BOUNDS_SECONDS,
    registers,
  });
  const apiRequests = new Counter({
    name: 'attractos_api_requests_total',
    help: 'API requests by route and status class. Unknown paths share the route "none".',
    labelNames: ['route', 'status'],
    registers,
  });
  const apiSeconds = new Histogram({
    name: 'attractos_api_request_duration_seconds',
    help: 'API response time, in seconds.',
    buckets: LATENCY_BOUNDS_SECONDS,
    registers,
  });
  return {
    registry,
    answered: (name) => {
      const labels = outcomeLabels.get(name);
      if (labels !== undefined) beacons.inc(labels);
    },
    written: (entry, outcome) => {
      entries.inc({ kind: entry.kind, outcome });
      if (entry.kind === 'event' && entry.isShortened === true && outcome === 'stored') shortened.inc();
    },
    committed: (commit) => {
      commitEntries.observe(commit.entries);
      commitSeconds.observe(commit.seconds);
    },
    asked: ({ route, status, seconds }) => {
      apiRequests.inc({ route, status: `${Math.floor(status / 100)}xx` });
      apiSeconds.observe(seconds);
    },
  };
}

/** The sources of metrics that are read on each scrape. */
export interface Sources {
  connections: Connections;
  clients: { readonly unreadable: number };
  jobs: { readonly deletedRows: number; readonly failures: number; readonly endedAtMs: number | null };
  events: Pick<Events, 'fill' | 'health' | 'stats'>;
  sites: { readonly size: number; ageMs(): number | null };
  feed: { readonly listeners: number };
  overloaded: () => boolean;
}

/** Adds the metrics that are read on each scrape, including those of Node and the process: CPU, memory, event-loop delay. */
export function addSources(registry: Registry, sources: Sources): void {
  collectDefaultMetrics({ register: registry });
  const shown = readers(registry);
  exposeServer(shown, sources);
  exposeStore(shown, sources);
}

interface Readers {
  gauge(this: void, name: string, help: string, read: () => number | Promise<number>): void;
  counter(this: void, name: string, help: string, read: () => number): void;
}

/** Returns functions that create metrics whose values are read on each scrape. */
function readers(registry: Registry): Readers {
  return {
    gauge(name, help, read) {
      new Gauge({
        ...{ name, help, registers: [registry] },
        async collect() {
          this.set(await read());
        },
      });
    },
    counter(name, help, read) {
      new Counter({
        ...{ name, help, registers: [registry] },
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
  };
}

function exposeServer(shown: Readers, { connections, clients, sites, overloaded, feed }: Sources): void {
  shown.gauge('attractos_connections', 'Open connections.', () => connections.open);
  shown.gauge(
    'attractos_connections_max',
    'Maximum number of open connections; more are dropped.',
    () => connections.max,
  );
  shown.counter(
    'attractos_connections_dropped_total',
    'Connections closed unanswered at the limit.',
    () => connections.dropped,
  );
  shown.counter(
    'attractos_unreadable_client_addresses_total',
    'Requests whose client a trusted proxy identified by something other than an IP address.',
    () => clients.unreadable,
  );
  shown.gauge('attractos_site_keys', 'Site keys held in memory.', () => sites.size);
  shown.gauge(
    'attractos_site_keys_age_seconds',
    'Time since site keys were last refreshed from the registry, in seconds.',
    () => (sites.ageMs() ?? Number.NaN) / SECOND_MS,
  );
  shown.gauge(
    'attractos_api_overloaded',
    '1 while API requests are refused to keep capacity for beacons, else 0.',
    () => (overloaded() ? 1 : 0),
  );
  shown.gauge('attractos_live_streams', 'Open live-update streams.', () => feed.listeners);
}

function exposeStore(shown: Readers, { events, jobs }: Sources): void {
  shown.gauge(
    'attractos_store_ready',
    '1 if the store accepts events, 0 if its last write failed.',
    async () => ((await events.health()).ok ? 1 : 0),
  );
  shown.gauge(
    'attractos_queue_fill_ratio',
    'Fill level of the write queue, from 0 (empty) to 1 (full).',
    () => events.fill(),
  );
  shown.counter(
    'attractos_retention_deleted_rows_total',
    'Rows deleted by retention.',
    () => jobs.deletedRows,
  );
  shown.counter(
    'attractos_chore_failures_total',
    'Hourly jobs (retention, salts, rollups) that failed and will be retried.',
    () => jobs.failures,
  );
  shown.gauge(
    'attractos_chores_ended_timestamp_seconds',
    'When all hourly jobs had last been run, as a Unix time; 0 before the first round has ended.',
    () => (jobs.endedAtMs ?? 0) / SECOND_MS,
  );
  const stats = events.stats?.();
  if (stats !== undefined) exposeEngine(shown, () => events.stats?.() ?? stats);
}

function exposeEngine(shown: Readers, stats: () => EngineStats): void {
  shown.counter(
    'attractos_commit_failures_total',
    'Failed commits. None of their entries was acknowledged.',
    () => stats().commitFailures,
  );
  if (stats().daysToSeal !== undefined)
    shown.gauge(
      'attractos_days_to_seal',
      "Sites' days that are over and wait to be sealed. Reports about them are slower until then.",
      () => stats().daysToSeal ?? 0,
    );
  if (stats().damagedDays !== undefined)
    shown.gauge(
      'attractos_damaged_days',
      "Sites' days that are over and whose events do not match their counter. Neither they nor later days leave events.db.",
      () => stats().damagedDays ?? 0,
    );
  if (stats().spool === undefined) return;
  shown.gauge(
    'attractos_spool_fill_ratio',
    'Fill level of the spool, from 0 (empty) to 1 (full).',
    () => stats().spool?.fill ?? 0,
  );
  shown.gauge(
    'attractos_spool_entries',
    'Entries in the spool that wait to be shipped.',
    () => stats().spool?.entries ?? 0,
  );
  shown.gauge(
    'attractos_ship_lag_seconds',
    'Age of the oldest entry in the spool, in seconds.',
    () => stats().spool?.lagSeconds ?? 0,
  );
}
