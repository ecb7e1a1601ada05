import type { Events, Refusal } from './store/store.ts';
import type { Tally } from './tally.ts';

/** What just happened on a site, for whoever is looking at it now. In memory, bounded, and gone with the process. */

export interface Sighting {
  /** Later is larger, across restarts too. */
  id: number;
  siteId: string;
  atMs: number;
  what: 'script' | 'counted' | 'duplicate' | 'bot' | 'refused';
  /** Why it was refused. */
  reason: string | null;
  host: string;
  /** Path of the page, where one was named. */
  path: string | null;
  /** Name of the event, or of the crawler. */
  name: string | null;
  /** Where the visitor came from, by name, from which country, and on what kind of device: as far as it was told. */
  source: string | null;
  country: string | null;
  device: string | null;
}

const NOBODY = { source: null, country: null, device: null };

type Listener = (sighting: Sighting) => void;

const SIGHTINGS_PER_SITE = 50;
const SITES_MAX = 1_000;
const LISTENERS_PER_SITE = 20;

export class LiveFeed {
  readonly #recent = new Map<string, Sighting[]>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** The site of the newest sighting, which is at the end of `#recent`. */
  #latest: { siteId: string; recent: Sighting[] } | null = null;
  #lastId: number;

  /** @param startMs the clock at start: ids grow from here, so that those of an earlier process are smaller */
  constructor(startMs: number) {
    this.#lastId = startMs * 1_000;
  }

  /** The id of the newest sighting: what is published from now on is larger. */
  get lastId(): number {
    return this.#lastId;
  }

  publish(seen: Omit<Sighting, 'id'>): void {
    this.#lastId += 1;
    const sighting = { ...seen, id: this.#lastId };
    const recent = this.#recentOf(seen.siteId);
    recent.push(sighting);
    // Cut only now and then: taking out the first of a list moves all the others.
    if (recent.length >= 2 * SIGHTINGS_PER_SITE) recent.splice(0, recent.length - SIGHTINGS_PER_SITE);
    const listeners = this.#listeners.get(seen.siteId);
    if (listeners !== undefined) for (const listener of listeners) listener(sighting);
  }

  #recentOf(siteId: string): Sighting[] {
    if (this.#latest?.siteId === siteId) return this.#latest.recent;
    const recent = this.#recent.get(siteId) ?? [];
    // Put at the end, so that the site that was quiet longest is the one forgotten.
    this.#recent.delete(siteId);
    this.#recent.set(siteId, recent);
    if (this.#recent.size > SITES_MAX) this.#recent.delete(this.#recent.keys().next().value ?? '');
    this.#latest = { siteId, recent };
    return recent;
  }

  /** A page of the site asked for the tracker. */
  sawScript(siteId: string, host: string, atMs: number): void {
    this.publish({ siteId, atMs, what: 'script', reason: null, host, path: null, name: null, ...NOBODY });
  }

  /** What happened on a site after a sighting, oldest first, as far as it is remembered. */
  since(siteId: string, id: number): Sighting[] {
    return (this.#recent.get(siteId) ?? []).slice(-SIGHTINGS_PER_SITE).filter((sighting) => sighting.id > id);
  }

  /** How many are listening, on all sites. */
  get listeners(): number {
    let count = 0;
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  /** @returns what ends it, or null where too many are listening already */
  listen(siteId: string, listener: Listener): (() => void) | null {
    const listeners = this.#listeners.get(siteId) ?? new Set();
    if (listeners.size >= LISTENERS_PER_SITE) return null;
    this.#listeners.set(siteId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(siteId);
    };
  }
}

/** What `watched` counts: kinds of entries with what became of them. */
export const WRITTEN_NAMES = ['event', 'leave', 'bot'].flatMap((kind) => [
  `${kind} stored`,
  `${kind} duplicate`,
]);

/**
 * Tells the feed what became of every entry once it is final, and counts what was written and what became of it: `event
 * stored`, `leave duplicate`.
 *
 * @returns the events as the collector writes them, whose refusals are told to the feed, too
 */
export function watched(
  events: Pick<Events, 'append' | 'onCommitted' | 'refuse'>,
  feed: LiveFeed,
  written: Pick<Tally, 'add'>,
): Pick<Events, 'append' | 'refuse'> {
  events.onCommitted((entry, outcome) => {
    written.add(`${entry.kind} ${outcome}`);
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
      if (refusal.siteId === '') return;
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
