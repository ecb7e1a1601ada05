import { newAccountId } from '../domain/keys.ts';
import type { PlanName } from '../domain/plans.ts';
import type { SingleSignOnSettings } from '../domain/single-sign-on.ts';
import { newToken } from '../domain/tokens.ts';
import type { Credentials, MemberRole } from '../store/contract/store.ts';
import { endSessionsAndResets, register } from './accounts.ts';
import type { Context } from './context.ts';
import { addMember, removeMember } from './invitations.ts';
import { hashPassword } from './passwords.ts';
import type { ProviderPerson } from './single-sign-on.ts';
import { refusal, UseCaseError } from './use-case-error.ts';

/**
 * Which account a person of the identity provider signs in to.
 *
 * An account is linked to the provider's subject, not to an address: addresses change hands. An account that exists under the
 * person's address is not linked by the address alone, since anyone may have made it: sign-up does not verify addresses, and whoever
 * made it would keep its password. So the first time, its password (and second factor) is asked for. Those who do not know it
 * reset it by email, which ends what others may have opened. If only the provider may sign people in, passwords are of no use, so
 * the account is linked at once, its sessions end, and its password is replaced by one that no one knows. An account has one person
 * of the provider, and never gets another.
 */

/** What comes next: the person is signed in, or has to show that the account is theirs. */
export interface ProviderSignIn {
  credentials: Credentials;
  isLinked: boolean;
}

/**
 * Finds or creates the account of a person.
 *
 * @throws UseCaseError `SSO_DOMAIN`, `SSO_NO_ACCOUNT`, `SSO_OTHER_PERSON`
 */
export async function signInWithProvider(
  context: Context,
  { domains, only }: Pick<SingleSignOnSettings, 'domains' | 'only'>,
  person: ProviderPerson,
  plan: PlanName,
): Promise<ProviderSignIn> {
  const { registry } = context;
  const { identity, email } = person;
  if (domains.length > 0 && !domains.includes(domainOf(email))) throw refusal('SSO_DOMAIN', email);
  const known = await registry.credentialsByIdentity(identity);
  if (known !== null) return linked(context, known, person);
  const found = await registry.credentialsByEmail(email);
  if (found === null) {
    if (domains.length === 0) throw refusal('SSO_NO_ACCOUNT', email);
    return linked(context, await createFor(context, person, plan), person);
  }
  if (await registry.hasIdentity(found.accountId)) throw refusal('SSO_OTHER_PERSON', email);
  if (!only) return { credentials: found, isLinked: false };
  await linkAccount(context, found, person);
  // Its password must not come back to life if passwords do.
  await registry.setPassword(found.accountId, await unknownPassword());
  await endSessionsAndResets(context, found.accountId);
  const credentials = await registry.credentialsByIdentity(identity);
  if (credentials === null) throw refusal('SSO_OTHER_PERSON', email);
  return { credentials, isLinked: true };
}

/** Links an account to a person. @throws UseCaseError `SSO_OTHER_PERSON` if either has another one by now */
export async function linkAccount(
  context: Context,
  { accountId, email }: Pick<Credentials, 'accountId' | 'email'>,
  { identity, role }: Pick<ProviderPerson, 'identity' | 'role'>,
): Promise<void> {
  if (!(await context.registry.linkIdentity(accountId, identity))) throw refusal('SSO_OTHER_PERSON', email);
  await context.record({ accountId, event: 'single-sign-on-linked' });
  await setRole(context, accountId, role);
}

/** Unlinks an account from its person, so that it can be linked to another one. */
export async function unlinkAccount(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
): Promise<void> {
  await registry.unlinkIdentity(accountId);
  await record({ accountId, event: 'single-sign-on-unlinked' });
}

async function linked(
  context: Context,
  credentials: Credentials,
  { role }: ProviderPerson,
): Promise<ProviderSignIn> {
  await setRole(context, credentials.accountId, role);
  return { credentials, isLinked: true };
}

/** Creates an account that no password opens. */
async function createFor(
  context: Context,
  { identity, email }: ProviderPerson,
  plan: PlanName,
): Promise<Credentials> {
  const { registry, clock } = context;
  const account = { id: newAccountId(), email, plan, billingAnchorDay: 1, createdAtMs: clock.now() };
  try {
    await register(context, { ...account, identity, passwordHash: await unknownPassword() });
  } catch (error) {
    // The same person may have come back twice at the same moment.
    if (!(error instanceof UseCaseError && error.code === 'EMAIL_TAKEN')) throw error;
  }
  const made = await registry.credentialsByIdentity(identity);
  if (made === null) throw refusal('SSO_OTHER_PERSON', email);
  return made;
}

/** Returns the hash of a password that no one knows. */
function unknownPassword(): Promise<string> {
  return hashPassword(newToken());
}

/** Gives an account its role on all sites of the operator, or takes it away. The operator's own account has no other role. */
async function setRole(
  context: Context,
  accountId: string,
  role: MemberRole | null | undefined,
): Promise<void> {
  if (role === undefined) return;
  const { registry } = context;
  const [operator, account] = [await registry.oldestAccount(), await registry.accountById(accountId)];
  if (operator === null || account === null || operator.id === accountId) return;
  for (const site of await registry.sitesOf(operator.id)) {
    if (role === null) await removeMember(context, site, accountId);
    else if ((await registry.roleOn(site.id, accountId)) !== role)
      await addMember(context, site, account, role);
  }
}

/** Returns the domain of an address. Only ASCII letters lose their case, so that no other letter turns into one of them. */
function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
