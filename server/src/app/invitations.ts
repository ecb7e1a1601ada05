import { DAY_MS } from '../domain/clock.ts';
import type { PlanName } from '../domain/plans.ts';
import { digestToken, newToken } from '../domain/tokens.ts';
import type { Account, MemberRole, OneTimeToken, Site } from '../store/contract/store.ts';
import { newAccount, register, type Typed } from './accounts.ts';
import type { Context } from './context.ts';
import { readEmail } from './inputs.ts';
import { refusal, UseCaseError } from './use-case-error.ts';

/** Use cases of invitations to a site, and of sign-up. */

/** How long an invitation is valid. */
const INVITATION_MS = 7 * DAY_MS;
/** The maximum number of members of a site, including pending invitations but not the owner. */
const MEMBERS_MAX = 100;

/**
 * Invites a person to a site.
 *
 * @returns the path of the link on the server
 * @throws UseCaseError `INVALID_EMAIL`, `TOO_MANY_MEMBERS`
 */
export async function invite(
  { registry, clock }: Context,
  { site, inviter, email: typed, role }: { site: Site; inviter: Account; email: string; role: MemberRole },
): Promise<{ email: string; path: string }> {
  const email = readEmail(typed);
  const now = clock.now();
  const [members, invitations] = await Promise.all([
    registry.membersOf(site.id),
    registry.invitationsTo(site.id, now),
  ]);
  if (members.length + invitations.length >= MEMBERS_MAX) throw refusal('TOO_MANY_MEMBERS', MEMBERS_MAX);
  const token = newToken();
  await registry.createOneTimeToken(
    {
      ...{ kind: 'invitation', email, role, accountId: inviter.id, siteId: site.id },
      expiresAtMs: now + INVITATION_MS,
    },
    digestToken(token),
  );
  return { email, path: `/invitation/${token}` };
}

/** Finds an invitation without using it; null if it was used, has expired, or its site was removed. */
export async function openInvitation(
  context: Context,
  token: string,
): Promise<{ site: Site; role: MemberRole } | null> {
  const invitation = await invitationBy(context, token);
  const site = invitation?.siteId == null ? null : await context.registry.siteById(invitation.siteId);
  return site === null ? null : { site, role: invitation?.role ?? 'viewer' };
}

/** Accepts an invitation for an existing account. @returns the site; null if the invitation is invalid */
export async function acceptInvitation(
  context: Context,
  token: string,
  account: Account,
): Promise<Site | null> {
  const invitation = await openInvitation(context, token);
  if (invitation === null || (await useInvitation(context, token)) === null) return null;
  const { site, role } = invitation;
  // An owner who opens their own invitation stays the owner.
  if (site.accountId !== account.id) await context.registry.setMember(site.id, account.id, role);
  return site;
}

/** Whether a new account can be created: with an invitation, or by anyone if sign-up is open and setup is done. */
export async function maySignUp(
  context: Context,
  { isOpen, invitation }: { isOpen: boolean; invitation: string },
): Promise<boolean> {
  if (!(await context.registry.hasAccounts())) return false;
  return isOpen || (await invitationBy(context, invitation)) !== null;
}

/**
 * Creates an account, unless one with this email address exists; the result does not reveal which. A valid invitation is used
 * up and gives the new account its role on the site.
 *
 * @throws UseCaseError `INVALID_EMAIL`, `INVALID_PASSWORD`
 */
export async function signUp(
  context: Context,
  { isOpen, invitation, plan, ...typed }: Typed & { isOpen: boolean; invitation: string; plan: PlanName },
): Promise<void> {
  const wanted = await newAccount(context, { ...typed, plan });
  const used = await useInvitation(context, invitation);
  if (used === null && !isOpen) return;
  try {
    const account = await register(context, wanted);
    if (used?.siteId != null && used.role !== null)
      await context.registry.setMember(used.siteId, account.id, used.role);
  } catch (error) {
    if (!(error instanceof UseCaseError)) throw error;
  }
}

async function invitationBy({ registry, clock }: Context, token: string): Promise<OneTimeToken | null> {
  const found = await registry.oneTimeToken(digestToken(token), clock.now());
  return found?.kind === 'invitation' ? found : null;
}

/** Uses up an invitation, but no other kind of one-time token. */
async function useInvitation(context: Context, token: string): Promise<OneTimeToken | null> {
  if ((await invitationBy(context, token)) === null) return null;
  return context.registry.useOneTimeToken(digestToken(token), context.clock.now());
}
