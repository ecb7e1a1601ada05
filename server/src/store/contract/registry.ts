import type { Exclusions } from '../../domain/exclusions.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { People } from './people.ts';

/** The registry of accounts, sites and keys. `store.ts` defines times and ids. */

/** A change that conflicts with the registry's contents. Use cases turn it into a message for users. */
export class RegistryConflict extends Error {
  override readonly name = 'RegistryConflict';
  readonly reason: 'email-taken' | 'domain-taken' | 'site-limit' | 'key-limit' | 'last-key';

  constructor(reason: RegistryConflict['reason']) {
    super(`the registry refused a change: ${reason}`);
    this.reason = reason;
  }
}

export interface Account {
  id: string;
  email: string;
  plan: PlanName;
  /** Day of the month, 1 to 31, on which the billing month starts. */
  billingAnchorDay: number;
  /** IANA time zone of the account's days; `UTC` unless the owner changes it. Billing months are always UTC. */
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
  /** The person of the identity provider that it is linked to. */
  identity?: string;
  /** An IANA name that `Intl` knows; UTC by default. */
  timeZone?: string;
  createdAtMs: number;
}

export interface Site {
  id: string;
  accountId: string;
  /** Normalized host name or address with which the site was registered. */
  domain: string;
  /** The current site key, which new pages should carry. */
  key: string;
  allowSubdomains: boolean;
  /** Additional hosts that the owner allows; a leading `*.` matches any subdomain. */
  extraHosts: readonly string[];
  /** Days after which events are deleted; null for the server's default. Deletion never changes counts. */
  retentionDays: number | null;
  /** IANA time zone of the site's days; null for the account's. */
  timeZone: string | null;
  /** The traffic that is not counted; null if there are no exclusions. */
  exclusions: Exclusions | null;
  /** Whether `/a/` counts as the page `/a`. */
  mergeTrailingSlashes: boolean;
  createdAtMs: number;
}

/** The hosts allowed for a site's pages, other than its domain and the `www.` variant. */
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

/** A permission of an API key: to read reports, to send events from a server, or to change settings of sites. */
export type KeyScope = 'read' | 'write' | 'configure';

export interface ApiKey {
  id: string;
  accountId: string;
  name: string;
  /** The first characters of the key, so that its owner recognizes it. */
  prefix: string;
  scopes: readonly KeyScope[];
  /** The sites that the key is limited to; null for every site of the account. */
  siteIds: readonly string[] | null;
  createdAtMs: number;
  revokedAtMs: number | null;
  /** When it was last used, to the minute; null if never. */
  lastUsedAtMs: number | null;
}

export interface NewApiKey {
  id: string;
  accountId: string;
  name: string;
  prefix: string;
  hash: string;
  /** Defaults to `read` only. */
  scopes?: readonly KeyScope[];
  /** Defaults to null, which means every site of the account. */
  siteIds?: readonly string[] | null;
  createdAtMs: number;
}

/** A site key, current or earlier. */
export interface SiteKey {
  key: string;
  siteId: string;
  /** `retired`: beacons with this key are refused with an error that says so. */
  state: 'live' | 'retired';
  createdAtMs: number;
}

/** A site key with everything that the collector needs to know about it. */
export interface SiteKeyRecord {
  key: string;
  /** `retired`: beacons with it are refused. `gone`: its site was removed, so the collector can drop it. */
  state: 'live' | 'retired' | 'gone';
  siteId: string;
  domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
  exclusions: Exclusions | null;
  mergeTrailingSlashes: boolean;
}

export interface SiteKeyChanges {
  records: SiteKeyRecord[];
  /** The version to pass to the next call to get later changes. */
  version: number;
  /** Whether more changes can be fetched right away. */
  more: boolean;
}

/** Maximum keys of a site, retired ones included: one a month for eight years. Collectors keep all of them in memory. */
export const SITE_KEYS_MAX = 100;

/** The registry half of the store. Every method may throw `StoreUnavailable`. */
export interface Registry extends People {
  /** Creates an account. @throws RegistryConflict `email-taken`, ignoring case */
  createAccount(account: NewAccount): Promise<Account>;
  /** Creates the first account in one transaction. Returns null if there is an account already. */
  createFirstAccount(account: NewAccount): Promise<Account | null>;
  /** Returns the oldest account, whose owner administers the server. Of two created at once, the id that sorts first wins. */
  oldestAccount(): Promise<Account | null>;
  accountByEmail(email: string): Promise<Account | null>;
  accountById(id: string): Promise<Account | null>;
  /** Sets an account's time zone; returns null if it does not exist. @param timeZone an IANA name that `Intl` knows */
  setTimeZone(accountId: string, timeZone: string): Promise<Account | null>;
  /** Removes the account and its sites. Its API keys remain on record as keys of an account that no longer exists. */
  removeAccount(id: string): Promise<boolean>;

  /**
   * Creates a site. The limit is checked in the same transaction.
   *
   * @param limit maximum sites of the account; null for no limit
   * @throws RegistryConflict `domain-taken` (within the account) or `site-limit`
   */
  createSite(site: NewSite, limit: number | null): Promise<Site>;
  /** Returns an account's sites, oldest first. Sites of the same instant keep the order in which they were added. */
  sitesOf(accountId: string): Promise<Site[]>;
  siteById(id: string): Promise<Site | null>;
  /** Removes a site. Collectors drop its keys; `Events.remove` deletes its events. */
  removeSite(siteId: string): Promise<boolean>;
  /** Returns the ids of removed sites that sort after `afterId`, in order, a bounded number per call. */
  removedSites(afterId: string): Promise<string[]>;
  /** Sets a site's host rules. Returns null if there is no such site. */
  setHostRules(siteId: string, rules: HostRules): Promise<Site | null>;
  /** Sets a site's retention. Returns null if there is no such site. */
  setRetention(siteId: string, days: number | null): Promise<Site | null>;
  /** Sets a site's time zone; returns null if there is no such site. @param timeZone an IANA name that `Intl` knows, or null */
  setSiteTimeZone(siteId: string, timeZone: string | null): Promise<Site | null>;
  /** Sets a site's exclusions. Returns null if there is no such site. */
  setExclusions(siteId: string, exclusions: Exclusions | null): Promise<Site | null>;
  /** Sets whether a site counts `/a/` as the page `/a`; returns null if it does not exist. */
  setMergeTrailingSlashes(siteId: string, merge: boolean): Promise<Site | null>;
  /**
   * Returns sites in a stable order, starting after `siteId` (null: from the first), a bounded number per call.
   *
   * @param options.ownRetention returns only sites that override the server's default retention
   */
  sitesAfter(siteId: string | null, options?: { ownRetention: boolean }): Promise<Site[]>;

  /**
   * Adds a key to a site and makes it the current one. Earlier keys keep working until they are retired.
   * Returns null if there is no such site.
   * @throws RegistryConflict `key-limit` if the site has `SITE_KEYS_MAX`, retired ones included
   */
  addSiteKey(siteId: string, key: string, atMs: number): Promise<SiteKey | null>;
  /**
   * Retires a key. Returns null if there is no such key.
   * @throws RegistryConflict `last-key` for the site's current key, without which all its beacons would be lost silently
   */
  retireSiteKey(key: string): Promise<SiteKey | null>;
  /** Returns a site's keys, newest first. */
  siteKeysOf(siteId: string): Promise<SiteKey[]>;

  createApiKey(key: NewApiKey): Promise<ApiKey>;
  /** Finds an API key by its hash, even if it was revoked; null if there never was one. */
  apiKeyByHash(hash: string): Promise<ApiKey | null>;
  /** Returns an account's API keys, newest first, including revoked ones. */
  apiKeysOf(accountId: string): Promise<ApiKey[]>;
  /** Records when API keys were last used, by id. Earlier times and unknown keys are ignored. */
  noteApiKeyUses(atMsById: ReadonlyMap<string, number>): Promise<void>;
  /** Revokes an API key. A second call keeps the time of the first. Returns null if there is no such key. */
  revokeApiKey(id: string, atMs: number): Promise<ApiKey | null>;

  /** Returns site keys added or changed after `version` (0 for all), oldest change first, a bounded number per call. */
  siteKeysSince(version: number): Promise<SiteKeyChanges>;
  /**
   * Calls the listener soon after any process adds or changes site keys, and when a notification may have been missed. It is
   * only a hint to call `siteKeysSince`: without this method, or while its connection is lost, only polling finds changes.
   *
   * @returns a function that stops listening
   */
  onSiteKeysChanged?(listener: () => void): () => void;

  /**
   * Returns the secret salt of a UTC day, which the first call creates at random and every process shares. It also destroys
   * the salts of days before `keepFromDay`, so that no file of the store contains them; if a reader prevents that, a later
   * call completes it.
   */
  saltOf(day: number, keepFromDay: number): Promise<Uint8Array>;
}
