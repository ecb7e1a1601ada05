import type { PlanName } from '../plans.ts';
import type { People } from './people.ts';

/** The registry: accounts, sites and keys. `store.ts` has the meaning of times and ids. */

/** The registry's answer to a wish that contradicts what it holds. */
export class RegistryConflict extends Error {
  override readonly name = 'RegistryConflict';
  readonly reason: 'email-taken' | 'domain-taken' | 'site-limit' | 'key-limit' | 'last-key';

  constructor(reason: RegistryConflict['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface Account {
  id: string;
  email: string;
  plan: PlanName;
  /** Day of the month, 1 to 31, on which the billing month starts. */
  billingAnchorDay: number;
  /** IANA zone in which the account's days begin. `UTC` until the owner says otherwise. Billing months are UTC all the same. */
  timeZone: string;
  createdAtMs: number;
}

export interface NewAccount {
  id: string;
  email: string;
  plan: PlanName;
  billingAnchorDay: number;
  /** PHC string of an argon2id hash. */
  passwordHash: string;
  createdAtMs: number;
}

export interface Site {
  id: string;
  accountId: string;
  /** Normalised host name or address the site was registered with. */
  domain: string;
  /** The site key that new pages should carry. */
  key: string;
  allowSubdomains: boolean;
  /** Further hosts the owner allows; `*.` at the front means any subdomain. */
  extraHosts: readonly string[];
  /** Events older than this many days are deleted; null: as the installation says. Never changes what was counted. */
  retentionDays: number | null;
  /** IANA zone in which the site's days begin; null: as the account's. */
  timeZone: string | null;
  /** Null: nothing. */
  exclusions: Exclusions | null;
  createdAtMs: number;
}

/** What the owner of a site leaves out. At least one of the lists has an entry. */
export interface Exclusions {
  /** Paths of pages; `*` stands for any text. */
  pages: readonly string[];
  /** ISO 3166-1 alpha-2. */
  countries: readonly string[];
}

/** Which hosts a site's pages may be on, besides its domain and that one's `www.` twin. */
export interface HostRules {
  allowSubdomains: boolean;
  extraHosts: readonly string[];
}

export interface NewSite {
  id: string;
  accountId: string;
  domain: string;
  key: string;
  createdAtMs: number;
}

/** What an API key may do: ask, or report events from a server. */
export type KeyScope = 'read' | 'write';

export interface ApiKey {
  id: string;
  accountId: string;
  name: string;
  /** First characters of the key, to recognise it by. */
  prefix: string;
  scopes: readonly KeyScope[];
  /** The sites it is bound to; null for every site of the account. */
  siteIds: readonly string[] | null;
  createdAtMs: number;
  revokedAtMs: number | null;
  /** When it last spoke for the account, to the minute; null for never. */
  lastUsedAtMs: number | null;
}

export interface NewApiKey {
  id: string;
  accountId: string;
  name: string;
  prefix: string;
  hash: string;
  /** `read` alone where nothing is said. */
  scopes?: readonly KeyScope[];
  /** Every site of the account where nothing is said. */
  siteIds?: readonly string[] | null;
  createdAtMs: number;
}

/** A key that a site's pages carry or carried. */
export interface SiteKey {
  key: string;
  siteId: string;
  /** `retired`: no longer counts, and is answered as such. */
  state: 'live' | 'retired';
  createdAtMs: number;
}

/** What the collector needs to know of one site key. */
export interface SiteKeyRecord {
  key: string;
  /** `retired`: was given out once and no longer counts. `gone`: its site was removed; forget it. */
  state: 'live' | 'retired' | 'gone';
  siteId: string;
  domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
  exclusions: Exclusions | null;
}

export interface SiteKeyChanges {
  records: SiteKeyRecord[];
  /** Ask again with this to get what came after. */
  version: number;
  /** Whether there is more to fetch right now. */
  more: boolean;
}

/** Keys of one site, for ever: collectors hold each of them in memory. A new one every month lasts for eight years. */
export const SITE_KEYS_MAX = 100;

/** Every method may throw `StoreUnavailable`. */
export interface Registry extends People {
  /** @throws RegistryConflict `email-taken` (compared without case) */
  createAccount(account: NewAccount): Promise<Account>;
  /** Makes the account only while there is no other one, in one transaction. Null where there is. */
  createFirstAccount(account: NewAccount): Promise<Account | null>;
  /** The oldest account there is, whose owner runs the installation; of two of one instant, the one whose id sorts first. */
  oldestAccount(): Promise<Account | null>;
  accountByEmail(email: string): Promise<Account | null>;
  accountById(id: string): Promise<Account | null>;
  /** @param timeZone an IANA name that `Intl` knows. Null where there is no such account. */
  setTimeZone(accountId: string, timeZone: string): Promise<Account | null>;
  /** Removes the account and its sites. Its API keys stay known, as keys of an account that no longer exists. */
  removeAccount(id: string): Promise<boolean>;

  /**
   * @param limit most sites the account may have, null for no limit; checked and inserted in one transaction
   * @throws RegistryConflict `domain-taken` (within the account) or `site-limit`
   */
  createSite(site: NewSite, limit: number | null): Promise<Site>;
  /** Oldest first; sites of the same instant in the order they were added. */
  sitesOf(accountId: string): Promise<Site[]>;
  siteById(id: string): Promise<Site | null>;
  /** Removes a site. Its keys are forgotten by collectors; its events are deleted by `Events.remove`. */
  removeSite(siteId: string): Promise<boolean>;
  /** Ids of sites that were removed, in order, after the one named, a bounded number at a time. */
  removedSites(afterId: string): Promise<string[]>;
  /** Null where there is no such site. */
  setHostRules(siteId: string, rules: HostRules): Promise<Site | null>;
  /** Null where there is no such site. */
  setRetention(siteId: string, days: number | null): Promise<Site | null>;
  /** @param timeZone an IANA name that `Intl` knows. Null where there is no such site. */
  setSiteTimeZone(siteId: string, timeZone: string | null): Promise<Site | null>;
  /** Null where there is no such site. */
  setExclusions(siteId: string, exclusions: Exclusions | null): Promise<Site | null>;
  /**
   * Sites in a stable order, after the one named, a bounded number at a time.
   *
   * @param options.ownRetention only those that say themselves how long events are kept
   */
  sitesAfter(siteId: string | null, options?: { ownRetention: boolean }): Promise<Site[]>;

  /**
   * Adds a key to a site and makes it the site's current one. The keys before it go on counting until they are retired.
   * Null where there is no such site.
   * @throws RegistryConflict `key-limit` where the site has `SITE_KEYS_MAX`, retired ones included
   */
  addSiteKey(siteId: string, key: string, atMs: number): Promise<SiteKey | null>;
  /**
   * Retires a key. Null where there is no such key.
   * @throws RegistryConflict `last-key` for the site's current one: a site without a key would lose everything silently
   */
  retireSiteKey(key: string): Promise<SiteKey | null>;
  /** Newest first. */
  siteKeysOf(siteId: string): Promise<SiteKey[]>;

  createApiKey(key: NewApiKey): Promise<ApiKey>;
  /** The key with this hash, revoked or not; null where there never was one. */
  apiKeyByHash(hash: string): Promise<ApiKey | null>;
  /** Revoked ones too, newest first. */
  apiKeysOf(accountId: string): Promise<ApiKey[]>;
  /** Notes when keys were used, by their ids, all at once; never moves back. For an unknown key nothing happens. */
  noteApiKeyUses(atMsById: ReadonlyMap<string, number>): Promise<void>;
  /** Revokes once: a second call answers the first time again. Null where there is no such key. */
  revokeApiKey(id: string, atMs: number): Promise<ApiKey | null>;

  /**
   * Grows whenever an account, a site or an API key was added, changed or removed, by any process: what was read of them
   * stands while this is the same. When a key was used last is no change. Another process's changes are told from the next
   * turn of the event loop on. Cheap; absent where asking would cost a trip.
   */
  changes?(): number;

  /** Site keys that were added or changed after `version` (0 for all), oldest change first, a bounded number at a time. */
  siteKeysSince(version: number): Promise<SiteKeyChanges>;
  /**
   * Calls back soon after site keys were added or changed, by any process, and when notices may have been missed. A hint to
   * ask `siteKeysSince`, no promise: where it is absent, or its connection is lost, asking now and then is all there is.
   *
   * @returns what ends it
   */
  onSiteKeysChanged?(listener: () => void): () => void;

  /**
   * The secret salt of a UTC day, made at random when first asked for and the same for every process. Salts of days
   * before `keepFromDay` are destroyed: no file of the store holds them any more. Asked again, does what another reader
   * was in the way of.
   */
  saltOf(day: number, keepFromDay: number): Promise<Uint8Array>;
}
