import { DAY_MS } from '../domain/clock.ts';
import type { PlanName } from '../domain/plans.ts';
import { maskedEmail } from '../domain/security-events.ts';
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
  { registry, clock, record }: Context,
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
  const details = { site: site.domain, role, email: maskedEmail(email) };
  await record({ accountId: site.accountId, event: 'member-invited', details });
  return { email, path: `/invitation/${token}` };
}

/** Makes the invitations of an email address to a site worthless; does nothing if there are none. */
export async function withdrawInvitations(
  { registry, clock, record }: Context,
  { id, accountId, domain }: Site,
  typed: string,
): Promise<void> {
  const invitations = await registry.invitationsTo(id, clock.now());
  const found = invitations.find(({ email }) => email.toLowerCase() === typed.toLowerCase());
  if (found === undefined) return;
  await registry.withdrawInvitations(id, found.email);
  const details = { site: domain, email: maskedEmail(found.email) };
  await record({ accountId, event: 'invitation-withdrawn', details });
}

/** Removes a person from a site, with invitations that would let them return. */
export async function removeMember(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  site: Site,
  accountId: string,
): Promise<void> {
  const member = (await registry.membersOf(site.id)).find((each) => each.accountId === accountId);
  if (member === undefined) return;
  const { email, role } = member;
  await registry.withdrawInvitations(site.id, email);
  await registry.removeMember(site.id, accountId);
  const details = { site: site.domain, role, email: maskedEmail(email) };
  await record({ accountId: site.accountId, event: 'member-removed', details });
  await record({ accountId, event: 'access-removed', details: { site: site.domain } });
}

/** Gives a person a role on a site, and records it for both sides. */
export async function addMember(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  site: Site,
  { id, email }: Account,
  role: MemberRole,
): Promise<void> {
  await registry.setMember(site.id, id, role);
  const details = { site: site.domain, role, email: maskedEmail(email) };
  await record({ accountId: site.accountId, event: 'member-joined', details });
  await record({ accountId: id, event: 'access-granted', details: { site: site.domain, role } });
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
  if (site.accountId !== account.id) await addMember(context, site, account, role);
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
 * @throws UseCaseError `INVALID_EMAIL`, `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`
 */
export async function signUp(
  context: Context,
  { isOpen, invitation, plan, ...typed }: Typed & { isOpen: boolean; invitation: string; plan: PlanName },
): Promise<void> {
  const wanted = await newAccount(context, { ...typed, plan });
  // The invitation remains for the account that has the address.
  if ((await context.registry.accountByEmail(wanted.email)) !== null) return;
  const used = await useInvitation(context, invitation);
  if (used === null && !isOpen) return;
  try {
    const account = await register(context, wanted);
    const site = used?.siteId == null ? null : await context.registry.siteById(used.siteId);
    if (site !== null && used?.role != null) await addMember(context, site, account, used.role);
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
