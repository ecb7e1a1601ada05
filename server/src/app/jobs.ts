import { type Clock, DAY_MS, HOUR_MS, utcDay } from '../domain/clock.ts';
import type { Events, Registry, Store } from '../store/contract/store.ts';

/** The interval between runs. */
const INTERVAL_MS = HOUR_MS;
/** How long after its end a day is sealed. */
const DAY_SETTLED_MS = HOUR_MS;

type Job = (signal: AbortSignal) => Promise<unknown>;

/** The hourly jobs, with counts for metrics. */
export interface HourlyJobs {
  readonly done: { readonly deletedRows: number; readonly failures: number };
  /** Stops the running job early, and settles when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the hourly jobs: retention, removed sites, salts, sealing of days, unused strings.
 *
 * @param retentionDays for sites without their own setting; null: events are kept forever
 * @param onError called with each failure; the job is retried an hour later
 */
export function startHourlyJobs({
  store,
  clock,
  salt,
  retentionDays,
  onError,
}: {
  store: Store;
  clock: Clock;
  salt: { clean(): Promise<void> };
  retentionDays: number | null;
  onError: (error: unknown) => void;
}): HourlyJobs {
  const done = { deletedRows: 0, failures: 0 };
  const jobs: readonly Job[] = [
    async (signal) => {
      done.deletedRows += await expireEvents({ store, clock, defaultDays: retentionDays }, signal);
    },
    async (signal) => {
      done.deletedRows += await removeLeftovers(store, signal);
    },
    () => salt.clean(),
    (signal) => store.reports.sealDaysBefore(utcDay(clock.now() - DAY_SETTLED_MS), signal),
    async (signal) => store.events.collectTexts?.(signal),
  ];
  const { stop } = repeat(jobs, (error) => {
    done.failures += 1;
    onError(error);
  });
  return { done, stop };
}

/** Runs jobs one after the other, now and every hour, until stopped. */
function repeat(jobs: readonly Job[], onError: (error: unknown) => void): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const runAll = async () => {
    for (const job of jobs) {
      if (!signal.aborted) await job(signal).catch(onError);
    }
  };
  let round = runAll();
  const timer = setInterval(() => {
    round = round.then(runAll);
  }, INTERVAL_MS);
  timer.unref();
  return {
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await round;
    },
  };
}

/**
 * Deletes leftover events of removed sites. It checks every site that was ever removed, many per query. Such events remain
 * after an interrupted deletion, and can arrive at any time: from the spool of a collector that was offline, from a replica
 * that was behind, or from a restored backup.
 *
 * @returns the number of deleted rows
 */
export async function removeLeftovers(
  {
    registry,
    events,
  }: { registry: Pick<Registry, 'removedSites'>; events: Pick<Events, 'holding' | 'remove'> },
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  let removed = await registry.removedSites('');
  while (removed.length > 0) {
    for (const siteId of await events.holding(removed)) {
      if (signal.aborted) return deleted;
      deleted += await events.remove(siteId, signal);
    }
    if (signal.aborted) return deleted;
    removed = await registry.removedSites(removed.at(-1) ?? '');
  }
  return deleted;
}

/** Deletes events older than the retention of their site, or else of the server. @returns the number of deleted rows */
async function expireEvents(
  {
    store: { registry, events },
    clock,
    defaultDays,
  }: {
    store: Pick<Store, 'registry' | 'events'>;
    clock: Clock;
    /** The retention of sites without their own setting; null: events are kept forever. */
    defaultDays: number | null;
  },
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  // If events are kept forever by default, only the few sites with their own setting matter.
  const which = { ownRetention: defaultDays === null };
  let sites = await registry.sitesAfter(null, which);
  while (sites.length > 0) {
    for (const site of sites) {
      if (signal.aborted) return deleted;
      const days = site.retentionDays ?? defaultDays;
      if (days !== null) deleted += await events.expire(site.id, clock.now() - days * DAY_MS, signal);
    }
    sites = await registry.sitesAfter(sites.at(-1)?.id ?? null, which);
  }
  return deleted;
}
