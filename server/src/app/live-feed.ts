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
  /** The field that made the event malformed; empty otherwise. */
  field: string;
  host: string;
  /** The path of the page, if it was sent. */
  path: string | null;
  /** The name of the event, or of the crawler. */
  name: string | null;
  /** Source, country and device of the visitor, as far as they are known. */
  source: string | null;
  country: string | null;
  device: string | null;
  /** What the event is grouped by; null if it stands alone. */
  group: string | null;
  /** The number of events of the group, at most `GROUP_MS` apart; 1 without a group. */
  count: number;
}

/** How long after an event its visitor counts as online. */
export const LIVE_MS = 5 * MINUTE_MS;

/**
 * How long after the last event of a group the next one begins it again. Anyone who names a host of the site can fetch the script,
 * or send an event without a key of the site. Of each such group, the feed has only the newest event, so that no one can fill it.
 */
const GROUP_MS = 30 * MINUTE_MS;

const NOBODY = { source: null, country: null, device: null };

type Listener = (event: LiveEvent) => void;

const MAX_EVENTS_PER_SITE = 50;
const MAX_SITES = 1_000;
const MAX_LISTENERS_PER_SITE = 20;

/** The recent events of a site. */
interface SiteFeed {
  alone: LiveEvent[];
  /** The newest event of each group. */
  groups: Map<string, LiveEvent>;
  /** The first script fetch since the last other event; null if there is none. */
  silent: LiveEvent | null;
}

export class LiveFeed {
  readonly #feeds = new Map<string, SiteFeed>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** The site of the newest event. Its entry is the last one in `#feeds`. */
  #latest: { siteId: string; feed: SiteFeed } | null = null;
  #lastId: number;

  /** @param startMs the start time: ids count up from it, so they are larger than those of an earlier process */
  constructor(startMs: number) {
    this.#lastId = startMs * 1_000;
  }

  /** The id of the newest event. Later events have larger ids. */
  get lastId(): number {
    return this.#lastId;
  }

  publish(seen: Omit<LiveEvent, 'id' | 'count'>): void {
    this.#lastId += 1;
    const feed = this.#feedOf(seen.siteId);
    const event = { ...seen, id: this.#lastId, count: 1 };
    if (seen.group === null) keep(feed.alone, event);
    else addToGroup(feed.groups, seen.group, event);
    feed.silent = seen.what === 'script' ? (feed.silent ?? event) : null;
    const listeners = this.#listeners.get(seen.siteId);
    if (listeners !== undefined) for (const listener of listeners) listener(event);
  }

  #feedOf(siteId: string): SiteFeed {
    if (this.#latest?.siteId === siteId) return this.#latest.feed;
    const feed = this.#feeds.get(siteId) ?? { alone: [], groups: new Map(), silent: null };
    // Moved to the end, so that the site whose last event is oldest is evicted first.
    this.#feeds.delete(siteId);
    this.#feeds.set(siteId, feed);
    if (this.#feeds.size > MAX_SITES) this.#feeds.delete(this.#feeds.keys().next().value ?? '');
    this.#latest = { siteId, feed };
    return feed;
  }

  /** Records that a page of the site fetched the tracker. */
  recordScriptFetch(siteId: string, host: string, atMs: number): void {
    this.publish({
      siteId,
      atMs,
      what: 'script',
      group: 'script',
      reason: null,
      field: '',
      host,
      path: null,
      name: null,
      ...NOBODY,
    });
  }

  /** Lists a site's events after the one with this id, oldest first. Only the most recent ones are kept. */
  since(siteId: string, id: number): LiveEvent[] {
    const { alone = [], groups } = this.#feeds.get(siteId) ?? {};
    return [...alone.slice(-MAX_EVENTS_PER_SITE), ...(groups?.values() ?? [])]
      .filter((event) => event.id > id)
      .sort((a, b) => a.id - b.id);
  }

  /**
   * Returns the script fetch since which a site's pages only fetched the tracker and sent nothing: their events are blocked, or
   * not meant to be counted. Null if there is none, or if it was after `beforeMs`, when an event may still follow.
   */
  silentSince(siteId: string, beforeMs: number): LiveEvent | null {
    const silent = this.#feeds.get(siteId)?.silent ?? null;
    return silent === null || silent.atMs > beforeMs ? null : silent;
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

function keep(events: LiveEvent[], event: LiveEvent): void {
  events.push(event);
  // Trimmed only occasionally, because removing the first item of an array moves all others.
  if (events.length >= 2 * MAX_EVENTS_PER_SITE) events.splice(0, events.length - MAX_EVENTS_PER_SITE);
}

/** Puts an event in the place of its group's last one, and counts it. */
function addToGroup(groups: Map<string, LiveEvent>, group: string, event: LiveEvent): void {
  const last = groups.get(group);
  if (last !== undefined && event.atMs - last.atMs < GROUP_MS) event.count = last.count + 1;
  groups.set(group, event);
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
      group: null,
      reason: null,
      field: '',
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
        group: refusal.siteKey === null ? refusal.reason : null,
        reason: refusal.reason,
        field: refusal.field ?? '',
        host: refusal.host,
        path: null,
        name: null,
        ...NOBODY,
      });
    },
  };
}
