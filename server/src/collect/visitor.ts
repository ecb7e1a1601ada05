import { clientNetwork } from '../domain/addresses.ts';
import { type Clock, HOUR_MS, SECOND_MS, utcDay } from '../domain/clock.ts';
import type { Registry } from '../store/contract/store.ts';
import { hash64 } from './hash.ts';

/**
 * Identifies visitors without cookies, by a hash of the client with a random salt for each UTC day. The hash is a pseudonym: as
 * long as the salt exists, anyone who has it, the address and the user agent can find the visitor's events. The salt is then
 * destroyed, so that no one, not even the operator, can follow a visitor over several days or recover an address.
 */

/** How long yesterday's salt is kept after midnight, for events received just before it that are still in progress. */
const OVERLAP_MS = HOUR_MS;

/**
 * How long before midnight tomorrow's salt is fetched, so that a collector that loses its registry can continue after midnight.
 * An early salt reveals nothing, because tomorrow has no visitors yet.
 */
const AHEAD_MS = 6 * HOUR_MS;
/** How long to wait before retrying a background request to the registry. */
const RETRY_MS = 10 * SECOND_MS;

interface Salt {
  day: number;
  salt: string;
}

/** The salt of the day. It is fetched once, before the day begins if the registry is available. */
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

  /** Returns today's salt in hexadecimal, or a promise of it if it must be fetched. @throws StoreUnavailable */
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
   * Destroys old salts, even on a day without visitors or after a failure. Late in the day, it also fetches tomorrow's salt.
   *
   * @throws StoreUnavailable
   */
  async clean(): Promise<void> {
    const now = this.#clock.now();
    this.#turnTo(utcDay(now));
    await this.#fetch(now);
    if (this.#mustFetchAhead(now)) await this.#fetchAhead(now);
  }

  /** Makes a day the current one: uses its salt if it was fetched ahead, and discards the salts of other days. */
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

  /** Cleans or fetches ahead in the background, while visitors use the loaded salt. */
  #tend(now: number): void {
    if (this.#tending || Math.abs(now - this.#failedAtMs) < RETRY_MS) return;
    this.#tending = true;
    const work = this.#mustClean(now) ? this.#fetch(now) : this.#fetchAhead(now);
    work
      .then(
        () => undefined,
        () => {
          // Later calls retry it, as does `clean`, which also reports failures.
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

/**
 * Returns a visitor's anonymous ID on one site for one day: a signed 64-bit hash. It is the same on all hosts of the site, and
 * differs between two IPv4 addresses, two /64 networks of IPv6, and any two user agents. An IPv6 client changes its address
 * within its /64 by itself (https://www.rfc-editor.org/rfc/rfc8981).
 *
 * @param address a text that is not an address counts as it is, so that different texts remain different visitors
 */
export function visitorHash(
  salt: string,
  { siteId, address, userAgent }: { siteId: string; address: string; userAgent: string },
): bigint {
  return hash64(`${salt}\n${siteId}\n${clientNetwork(address)}\n${userAgent}`);
}
