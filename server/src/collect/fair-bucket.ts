import { HOUR_MS } from '../domain/clock.ts';
import { networkHash } from './network-hash.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** The fraction of a site's burst that is held in reserve. An address can take only its share of the reserve. */
const RESERVED = 1 / 2;
/** The fraction of a site's rate and burst that one address may take from the reserve. */
const SHARE = 1 / 10;
/** The most shares in memory, for all sites together: about 10 MiB. At the limit, all shares are reset. */
const MAX_CACHED_SHARES = 100_000;
/** How long an address must be a site's only sender before it is no longer limited to its share. */
const ALONE_AFTER_MS = HOUR_MS;
/** The number of site numbers. Times 2^32, the largest address hash, it is still an exact integer. */
const SITES = 2 ** 21;

/**
 * Tracks how much each address has taken from the reserves of all sites. It is kept in memory only, by a hash with a seed of
 * this process.
 */
export class AddressShares {
  /** The rate and burst of a site. */
  readonly rate: Rate;
  /** The reserved tokens of a site. */
  readonly reserve: number;
  readonly #shareRate: Rate;
  readonly #byAddress = new Map<number, TokenBucket>();
  #sites = 0;

  constructor(rate: Rate) {
    const { perSecond, burst } = rate;
    this.rate = rate;
    this.reserve = burst * RESERVED;
    this.#shareRate = { perSecond: perSecond * SHARE, burst: Math.max(1, burst * SHARE) };
  }

  /** Returns a number for a site. Numbers repeat after `SITES`: an address has one share for all sites with the same number. */
  nextSite(): number {
    this.#sites = (this.#sites + 1) % SITES;
    return this.#sites;
  }

  tryConsume(site: number, address: number, nowMs: number): number {
    const key = address * SITES + site;
    let share = this.#byAddress.get(key);
    if (share === undefined) {
      if (this.#byAddress.size >= MAX_CACHED_SHARES) this.#byAddress.clear();
      share = new TokenBucket(this.#shareRate);
      this.#byAddress.set(key, share);
    }
    return share.tryConsume(nowMs);
  }
}

/**
 * A site's bucket that no single address can empty. While several addresses send, each can take all tokens above the reserve,
 * but only its share of the reserve. A sole sender can take every token.
 */
export class FairBucket extends TokenBucket {
  readonly #shares: AddressShares;
  readonly #site: number;
  #newestAddress = 0;
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor(shares: AddressShares) {
    super(shares.rate);
    this.#shares = shares;
    this.#site = shares.nextSite();
  }

  /** Takes a token for an address. @returns 0 if one was available, otherwise the whole seconds until one is */
  tryConsumeFor(address: string, nowMs: number): number {
    // From 1, because 0 is no address.
    const hash = networkHash(address) + 1;
    if (hash !== this.#newestAddress) {
      if (this.#newestAddress !== 0) this.#changedAtMs = nowMs;
      this.#newestAddress = hash;
    }
    const alone = nowMs - this.#changedAtMs >= ALONE_AFTER_MS;
    if (!alone && this.fill(nowMs) < this.#shares.reserve) {
      const waitSeconds = this.#shares.tryConsume(this.#site, hash, nowMs);
      if (waitSeconds > 0) return waitSeconds;
    }
    return this.tryConsume(nowMs);
  }
}
