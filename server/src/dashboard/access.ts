import type { Account, Registry, Site } from '../store/store.ts';

/** Who may do what with a site, or with the installation: the one place that decides it. */

export type Role = 'owner' | 'admin' | 'viewer';

/** What a page does to a site, and the roles that may. */
export const SITE_ACTIONS = {
  /** Reports, the ledger, the snippet. */
  look: ['owner', 'admin', 'viewer'],
  /** Host rules, keys, goals, shares, retention. */
  configure: ['owner', 'admin'],
  /** Who else works on it, and its end. */
  own: ['owner'],
} as const satisfies Record<string, readonly Role[]>;

export type SiteAction = keyof typeof SITE_ACTIONS;

export function may(role: Role, action: SiteAction): boolean {
  return (SITE_ACTIONS[action] as readonly Role[]).includes(role);
}

/** Whether somebody runs the installation: whose account is the oldest, the one that set-up made. */
export async function isOperator(
  registry: Pick<Registry, 'oldestAccount'>,
  account: Account,
): Promise<boolean> {
  return (await registry.oldestAccount())?.id === account.id;
}

/** The role of an account on a site, null where it has none. */
export async function roleOf(
  registry: Pick<Registry, 'roleOn'>,
  account: Account,
  site: Site,
): Promise<Role | null> {
  return site.accountId === account.id ? 'owner' : registry.roleOn(site.id, account.id);
}
