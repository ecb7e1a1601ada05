import type { PlanName } from '../plans.ts';
import type {
  Account,
  ApiKey,
  Credentials,
  Exclusions,
  Goal,
  KeyScope,
  Member,
  MemberRole,
  NewSite,
  Session,
  Share,
  Site,
  SiteKey,
  SiteKeyRecord,
  Ticket,
} from './store.ts';

/**
 * The registry's rows as its nouns. Its engines keep them in columns of the same names, texts and numbers all of them; yes
 * and no may be 1 and 0. Before each reader stands what it reads.
 */

export type Row = Record<string, unknown>;

export const ACCOUNT = 'id, email, plan, billing_anchor_day, time_zone, created_at';

export function toAccount(row: Row): Account {
  return {
    id: String(row.id),
    email: String(row.email),
    plan: row.plan as PlanName,
    billingAnchorDay: Number(row.billing_anchor_day),
    timeZone: String(row.time_zone),
    createdAtMs: Number(row.created_at),
  };
}

export const SITE =
  'id, account_id, domain, key, allow_subdomains, extra_hosts, retention_days, time_zone, exclusions, created_at';

export function toSite(row: Row): Site {
  return {
    id: String(row.id),
    accountId: String(row.account_id),
    domain: String(row.domain),
    key: String(row.key),
    allowSubdomains: Boolean(row.allow_subdomains),
    extraHosts: JSON.parse(String(row.extra_hosts)) as string[],
    retentionDays: row.retention_days === null ? null : Number(row.retention_days),
    timeZone: row.time_zone === null ? null : String(row.time_zone),
    exclusions: toExclusions(row.exclusions),
    createdAtMs: Number(row.created_at),
  };
}

/** A site as it is right after it was added. */
export function addedSite(site: NewSite): Site {
  return {
    ...site,
    allowSubdomains: false,
    extraHosts: [],
    retentionDays: null,
    timeZone: null,
    exclusions: null,
  };
}

export const SITE_KEY = 'key, site_id, state, created_at';

export function toSiteKey(row: Row): SiteKey {
  return {
    key: String(row.key),
    siteId: String(row.site_id),
    state: row.state as SiteKey['state'],
    createdAtMs: Number(row.created_at),
  };
}

/** What an API key may do, and what it is called by; `API_KEY` has when it was used last besides. */
export const API_KEY_GRANTED = 'id, account_id, name, prefix, scopes, sites, created_at, revoked_at';
export const API_KEY = `${API_KEY_GRANTED}, last_used_at`;

export function toApiKey(row: Row): ApiKey {
  return {
    id: String(row.id),
    accountId: String(row.account_id),
    name: String(row.name),
    prefix: String(row.prefix),
    scopes: String(row.scopes).split(' ') as KeyScope[],
    siteIds: row.sites === null ? null : (JSON.parse(String(row.sites)) as string[]),
    createdAtMs: Number(row.created_at),
    revokedAtMs: row.revoked_at === null ? null : Number(row.revoked_at),
    lastUsedAtMs: row.last_used_at === null ? null : Number(row.last_used_at),
  };
}

/** What most sites have: one list for all of them, since there may be a million. */
const NO_HOSTS: readonly string[] = Object.freeze([]);

export function toSiteKeyRecord(row: Row): SiteKeyRecord {
  const siteExists = row.domain !== null;
  return {
    key: String(row.key),
    state: siteExists ? (row.state as SiteKeyRecord['state']) : 'gone',
    siteId: String(row.site_id),
    domain: siteExists ? String(row.domain) : '',
    allowSubdomains: Boolean(row.allow_subdomains),
    extraHosts:
      siteExists && row.extra_hosts !== '[]' ? (JSON.parse(String(row.extra_hosts)) as string[]) : NO_HOSTS,
    exclusions: toExclusions(row.exclusions),
  };
}

function toExclusions(column: unknown): Exclusions | null {
  return typeof column === 'string' ? (JSON.parse(column) as Exclusions) : null;
}

export const CREDENTIALS = 'id, email, password_hash, totp_secret';

export function toCredentials(row: Row | undefined): Credentials | null {
  if (row === undefined) return null;
  return {
    accountId: String(row.id),
    email: String(row.email),
    passwordHash: String(row.password_hash),
    totpSecret: row.totp_secret === null ? null : String(row.totp_secret),
  };
}

export const SESSION = 'id, account_id, label, created_at, last_seen_at, expires_at';

export function toSession(row: Row): Session {
  return {
    id: String(row.id),
    accountId: String(row.account_id),
    label: String(row.label),
    createdAtMs: Number(row.created_at),
    lastSeenAtMs: Number(row.last_seen_at),
    expiresAtMs: Number(row.expires_at),
  };
}

export const TICKET = 'kind, email, account_id, site_id, role, expires_at';

export function toTicket(row: Row): Ticket {
  return {
    kind: row.kind as Ticket['kind'],
    email: String(row.email),
    accountId: String(row.account_id),
    siteId: row.site_id === null ? null : String(row.site_id),
    role: row.role as MemberRole | null,
    expiresAtMs: Number(row.expires_at),
  };
}

/** Members have their address from their account. */
export const SELECT_MEMBERS =
  'SELECT m.site_id, m.account_id, a.email, m.role FROM members m JOIN accounts a ON a.id = m.account_id';

export function toMember(row: Row): Member {
  return {
    siteId: String(row.site_id),
    accountId: String(row.account_id),
    email: String(row.email),
    role: row.role as MemberRole,
  };
}

export const SHARE = 'id, site_id, name, password_hash, created_at, expires_at';

export function toShare(row: Row): Share {
  return {
    id: String(row.id),
    siteId: String(row.site_id),
    name: String(row.name),
    passwordHash: row.password_hash === null ? null : String(row.password_hash),
    createdAtMs: Number(row.created_at),
    expiresAtMs: row.expires_at === null ? null : Number(row.expires_at),
  };
}

export function toGoal(row: Row): Goal {
  return {
    id: String(row.id),
    siteId: String(row.site_id),
    kind: row.kind as Goal['kind'],
    pattern: String(row.pattern),
  };
}
