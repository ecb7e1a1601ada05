import { MINUTE_MS } from '../domain/clock.ts';
import type { RefusalReason } from '../domain/outcomes.ts';
import { type Events, NO_SITE, type Refusal } from '../store/contract/store.ts';

/** The live feed of each site. It is in memory, bounded, and lost with the process. */

export interface LiveEvent {
  /** A number that grows with time, also across restarts. */
  id: number;
  siteId: string;
  atMs: number;
  what: 'script' | 'counted' | 'duplicate' | 'bot' | 'refused';
  /** The reason for a refusal. */
  reason: RefusalReason | null;
  host: string;
  /** The path of the page, if it was sent. */
  path: string | null;
  /** The name of the event, or of the crawler. */
  name: string | null;
  /** Source, country and device of the visitor, as far as they are known. */
  source: string | null;
  country: string | null;
  device: string | null;
}

/** How long after an event its visitor counts as online. */
export const LIVE_MS = 5 * MINUTE_MS;

const NOBODY = { source: null, country: null, device: null };

type Listener = (event: LiveEvent) => void;

const MAX_EVENTS_PER_SITE = 50;
const MAX_SITES = 1_000;
const MAX_LISTENERS_PER_SITE = 20;

export class LiveFeed {
  readonly #recent = new Map<string, LiveEvent[]>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** The site of the newest event. Its entry is the last one in `#recent`. */
  #latest: { siteId: string; recent: LiveEvent[] } | null = null;
  #lastId: number;

  /** @param startMs the start time: ids count up from it, so they are larger than those of an earlier process */
  constructor(startMs: number) {
    this.#lastId = startMs * 1_000;
  }

  /** The id of the newest event. Later events have larger ids. */
  get lastId(): number {
    return this.#lastId;
  }

  publish(seen: Omit<LiveEvent, 'id'>): void {
    this.#lastId += 1;
    const sighting = { ...seen, id: this.#lastId };
    const recent = this.#recentOf(seen.siteId);
    recent.push(sighting);
    // Trimmed only occasionally, because removing the first item of an array moves all others.
    if (recent.length >= 2 * MAX_EVENTS_PER_SITE) recent.splice(0, recent.length - MAX_EVENTS_PER_SITE);
    const listeners = this.#listeners.get(seen.siteId);
    if (listeners !== undefined) for (const listener of listeners) listener(sighting);
  }

  #recentOf(siteId: string): LiveEvent[] {
    if (this.#latest?.siteId === siteId) return this.#latest.recent;
    const recent = this.#recent.get(siteId) ?? [];
    // Moved to the end, so that the site whose last event is oldest is evicted first.
    this.#recent.delete(siteId);
    this.#recent.set(siteId, recent);
    if (this.#recent.size > MAX_SITES) this.#recent.delete(this.#recent.keys().next().value ?? '');
    this.#latest = { siteId, recent };
    return recent;
  }

  /** Records that a page of the site fetched the tracker. */
  recordScriptFetch(siteId: string, host: string, atMs: number): void {
    this.publish({ siteId, atMs, what: 'script', reason: null, host, path: null, name: null, ...NOBODY });
  }

  /** Lists a site's events after the one with this id, oldest first. Only the most recent ones are kept. */
  since(siteId: string, id: number): LiveEvent[] {
    return (this.#recent.get(siteId) ?? []).slice(-MAX_EVENTS_PER_SITE).filter((event) => event.id > id);
  }

  /** The number of listeners of all sites. */
  get listeners(): number {
    let count = 0;
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  /** Adds a listener. @returns a function that removes it; null if there are too many */
  listen(siteId: string, listener: Listener): (() => void) | null {
    const listeners = this.#listeners.get(siteId) ?? new Set();
    if (listeners.size >= MAX_LISTENERS_PER_SITE) return null;
    this.#listeners.set(siteId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(siteId);
    };
  }
}

/** Wraps an event store to publish entries and refusals in the feed, once they are final. */
export function withLiveFeed(
  events: Pick<Events, 'append' | 'onEntry' | 'refuse'>,
  feed: LiveFeed,
): Pick<Events, 'append' | 'refuse'> {
  events.onEntry((entry, outcome) => {
    if (entry.kind === 'leave') return;
    const { name, source, country, device } = entry.kind === 'bot' ? { name: entry.bot, ...NOBODY } : entry;
    feed.publish({
      siteId: entry.siteId,
      atMs: entry.receivedAtMs,
      what: entry.kind === 'bot' ? 'bot' : outcome === 'stored' ? 'counted' : 'duplicate',
      reason: null,
      host: entry.host,
      path: entry.path,
      name,
      source,
      country,
      device,
    });
  });
  return {
    append: (entry) => events.append(entry),
    refuse(refusal: Refusal) {
      events.refuse(refusal);
      if (refusal.siteId === NO_SITE) return;
      feed.publish({
        siteId: refusal.siteId,
        atMs: refusal.receivedAtMs,
        what: 'refused',
        reason: refusal.reason,
        host: refusal.host,
        path: null,
        name: null,
        ...NOBODY,
      });
    },
  };
}
