import type { Clock } from '../clock.ts';
import { type HostPolicy, hostFits, ownDomains } from '../host-policy.ts';
import { isSiteKey } from '../keys.ts';
import type { Exclusions, Registry, SiteKeyRecord } from '../store/store.ts';
import { AddressShares, FairBucket } from './fair-bucket.ts';
import { SitesByDomain } from './sites-by-domain.ts';
import type { Rate } from './token-bucket.ts';

/** A site as the collector holds it: one object for all of its keys. There may be a million, so nothing is held that few need. */
export class KnownSite implements HostPolicy {
  readonly id: string;
  readonly domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
  exclusions: Exclusions | null;
  readonly #shares: AddressShares;
  #bucket: FairBucket | null = null;

  constructor(
    { siteId, domain, allowSubdomains, extraHosts, exclusions }: SiteKeyRecord,
    shares: AddressShares,
  ) {
    this.id = siteId;
    this.domain = domain;
    this.allowSubdomains = allowSubdomains;
    this.extraHosts = extraHosts;
    this.exclusions = exclusions;
    this.#shares = shares;
  }

  /** Made when the first beacon comes, full as it would be by then, and kept: what was taken from it must not be forgotten. */
  get bucket(): FairBucket {
    this.#bucket ??= new FairBucket(this.#shares);
    return this.#bucket;
  }

  /** Takes over what may change. Beacons under way hold on to the site, so it is changed in place. */
  follow({ allowSubdomains, extraHosts, exclusions }: SiteKeyRecord): void {
    this.allowSubdomains = allowSubdomains;
    this.extraHosts = extraHosts;
    this.exclusions = exclusions;
  }
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
  readonly #shares: AddressShares;
  readonly #live = new Map<string, KnownSite>();
  readonly #retired = new Map<string, KnownSite>();
  readonly #byDomain = new SitesByDomain<KnownSite>();
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
    const site = this.#live.get(key);
    if (site !== undefined) return { kind: 'live', site };
    const retired = this.#retired.get(key);
    if (retired !== undefined) return { kind: 'retired', site: retired };
    // A mistyped or invented key is told by its checksum, also while nobody knows the keys.
    return this.#freshAtMs === null && isSiteKey(key) ? { kind: 'cannot-know' } : { kind: 'unknown' };
  }

  /** Sites that a host belongs to by their rules: whom to tell of a key that is nobody's. */
  sitesOnHost(host: string): KnownSite[] {
    return ownDomains(host)
      .flatMap((domain) => this.#byDomain.on(domain))
      .filter((site) => hostFits(site, host));
  }

  get size(): number {
    return this.#live.size + this.#retired.size;
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
    const { key, state } = record;
    if (state === 'gone') {
      this.#forget(key);
      return;
    }
    const [keys, others] = state === 'live' ? [this.#live, this.#retired] : [this.#retired, this.#live];
    others.delete(key);
    keys.set(key, this.#siteOf(record));
  }

  /** The site of a key, made or changed by what its record says. */
  #siteOf(record: SiteKeyRecord): KnownSite {
    const known = this.#byDomain.find(record.domain, record.siteId);
    if (known !== undefined) {
      known.follow(record);
      return known;
    }
    const site = new KnownSite(record, this.#shares);
    this.#byDomain.add(site);
    return site;
  }

  /** Forgets a key, and with the first one its site: that is gone when its keys are. */
  #forget(key: string): void {
    const site = this.#live.get(key) ?? this.#retired.get(key);
    if (site === undefined) return;
    this.#live.delete(key);
    this.#retired.delete(key);
    this.#byDomain.remove(site);
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
