import { hash } from 'node:crypto';
import { type Clock, SECOND_MS } from '../domain/clock.ts';
import { type CounterWindow, type SharedCounters, StoreUnavailable } from '../store/contract/store.ts';

/** The maximum number of keys in memory; beyond it, the least recently used ones are reset. */
const MAX_CACHED_WINDOWS = 50_000;
/** The longest key that is stored as is. Longer ones, which only attackers send, are stored as a hash. */
const MAX_KEY_CHARS = 300;

/** The limit of requests or attempts per key in a fixed window. */
export interface RateLimit {
  limit: number;
  windowMs: number;
  /** Whether windows begin at multiples of their length since 1970 (UTC), instead of with the first attempt. */
  alignedToClock?: boolean;
}

/** The state of a key's window, including the attempt just counted. */
export interface RateLimitResult {
  /** Whether this attempt is within the limit. */
  allowed: boolean;
  limit: number;
  remaining: number;
  /** The end of the window, in epoch milliseconds. */
  resetMs: number;
  /** The whole seconds until the window ends, at least 1. */
  retryAfterSeconds: number;
}

/**
 * Counts attempts in fixed windows, for API rate limits and login throttling. The limit applies across all processes while
 * their shared counters are available; otherwise, it applies to each process by itself.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #shared: SharedCounters | undefined;
  readonly #windows = new Map<string, CounterWindow>();

  /** @param shared the counters of all processes; undefined if there is only one */
  constructor(clock: Clock, shared: SharedCounters | undefined) {
    this.#clock = clock;
    this.#shared = shared;
  }

  /** Counts an attempt in the key's open window, or in a new one, and says whether it is within the limit. */
  async tryConsume(
    key: string,
    { limit, windowMs, alignedToClock = false }: RateLimit,
  ): Promise<RateLimitResult> {
    const nowMs = this.#clock.now();
    const newEndMs = nowMs + windowMs - (alignedToClock ? nowMs % windowMs : 0);
    const { count, endsMs } = await this.#count(key, { limit, nowMs, newEndMs });
    return {
      allowed: count <= limit,
      limit,
      remaining: Math.max(0, limit - count),
      resetMs: endsMs,
      retryAfterSeconds: Math.max(1, Math.ceil((endsMs - nowMs) / SECOND_MS)),
    };
  }

  /** Resets a key. If the shared counters are unavailable, they keep its attempts until the window ends. */
  async reset(key: string): Promise<void> {
    this.#windows.delete(shortened(key));
    try {
      await this.#shared?.reset(key, this.#clock.now());
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  async #count(
    key: string,
    { limit, nowMs, newEndMs }: { limit: number; nowMs: number; newEndMs: number },
  ): Promise<Readonly<CounterWindow>> {
    const own = this.#windowOf(key, nowMs, newEndMs);
    own.count += 1;
    // A key that is over the limit by this process's own count needs no query.
    if (this.#shared === undefined || own.count > limit) return { ...own };
    try {
      const shared = await this.#shared.increment(key, nowMs, newEndMs);
      own.count = Math.max(own.count, shared.count);
      own.endsMs = shared.endsMs;
      return shared;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { ...own };
    }
  }

  #windowOf(wholeKey: string, nowMs: number, newEndMs: number): CounterWindow {
    const key = shortened(wholeKey);
    const known = this.#windows.get(key);
    this.#windows.delete(key); // re-inserted at the end, so that the first key is the least recently used
    // A window that ends later than a new one was opened before the clock was set back.
    const isOpen = known !== undefined && known.endsMs > nowMs && known.endsMs <= newEndMs;
    const window = isOpen ? known : { count: 0, endsMs: newEndMs };
    this.#windows.set(key, window);
    if (this.#windows.size > MAX_CACHED_WINDOWS)
      this.#windows.delete(this.#windows.keys().next().value ?? '');
    return window;
  }
}

function shortened(key: string): string {
  return key.length > MAX_KEY_CHARS ? hash('sha256', key) : key;
}
