import { networkHash } from './network-hash.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** How often an address may be shown to owners: enough to test a page, and for a visitor of a page with a wrong key. */
const STRANGER_RATE: Rate = { perSecond: 0.1, burst: 20 };
/** The most addresses in memory: about 10 MiB. At the limit, all are forgotten. */
const MAX_CACHED_STRANGERS = 100_000;

/**
 * Limits how often an address that sent no key of a site is shown to the site's owner. Anyone can name the host of a site, in an
 * event with an invented key or in the `Referer` of a request for the script.
 */
export class Strangers {
  readonly #byAddress = new Map<number, TokenBucket>();

  /** Returns whether an address (IPv6: its /64 network) may be shown to owners once more. */
  tryConsume(address: string, nowMs: number): boolean {
    const hash = networkHash(address);
    let bucket = this.#byAddress.get(hash);
    if (bucket === undefined) {
      if (this.#byAddress.size >= MAX_CACHED_STRANGERS) this.#byAddress.clear();
      bucket = new TokenBucket(STRANGER_RATE);
      this.#byAddress.set(hash, bucket);
    }
    return bucket.tryConsume(nowMs) === 0;
  }
}
