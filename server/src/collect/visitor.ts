import { isIPv4, isIPv6 } from 'node:net';
import { type Clock, HOUR_MS, utcDay } from '../clock.ts';
import type { Registry } from '../store/store.ts';
import { hash64 } from './hash.ts';

/**
 * Visitors without cookies: a hash of who asks, with a salt that is random per UTC day and then destroyed, so that nobody,
 * the operator included, can follow a visitor over days or recover an address.
 */

/** Yesterday's salt goes this long after midnight: events received just before it may still be on their way. */
const OVERLAP_MS = HOUR_MS;

/** The day's salt, fetched once a day. */
export class DailySalt {
  readonly #registry: Registry;
  readonly #clock: Clock;
  #current: { day: number; salt: string } | null = null;
  #fetching: Promise<string> | null = null;
  #cleanedDay = -1;

  constructor({ registry, clock }: { registry: Registry; clock: Clock }) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Today's salt, in hexadecimal; a promise only when it has to be fetched. May throw `StoreUnavailable`. */
  today(): string | Promise<string> {
    const now = this.#clock.now();
    const day = utcDay(now);
    const overlapIsOver = utcDay(now - OVERLAP_MS) === day;
    if (this.#current?.day === day && (this.#cleanedDay === day || !overlapIsOver)) return this.#current.salt;
    this.#fetching ??= this.#fetch(day, overlapIsOver).finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** Has old salts destroyed, also on a day without visitors, and again where something was in the way the last time. */
  async clean(): Promise<void> {
    const now = this.#clock.now();
    await this.#fetch(utcDay(now), utcDay(now - OVERLAP_MS) === utcDay(now));
  }

  async #fetch(day: number, overlapIsOver: boolean): Promise<string> {
    const salt = Buffer.from(await this.#registry.saltOf(day, overlapIsOver ? day : day - 1)).toString('hex');
    this.#current = { day, salt };
    if (overlapIsOver) this.#cleanedDay = day;
    return salt;
  }
}

/** An address with the part that tells households apart cut off: /24 of IPv4, /48 of IPv6. */
export function truncateAddress(address: string): string {
  if (isIPv4(address)) return address.slice(0, address.lastIndexOf('.'));
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (isIPv4(mapped)) return mapped.slice(0, mapped.lastIndexOf('.'));
  if (!isIPv6(mapped)) return '';
  const canonical = URL.parse(`http://[${mapped.split('%')[0]}]/`)?.hostname.slice(1, -1) ?? '';
  const [head = '', tail] = canonical.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const all =
    tail === undefined ? groups : [...groups, ...Array(8 - groups.length - rest.length).fill('0'), ...rest];
  return all.slice(0, 3).join(':');
}

/**
 * A visitor's pseudonym on one site and host for one day: a signed 64-bit hash.
 *
 * @param agentFamily the user agent without what changes with every version
 */
export function visitorHash(
  salt: string,
  {
    siteId,
    host,
    address,
    agentFamily,
  }: { siteId: string; host: string; address: string; agentFamily: string },
): bigint {
  return hash64(`${salt}\n${siteId}\n${host}\n${truncateAddress(address)}\n${agentFamily}`);
}
