import { type Clock, DAY_MS, HOUR_MS } from './clock.ts';
import type { Events, Registry, Store } from './store/store.ts';

/** How often chores are done. */
const INTERVAL_MS = HOUR_MS;

/** Does the chores now and then every hour, one after the other, until stopped. A chore that fails is tried next time. */
export function startChores({
  chores,
  onError,
}: {
  /** Each is told when it shall end early. */
  chores: readonly ((signal: AbortSignal) => Promise<unknown>)[];
  onError: (error: unknown) => void;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const doAll = async () => {
    for (const chore of chores) {
      if (!signal.aborted) await chore(signal).catch(onError);
    }
  };
  let round = doAll();
  const timer = setInterval(() => {
    round = round.then(doAll);
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
 * Deletes what is left of removed sites: where that was cut short, and what arrived since. All that were ever removed are
 * looked at, many with one question; none is ever known to be done. A collector may have events of one in its spool, however
 * long ago it was removed and wherever that collector was meanwhile, a replica may lack rows that it gets later, and a backup
 * that is restored may be from before. A mark would have them stay.
 *
 * @returns rows deleted
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

/** Deletes events that are older than their site, or else the installation, keeps them. @returns rows deleted */
export async function expireEvents(
  {
    store: { registry, events },
    clock,
    defaultDays,
  }: {
    store: Pick<Store, 'registry' | 'events'>;
    clock: Clock;
    /** Null: events are kept where a site says nothing else. */
    defaultDays: number | null;
  },
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  // Where events are kept for good, only those matter that say otherwise: few, of what may be a million.
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
