import { DEDUPLICATION_WINDOW_MS } from '../../../tracker/wire/limits.ts';
import { type Clock, DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../domain/clock.ts';
import type { Events, Registry, Reports, Store } from '../store/contract/store.ts';
import { SECURITY_LOG_DAYS } from './security-log.ts';
import { noteSilences } from './silent-hours.ts';
import { allSites } from './sites.ts';

/** The interval between runs. */
const INTERVAL_MS = HOUR_MS;
/** For how long one server is elected. It is shorter than the interval, so that every interval has an election. */
const ELECTED_FOR_MS = INTERVAL_MS - MINUTE_MS;
/** How long after its end a day is sealed. */
const DAY_SETTLED_MS = HOUR_MS;

/** How long after its end a day can still change, because the API accepts events that old. */
const DAY_FINAL_MS = DEDUPLICATION_WINDOW_MS;

type Job = (signal: AbortSignal) => Promise<unknown>;

/** The hourly jobs, with counts for metrics. */
export interface HourlyJobs {
  readonly done: {
    readonly deletedRows: number;
    readonly failures: number;
    /** When the last round of all jobs ended, in epoch ms; null before the first one ended. */
    readonly endedAtMs: number | null;
  };
  /** Stops the running job early, and settles when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the hourly jobs: stored second factors, retention, removed sites, security log, salts, sealing of days and
 * their silent hours, archiving of days, unused strings.
 *
 * @param retentionDays for sites without their own setting; null: events are kept forever
 * @param onError called with each failure; the job is retried an hour later
 */
export function startHourlyJobs({
  store,
  clock,
  salt,
  secondFactors,
  retentionDays,
  onError,
}: {
  store: Store;
  clock: Clock;
  salt: { clean(): Promise<void> };
  secondFactors: { harden(signal: AbortSignal): Promise<void> };
  retentionDays: number | null;
  onError: (error: unknown) => void;
}): HourlyJobs {
  const done = { deletedRows: 0, failures: 0, endedAtMs: null as number | null };
  const jobs: readonly Job[] = [
    (signal) => secondFactors.harden(signal),
    async (signal) => {
      if (!(await isElected('retention', { store, clock }))) return;
      done.deletedRows += await expireEvents({ store, clock, defaultDays: retentionDays }, signal);
    },
    async (signal) => {
      if (!(await isElected('removed sites', { store, clock }))) return;
      done.deletedRows += await removeLeftovers(store, signal);
    },
    async () => {
      if (!(await isElected('security log', { store, clock }))) return;
      await store.registry.expireSecurityEntries(clock.now() - SECURITY_LOG_DAYS * DAY_MS);
    },
    () => salt.clean(),
    (signal) => sealDays(store, clock, signal),
    archiveJob(store.reports, clock),
    async (signal) => store.events.collectTexts?.(signal),
  ];
  const { stop } = repeat(jobs, {
    onError(error) {
      done.failures += 1;
      onError(error);
    },
    onRoundEnd() {
      done.endedAtMs = clock.now();
    },
  });
  return { done, stop };
}

/**
 * Makes the job that archives days. An archived day refuses events, so the clock must have shown twice, an hour apart, that it
 * is final: a clock that jumps ahead for a moment archives nothing.
 */
export function archiveJob(reports: Pick<Reports, 'archiveDaysBefore'>, clock: Clock): Job {
  let seen: number | null = null;
  return async (signal) => {
    const finalBefore = utcDay(clock.now() - DAY_FINAL_MS);
    const confirmed = seen === null ? null : Math.min(seen, finalBefore);
    seen = finalBefore;
    if (confirmed !== null) await reports.archiveDaysBefore?.(confirmed, signal);
  };
}

/** Seals days. If there were any, the numbers of the last day are final, and its silent hours are noted. */
async function sealDays(store: Store, clock: Clock, signal: AbortSignal): Promise<void> {
  const beforeDay = utcDay(clock.now() - DAY_SETTLED_MS);
  const sealed = await store.reports.sealDaysBefore(beforeDay, signal);
  if (sealed > 0) await noteSilences({ store, clock }, beforeDay - 1, signal);
}

/** Returns whether this process does a job in this interval, which the first of several servers to ask does. */
async function isElected(
  job: string,
  { store: { sharedCounters }, clock }: { store: Pick<Store, 'sharedCounters'>; clock: Clock },
): Promise<boolean> {
  if (sharedCounters === undefined) return true;
  const now = clock.now();
  const { count } = await sharedCounters.increment(`job ${job}`, now, now + ELECTED_FOR_MS);
  return count === 1;
}

/** Runs jobs one after the other, now and every hour, until stopped. */
function repeat(
  jobs: readonly Job[],
  { onError, onRoundEnd }: { onError: (error: unknown) => void; onRoundEnd: () => void },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const runAll = async () => {
    for (const job of jobs) {
      if (!signal.aborted) await job(signal).catch(onError);
    }
    if (!signal.aborted) onRoundEnd();
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
  for await (const sites of allSites({ registry }, which)) {
    if (signal.aborted) break;
    // Whole UTC days, since the files of days that are over are written again for what is deleted of them.
    const today = utcDay(clock.now());
    const limits = sites.flatMap(({ id, retentionDays }) => {
      const days = retentionDays ?? defaultDays;
      return days === null ? [] : [{ siteId: id, beforeMs: (today - days) * DAY_MS }];
    });
    if (limits.length > 0) deleted += await events.expire(limits, signal);
  }
  return deleted;
}
