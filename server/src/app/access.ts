import type { Account, Registry, Site } from '../store/contract/store.ts';

/** Permissions on sites and on the server, all decided here. */

export type Role = 'owner' | 'admin' | 'viewer';

/** The roles that are allowed each kind of access to a site. */
const SITE_ACTIONS = {
  /** To see reports, the ledger and the snippet. */
  look: ['owner', 'admin', 'viewer'],
  /** To change allowed hosts, keys, goals, public links and retention. */
  configure: ['owner', 'admin'],
  /** To manage members and remove the site. */
  own: ['owner'],
} as const satisfies Record<string, readonly Role[]>;

export type SiteAction = keyof typeof SITE_ACTIONS;

export function may(role: Role, action: SiteAction): boolean {
  return (SITE_ACTIONS[action] as readonly Role[]).includes(role);
}

/** Whether an account administers the server: it is the oldest one, which setup created. */
export async function isOperator(
  registry: Pick<Registry, 'oldestAccount'>,
  account: Account,
): Promise<boolean> {
  return (await registry.oldestAccount())?.id === account.id;
}

/** Returns the role of an account on a site; null if it has none. */
export async function roleOf(
  registry: Pick<Registry, 'roleOn'>,
  account: Account,
  site: Site,
): Promise<Role | null> {
  return site.accountId === account.id ? 'owner' : registry.roleOn(site.id, account.id);
}
