import type { Clock } from '../clock.ts';
import { type HostPolicy, hostFits, ownDomains } from '../host-policy.ts';
import { isSiteKey } from '../keys.ts';
import type { Exclusions, Registry, SiteKeyRecord } from '../store/store.ts';
import { AddressShares, FairBucket } from './fair-bucket.ts';
import type { Rate } from './token-bucket.ts';

/** A site as the collector holds it: one object per site, shared by its keys. */
export interface KnownSite extends HostPolicy {
  readonly id: string;
  readonly accountId: string;
  exclusions: Exclusions | null;
  readonly bucket: FairBucket;
}

export type KeyAnswer =
  | { kind: 'live'; site: KnownSite }
  | { kind: 'retired'; site: KnownSite }
  | { kind: 'unknown' }
  /** The keys could not be loaded yet, so nobody can say whether this one exists. */
  | { kind: 'cannot-know' };

/** How often changes are asked for where nobody tells of them, */
const POLL_MS = 250;
/** and behind notices of a change, which may be lost with a connection. */
const POLL_BEHIND_NOTICES_MS = 1_000;

/**
 * All site keys, in memory: loaded at start, kept up to date by asking the registry for changes, and serving on while the
 * registry is away. No beacon causes a look-up in the database, whether its key is known or not.
 */
export class SiteDirectory {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #shares: AddressShares;
  readonly #byKey = new Map<string, { kind: 'live' | 'retired'; site: KnownSite }>();
  readonly #byId = new Map<string, KnownSite>();
  /** By registered domain; mostly one, more where several accounts registered the same. */
  readonly #byDomain = new Map<string, KnownSite | KnownSite[]>();
  #version = 0;
  #freshAtMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #refreshing: Promise<void> = Promise.resolve();
  /** A notice has asked for a refresh that has not begun. */
  #isNoticed = false;
  #unsubscribe: (() => void) | undefined;

  constructor({
    registry,
    clock,
    rate,
  }: {
    registry: Registry;
    clock: Clock;
    rate: Rate;
  }) {
    this.#registry = registry;
    this.#clock = clock;
    this.#rate = rate;
    this.#shares = new AddressShares(rate);
  }

  /** Loads all keys, then goes on asking for changes until `stop`. Throws where the first load fails. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#registry.onSiteKeysChanged?.(() => this.#onNotice());
    await this.refresh();
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#unsubscribe?.();
  }

  /** Fetches what changed since the last time. One at a time: calls made meanwhile wait and then ask again. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => undefined).then(() => this.#fetchChanges());
    return this.#refreshing;
  }

  resolve(key: string): KeyAnswer {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    // A mistyped or invented key is told by its checksum, also while nobody knows the keys.
    return this.#freshAtMs === null && isSiteKey(key) ? { kind: 'cannot-know' } : { kind: 'unknown' };
  }

  /** Sites that a host belongs to by their rules: whom to tell of a key that is nobody's. */
  sitesOnHost(host: string): KnownSite[] {
    return ownDomains(host)
      .flatMap((domain) => this.#byDomain.get(domain) ?? [])
      .filter((site) => hostFits(site, host));
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Milliseconds since the registry was last heard; null before the first time. */
  ageMs(): number | null {
    return this.#freshAtMs === null ? null : this.#clock.now() - this.#freshAtMs;
  }

  /** Notices in quick succession ask once. What fails is tried again by the poll. */
  #onNotice(): void {
    if (this.#isNoticed) return;
    this.#isNoticed = true;
    this.refresh().catch(() => undefined);
  }

  async #fetchChanges(): Promise<void> {
    this.#isNoticed = false;
    for (let more = true; more; ) {
      const changes = await this.#registry.siteKeysSince(this.#version);
      for (const record of changes.records) this.#apply(record);
      this.#version = changes.version;
      more = changes.more;
    }
    this.#freshAtMs = this.#clock.now();
  }

  #apply(record: SiteKeyRecord): void {
    const { key, siteId, accountId, domain, allowSubdomains, extraHosts, exclusions } = record;
    const known = this.#byId.get(siteId);
    if (record.state === 'gone') {
      this.#byKey.delete(key);
      this.#byId.delete(siteId);
      if (known !== undefined) this.#leaveDomain(known);
      return;
    }
    if (known !== undefined) {
      // Beacons under way hold on to the site, so it is changed in place.
      Object.assign(known, { allowSubdomains, extraHosts, exclusions });
      this.#byKey.set(key, { kind: record.state, site: known });
      return;
    }
    const bucket = new FairBucket(this.#rate, this.#shares);
    const site = { id: siteId, accountId, domain, allowSubdomains, extraHosts, exclusions, bucket };
    this.#byId.set(siteId, site);
    this.#joinDomain(site);
    this.#byKey.set(key, { kind: record.state, site });
  }

  #joinDomain(site: KnownSite): void {
    const there = this.#byDomain.get(site.domain);
    if (there === undefined) this.#byDomain.set(site.domain, site);
    else if (Array.isArray(there)) there.push(site);
    else this.#byDomain.set(site.domain, [there, site]);
  }

  #leaveDomain(site: KnownSite): void {
    const rest = [this.#byDomain.get(site.domain) ?? []].flat().filter((other) => other !== site);
    if (rest.length === 0) this.#byDomain.delete(site.domain);
    else this.#byDomain.set(site.domain, rest);
  }

  #schedule(): void {
    this.#timer = setTimeout(
      async () => {
        // Away: serve what is known, and let `ageMs` tell how old it is.
        await this.refresh().catch(() => undefined);
        if (this.#timer !== null) this.#schedule();
      },
      this.#unsubscribe === undefined ? POLL_MS : POLL_BEHIND_NOTICES_MS,
    );
    this.#timer.unref();
  }
}
