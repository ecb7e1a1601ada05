import { isIPv6 } from 'node:net';
import type { Attempts } from '../attempts.ts';
import { type Clock, MINUTE_MS, SECOND_MS } from '../clock.ts';

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
  readonly #attempts: Attempts;

  constructor(clock: Clock, attempts: Attempts) {
    this.#clock = clock;
    this.#attempts = attempts;
  }

  /** Counts one request of a client and says how it stands. */
  async take(client: string, limit: number): Promise<Allowance> {
    const atMs = this.#clock.now();
    const { attempts, endsMs } = await this.#attempts.add(`api ${client}`, {
      limit,
      atMs,
      endsMs: atMs - (atMs % MINUTE_MS) + MINUTE_MS,
    });
    return {
      limit,
      remaining: Math.max(0, limit - attempts),
      resetSeconds: endsMs / SECOND_MS,
      allowed: attempts <= limit,
      retryAfterSeconds: Math.max(1, Math.ceil((endsMs - atMs) / SECOND_MS)),
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
