import type { Clock } from '../domain/clock.ts';
import { ExclusionRules, type Exclusions } from '../domain/exclusions.ts';
import { type HostPolicy, isHostAllowed, ownDomains } from '../domain/host-policy.ts';
import { isSiteKey } from '../domain/keys.ts';
import { OutageMonitor } from '../domain/outage.ts';
import type { Registry, SiteKeyRecord } from '../store/contract/store.ts';
import { AddressShares, FairBucket } from './fair-bucket.ts';
import { SitesByDomain } from './sites-by-domain.ts';
import type { Rate } from './token-bucket.ts';

/** The rules of the many sites whose exclusions are the default. */
const DEFAULT_RULES = new ExclusionRules(null);

/** A site in the collector's memory. All keys of a site share one small object, because there may be a million sites. */
export class KnownSite implements HostPolicy {
  readonly id: string;
  readonly domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
  exclusions: Exclusions | null;
  mergeTrailingSlashes: boolean;
  readonly #shares: AddressShares;
  #bucket: FairBucket | null = null;
  #rules: ExclusionRules | null = null;

  constructor(
    { siteId, domain, allowSubdomains, extraHosts, exclusions, mergeTrailingSlashes }: SiteKeyRecord,
    shares: AddressShares,
  ) {
    this.id = siteId;
    this.domain = domain;
    this.allowSubdomains = allowSubdomains;
    this.extraHosts = extraHosts;
    this.exclusions = exclusions;
    this.mergeTrailingSlashes = mergeTrailingSlashes;
    this.#shares = shares;
  }

  /** The site's rate limit, created full when the first beacon arrives. */
  get bucket(): FairBucket {
    this.#bucket ??= new FairBucket(this.#shares);
    return this.#bucket;
  }

  /** The exclusions, prepared when the first beacon arrives after a change. */
  get rules(): ExclusionRules {
    this.#rules ??= this.exclusions === null ? DEFAULT_RULES : new ExclusionRules(this.exclusions, this);
    return this.#rules;
  }

  /** Updates the site in place, because beacons in progress refer to it. */
  follow({ allowSubdomains, extraHosts, exclusions, mergeTrailingSlashes }: SiteKeyRecord): void {
    this.allowSubdomains = allowSubdomains;
    this.extraHosts = extraHosts;
    this.exclusions = exclusions;
    this.mergeTrailingSlashes = mergeTrailingSlashes;
    this.#rules = null;
  }
}

export type KeyAnswer =
  | { kind: 'live'; site: KnownSite }
  | { kind: 'retired'; site: KnownSite }
  | { kind: 'unknown' }
  /** The keys have not been loaded yet, so it is unknown whether this one exists. */
  | { kind: 'cannot-know' };

/** The polling interval for changes, if the registry sends no notices. */
const POLL_MS = 250;
/** The polling interval if the registry sends notices. Polling continues, because a lost connection loses notices. */
const POLL_BEHIND_NOTICES_MS = 1_000;

/**
 * All site keys, in memory. They are loaded at start, kept up to date by polling the registry, and stay in use while the
 * registry is unavailable. No beacon causes a database look-up, whether its key is known or not.
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
  /** Whether a notice has requested a refresh that has not begun yet. */
  #isNoticed = false;
  #unsubscribe: (() => void) | undefined;
  readonly #outage: OutageMonitor;

  constructor({
    registry,
    clock,
    rate,
    onOutage,
  }: {
    registry: Registry;
    clock: Clock;
    rate: Rate;
    /** Called with the error when refreshing begins to fail, and with null when it succeeds again. */
    onOutage: (error: string | null) => void;
  }) {
    this.#outage = new OutageMonitor(onOutage);
    this.#registry = registry;
    this.#clock = clock;
    this.#shares = new AddressShares(rate);
  }

  /** Loads all keys, then polls for changes until `stop`. @throws if the first load fails */
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

  /** Fetches the changes since the last refresh. Refreshes run one at a time: a concurrent call waits, then fetches again. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => undefined).then(() => this.#fetchChanges());
    return this.#refreshing;
  }

  resolve(key: string): KeyAnswer {
    const site = this.#live.get(key);
    if (site !== undefined) return { kind: 'live', site };
    const retired = this.#retired.get(key);
    if (retired !== undefined) return { kind: 'retired', site: retired };
    // The checksum reveals a mistyped or invented key even before the keys are loaded.
    return this.#freshAtMs === null && isSiteKey(key) ? { kind: 'cannot-know' } : { kind: 'unknown' };
  }

  /** Lists the sites whose rules allow a host, to record an unknown key in their ledgers. */
  sitesOnHost(host: string): KnownSite[] {
    return ownDomains(host)
      .flatMap((domain) => this.#byDomain.on(domain))
      .filter((site) => isHostAllowed(site, host));
  }

  get size(): number {
    return this.#live.size + this.#retired.size;
  }

  /** The reason why the last refresh failed; null if it succeeded. */
  get lastError(): string | null {
    return this.#outage.error;
  }

  /** Returns the milliseconds since the last successful refresh; null if there was none. */
  ageMs(): number | null {
    return this.#freshAtMs === null ? null : this.#clock.now() - this.#freshAtMs;
  }

  /** Refreshes once for several notices in quick succession. If it fails, the next poll tries again. */
  #onNotice(): void {
    if (this.#isNoticed) return;
    this.#isNoticed = true;
    void this.#tryRefresh();
  }

  /** Refreshes, and reports failures. The loaded keys stay in use while the registry is unavailable. */
  async #tryRefresh(): Promise<void> {
    try {
      await this.refresh();
      this.#outage.succeeded();
    } catch (error) {
      this.#outage.failed(error);
    }
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

  /** Creates or updates the site of a record, and returns it. */
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

  /** Removes a key and its site. Keys are removed only together with their site. */
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
        await this.#tryRefresh();
        if (this.#timer !== null) this.#schedule();
      },
      this.#unsubscribe === undefined ? POLL_MS : POLL_BEHIND_NOTICES_MS,
    );
    this.#timer.unref();
  }
}
