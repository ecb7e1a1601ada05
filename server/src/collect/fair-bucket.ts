import { randomInt } from 'node:crypto';
import { HOUR_MS } from '../clock.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** Below this part of a site's burst an address gets no more than its share. */
const RESERVED = 1 / 2;
/** The part of a site's rate, and of its burst, that is an address's share. */
const SHARE = 1 / 10;
/** Shares held, of all sites together: some 10 MiB. When there is no more room all of them begin anew. */
const SHARES_HELD = 100_000;
/** A site that one address alone has sent to for this long has nobody to be fair to. */
const ALONE_AFTER_MS = HOUR_MS;
/** More than there are sites; a number of this size times 2^32 is still exact. */
const SITES = 2 ** 21;

/**
 * What all sites' buckets have in common: the rate, and what single addresses took of the reserves. In memory only, by a hash
 * with a seed of this process.
 */
export class AddressShares {
  /** Of a site. */
  readonly rate: Rate;
  /** Tokens of a site below which an address gets no more than its share. */
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

  /** A number for a site, to ask with. Should two sites have the same, an address has one share of both. */
  nextSite(): number {
    this.#sites = (this.#sites + 1) % SITES;
    return this.#sites;
  }

  take(site: number, address: number, nowMs: number): number {
    const key = address * SITES + site;
    let share = this.#byAddress.get(key);
    if (share === undefined) {
      if (this.#byAddress.size >= SHARES_HELD) this.#byAddress.clear();
      share = new TokenBucket(this.#shareRate);
      this.#byAddress.set(key, share);
    }
    return share.take(nowMs);
  }
}

/**
 * A site's bucket, which one address cannot use up alone: where others send as well, it gets what is above the reserve, and
 * its share of that. An address that is alone has all of it.
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

  /** Takes a token for an address. @returns 0 when it got one, else the whole seconds until it will. */
  takeFor(address: string, nowMs: number): number {
    const hash = addressHash(address);
    if (hash !== this.#newestAddress) {
      if (this.#newestAddress !== 0) this.#changedAtMs = nowMs;
      this.#newestAddress = hash;
    }
    const alone = nowMs - this.#changedAtMs >= ALONE_AFTER_MS;
    if (!alone && this.fill(nowMs) < this.#shares.reserve) {
      const waitSeconds = this.#shares.take(this.#site, hash, nowMs);
      if (waitSeconds > 0) return waitSeconds;
    }
    return this.take(nowMs);
  }
}

const SEED = randomInt(2 ** 32);
const COLON = 58;

/** A number from 1 for an address; of IPv6 for its network, up to the fourth group or the first gap. Never stored. */
function addressHash(address: string): number {
  let hash = SEED;
  let colons = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === COLON && (++colons === 4 || address.charCodeAt(i + 1) === COLON)) break;
    // FNV-1a: https://datatracker.ietf.org/doc/html/rfc9923
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return (hash >>> 0) + 1;
}
