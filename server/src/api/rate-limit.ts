import { isIPv6 } from 'node:net';
import { type Clock, MINUTE_MS, SECOND_MS } from '../clock.ts';

/** Clients remembered within a minute; when there are more, those who asked least recently start afresh. */
const CLIENTS = 50_000;

export interface Allowance {
  limit: number;
  remaining: number;
  /** Unix time in whole seconds at which the window ends. */
  resetSeconds: number;
  /** Whether this request is within the limit. */
  allowed: boolean;
  /** Whole seconds until the window ends, at least 1. */
  retryAfterSeconds: number;
}

/** Fixed windows of one minute, aligned to the clock. */
export class MinuteWindows {
  readonly #clock: Clock;
  #windowStartMs = 0;
  #used = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one request of a client and says how it stands. */
  take(client: string, limit: number): Allowance {
    this.#turn();
    const used = (this.#used.get(client) ?? 0) + 1;
    this.#used.delete(client); // re-inserted at the end, so that the first is the one that asked least recently
    this.#used.set(client, used);
    if (this.#used.size > CLIENTS) this.#used.delete(this.#used.keys().next().value ?? '');
    return this.#allowance(used, limit);
  }

  #turn(): void {
    const now = this.#clock.now();
    const startMs = now - (now % MINUTE_MS);
    if (startMs === this.#windowStartMs) return;
    this.#windowStartMs = startMs;
    this.#used = new Map();
  }

  #allowance(used: number, limit: number): Allowance {
    const endMs = this.#windowStartMs + MINUTE_MS;
    return {
      limit,
      remaining: Math.max(0, limit - used),
      resetSeconds: endMs / SECOND_MS,
      allowed: used <= limit,
      retryAfterSeconds: Math.max(1, Math.ceil((endMs - this.#clock.now()) / SECOND_MS)),
    };
  }
}

/** The name under which requests without a valid key are counted: the address, of IPv6 the /64 that one client has. */
export function addressClient(address: string): string {
  if (!isIPv6(address)) return `address ${address}`;
  const canonical = URL.parse(`http://[${address.split('%')[0]}]/`)?.hostname.slice(1, -1) ?? address;
  const [head = '', tail] = canonical.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return `network ${[...groups, ...Array(missing).fill('0')].slice(0, 4).join(':')}`;
}
