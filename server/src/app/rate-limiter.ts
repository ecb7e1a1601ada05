import { hash } from 'node:crypto';
import { type Clock, SECOND_MS } from '../domain/clock.ts';
import { type CounterWindow, type SharedCounters, StoreUnavailable } from '../store/contract/store.ts';

/** The maximum number of windows of one kind in memory; beyond it, the least recently used ones are reset. */
const WINDOWS_MAX = 50_000;
/** The longest subject that is stored as is. Longer ones, which only attackers send, are stored as a hash. */
const SUBJECT_MAX_CHARS = 300;

/** What is counted. */
export interface Attempt {
  /** What is attempted. Kinds are counted apart, so a flood of one kind cannot make the windows of another be forgotten. */
  kind: string;
  /** Who attempts it or at whom it is aimed, such as an account or an address. */
  of: string;
}

/** The limit of requests or attempts in a fixed window. */
export interface RateLimit {
  limit: number;
  windowMs: number;
  /** Whether windows begin at multiples of their length since 1970 (UTC), instead of with the first attempt. */
  alignedToClock?: boolean;
}

/** The state of a window, including the attempt just counted. */
export interface RateLimitResult {
  /** Whether this attempt is within the limit. */
  allowed: boolean;
  /** Whether this attempt is the first one of its window over the limit. */
  isFirstRefusal: boolean;
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
  /** The windows of each kind, by subject. */
  readonly #windows = new Map<string, Map<string, CounterWindow>>();

  /** @param shared the counters of all processes; undefined if there is only one */
  constructor(clock: Clock, shared: SharedCounters | undefined) {
    this.#clock = clock;
    this.#shared = shared;
  }

  /** Counts an attempt in the open window, or in a new one, and says whether it is within the limit. */
  async tryConsume(
    attempt: Attempt,
    { limit, windowMs, alignedToClock = false }: RateLimit,
  ): Promise<RateLimitResult> {
    const nowMs = this.#clock.now();
    const newEndMs = nowMs + windowMs - (alignedToClock ? nowMs % windowMs : 0);
    const { count, endsMs } = await this.#count(attempt, { limit, nowMs, newEndMs });
    return {
      allowed: count <= limit,
      isFirstRefusal: count === limit + 1,
      limit,
      remaining: Math.max(0, limit - count),
      resetMs: endsMs,
      retryAfterSeconds: Math.max(1, Math.ceil((endsMs - nowMs) / SECOND_MS)),
    };
  }

  /** Forgets all attempts. If the shared counters are unavailable, they keep them until the window ends. */
  async reset(attempt: Attempt): Promise<void> {
    this.#windows.get(attempt.kind)?.delete(shortened(attempt.of));
    try {
      await this.#shared?.reset(nameOf(attempt), this.#clock.now());
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  async #count(
    attempt: Attempt,
    { limit, nowMs, newEndMs }: { limit: number; nowMs: number; newEndMs: number },
  ): Promise<Readonly<CounterWindow>> {
    const own = this.#windowOf(attempt, nowMs, newEndMs);
    own.count += 1;
    // What is over the limit by this process's own count needs no query.
    if (this.#shared === undefined || own.count > limit) return { ...own };
    try {
      const shared = await this.#shared.increment(nameOf(attempt), nowMs, newEndMs);
      own.count = Math.max(own.count, shared.count);
      own.endsMs = shared.endsMs;
      return shared;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { ...own };
    }
  }

  #windowOf({ kind, of }: Attempt, nowMs: number, newEndMs: number): CounterWindow {
    const windows = this.#windows.get(kind) ?? new Map<string, CounterWindow>();
    this.#windows.set(kind, windows);
    const subject = shortened(of);
    const known = windows.get(subject);
    windows.delete(subject); // re-inserted at the end, so that the first one is the least recently used
    // A window that ends later than a new one was opened before the clock was set back.
    const isOpen = known !== undefined && known.endsMs > nowMs && known.endsMs <= newEndMs;
    const window = isOpen ? known : { count: 0, endsMs: newEndMs };
    windows.set(subject, window);
    if (windows.size > WINDOWS_MAX) windows.delete(windows.keys().next().value ?? '');
    return window;
  }
}

/** Returns the name of a window in the shared counters. */
function nameOf({ kind, of }: Attempt): string {
  return `${kind} ${of}`;
}

function shortened(subject: string): string {
  return subject.length > SUBJECT_MAX_CHARS ? hash('sha256', subject) : subject;
}
