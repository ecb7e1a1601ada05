import { isIPv4, isIPv6 } from 'node:net';
import { type Clock, HOUR_MS, SECOND_MS, utcDay } from '../clock.ts';
import type { Registry } from '../store/store.ts';
import { hash64 } from './hash.ts';

/**
 * Visitors without cookies: a hash of who asks, with a salt that is random per UTC day and then destroyed, so that nobody,
 * the operator included, can follow a visitor over days or recover an address.
 */

/** Yesterday's salt goes this long after midnight: events received just before it may still be on their way. */
const OVERLAP_MS = HOUR_MS;

/**
 * Tomorrow's salt is fetched from this long before midnight on, so that a collector that loses its registry after that goes
 * on over midnight. Nobody is a visitor of tomorrow yet: nothing can be told with it any earlier.
 */
const AHEAD_MS = 6 * HOUR_MS;
/** How long the registry is left alone after it was asked in vain for something that can wait. */
const RETRY_MS = 10 * SECOND_MS;

interface Salt {
  day: number;
  salt: string;
}

/** The day's salt, fetched once a day, and ahead of the day where the registry can be reached then. */
export class DailySalt {
  readonly #registry: Registry;
  readonly #clock: Clock;
  #current: Salt | null = null;
  #next: Salt | null = null;
  #cleanedDay = -1;
  #fetching: Promise<string> | null = null;
  #tending = false;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ registry, clock }: { registry: Registry; clock: Clock }) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Today's salt, in hexadecimal; a promise only when it has to be fetched. May throw `StoreUnavailable`. */
  today(): string | Promise<string> {
    const now = this.#clock.now();
    this.#turnTo(utcDay(now));
    if (this.#current !== null) {
      if (this.#mustClean(now) || this.#mustFetchAhead(now)) this.#tend(now);
      return this.#current.salt;
    }
    this.#fetching ??= this.#fetch(now).finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /**
   * Has old salts destroyed, also on a day without visitors, and again where something was in the way the last time; late in
   * the day fetches tomorrow's. May throw `StoreUnavailable`.
   */
  async clean(): Promise<void> {
    const now = this.#clock.now();
    this.#turnTo(utcDay(now));
    await this.#fetch(now);
    if (this.#mustFetchAhead(now)) await this.#fetchAhead(now);
  }

  /** Forgets the salts of other days. */
  #turnTo(day: number): void {
    if (this.#current?.day !== day) this.#current = this.#next?.day === day ? this.#next : null;
    if (this.#next !== null && this.#next.day !== day + 1) this.#next = null;
  }

  #mustClean(now: number): boolean {
    return overlapIsOver(now) && this.#cleanedDay !== utcDay(now);
  }

  #mustFetchAhead(now: number): boolean {
    return this.#next === null && utcDay(now + AHEAD_MS) > utcDay(now);
  }

  /** Does what can wait, while visitors are answered with the salt that is known. */
  #tend(now: number): void {
    if (this.#tending || Math.abs(now - this.#failedAtMs) < RETRY_MS) return;
    this.#tending = true;
    const work = this.#mustClean(now) ? this.#fetch(now) : this.#fetchAhead(now);
    work
      .then(
        () => undefined,
        () => {
          // Tried again by the visitors to come, and by `clean`, whose caller is told.
          this.#failedAtMs = now;
        },
      )
      .finally(() => {
        this.#tending = false;
      });
  }

  async #fetch(now: number): Promise<string> {
    const day = utcDay(now);
    const salt = await this.#ask(day, overlapIsOver(now) ? day : day - 1);
    this.#current = { day, salt };
    if (overlapIsOver(now)) this.#cleanedDay = day;
    return salt;
  }

  async #fetchAhead(now: number): Promise<void> {
    const day = utcDay(now);
    this.#next = { day: day + 1, salt: await this.#ask(day + 1, day) };
  }

  async #ask(day: number, keepFromDay: number): Promise<string> {
    return Buffer.from(await this.#registry.saltOf(day, keepFromDay)).toString('hex');
  }
}

function overlapIsOver(now: number): boolean {
  return utcDay(now - OVERLAP_MS) === utcDay(now);
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
