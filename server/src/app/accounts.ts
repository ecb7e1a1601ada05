import { randomUUID } from 'node:crypto';
import { isTimeZone } from '../domain/calendar.ts';
import { newAccountId, newPassword } from '../domain/keys.ts';
import type { PlanName } from '../domain/plans.ts';
import { maskedEmail } from '../domain/security-events.ts';
import type { Account, Credentials, Events, NewAccount } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { readEmail, readNewPassword, readPlan, readTimeZone } from './inputs.ts';
import { hashPassword, PASSWORD_MAX_CHARS, verifyPassword } from './passwords.ts';
import { refusal, refusingConflicts, UseCaseError } from './use-case-error.ts';

/** Use cases of accounts: create, change and remove. */

/** What people type to create an account or to sign in. */
export interface Typed {
  email: string;
  password: string;
  /** The time zone as the browser reports it. One that is unknown here is ignored. */
  timeZone?: string;
}

/** Validates all fields of a new account. @returns the errors; null if there are none */
export async function problemsOf({
  email,
  password,
}: Typed): Promise<Partial<Record<'email' | 'password', string | undefined>> | null> {
  const problems = {
    email: await sentenceOf(async () => readEmail(email)),
    password: await sentenceOf(() => readNewPassword(password)),
  };
  return problems.email === undefined && problems.password === undefined ? null : problems;
}

async function sentenceOf(read: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (!(error instanceof UseCaseError)) throw error;
    return error.message;
  }
}

/**
 * Builds a new account with the hash of the password.
 *
 * @throws UseCaseError `INVALID_EMAIL`, `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`
 */
export async function newAccount(
  { clock }: Pick<Context, 'clock'>,
  { email, password, timeZone = '', plan }: Typed & { plan: PlanName },
): Promise<NewAccount> {
  return {
    id: newAccountId(),
    email: readEmail(email),
    plan,
    billingAnchorDay: 1,
    passwordHash: await hashPassword(await readNewPassword(password)),
    ...(isTimeZone(timeZone) && { timeZone }),
    createdAtMs: clock.now(),
  };
}

/**
 * Creates an account, with a generated password if none is given.
 *
 * @returns the account and its password
 * @throws UseCaseError `INVALID_EMAIL`, `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`, `INVALID_PLAN`, `EMAIL_TAKEN`
 */
export async function createAccount(
  context: Context,
  { email, password = newPassword(), plan }: { email: string; password?: string | undefined; plan: string },
): Promise<{ account: Account; password: string }> {
  const wanted = await newAccount(context, { email, password, plan: readPlan(plan) });
  return { account: await register(context, wanted), password };
}

/** Stores a new account. @throws UseCaseError `EMAIL_TAKEN` */
export async function register(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  wanted: NewAccount,
): Promise<Account> {
  const account = await refusingConflicts(registry.createAccount(wanted), {
    'email-taken': () => refusal('EMAIL_TAKEN', wanted.email),
  });
  await record({ accountId: account.id, event: 'account-created' });
  return account;
}

/**
 * Creates the account of the instance's owner, on the plan Pro, because they run the server themselves.
 * Returns null if there is already an account.
 *
 * @throws UseCaseError `INVALID_EMAIL`, `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`
 */
export async function createFirstAccount(context: Context, typed: Typed): Promise<Account | null> {
  const wanted = await newAccount(context, { ...typed, plan: 'pro' });
  const account = await context.registry.createFirstAccount(wanted);
  if (account !== null) await context.record({ accountId: account.id, event: 'account-created' });
  return account;
}

/** Finds an account by its email address, compared without case. @throws UseCaseError `ACCOUNT_NOT_FOUND` */
export async function findAccount({ registry }: Pick<Context, 'registry'>, email: string): Promise<Account> {
  const account = await registry.accountByEmail(email.trim());
  if (account === null) throw refusal('ACCOUNT_NOT_FOUND', email);
  return account;
}

/**
 * Changes the email address of an account, and ends its sessions and reset links, which were sent to the old address.
 *
 * @throws UseCaseError `INVALID_EMAIL`, `EMAIL_TAKEN`
 */
export async function changeEmail(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
  typed: string,
): Promise<void> {
  const email = readEmail(typed);
  await refusingConflicts(registry.setEmail(accountId, email), {
    'email-taken': () => refusal('EMAIL_TAKEN', email),
  });
  await endSessionsAndResets({ registry }, accountId);
  await record({ accountId, event: 'email-changed', details: { email: maskedEmail(email) } });
}

/**
 * Sets a password, and ends all sessions and reset links.
 *
 * @param event what is recorded
 * @throws UseCaseError `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`
 */
export async function changePassword(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
  password: string,
  event: 'password-changed' | 'password-reset' = 'password-changed',
): Promise<void> {
  await registry.setPassword(accountId, await hashPassword(await readNewPassword(password)));
  await endSessionsAndResets({ registry }, accountId);
  await record({ accountId, event });
}

/** Ends all that someone else may have opened with earlier credentials. */
export async function endSessionsAndResets(
  { registry }: Pick<Context, 'registry'>,
  accountId: string,
): Promise<void> {
  await registry.withdrawResets(accountId);
  await registry.endSessionsOf(accountId, null);
}

/** Signs a person out everywhere, and ends the reset links of their account. */
export async function signOutEverywhere(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
): Promise<void> {
  await endSessionsAndResets({ registry }, accountId);
  await record({ accountId, event: 'sessions-ended' });
}

/** Changes the plan of an account. @throws UseCaseError `INVALID_PLAN` */
export async function changePlan(
  { registry }: Pick<Context, 'registry'>,
  accountId: string,
  typed: string,
): Promise<PlanName> {
  const plan = readPlan(typed);
  await registry.setPlan(accountId, plan);
  return plan;
}

/** Sets the reporting time zone of an account. @throws UseCaseError `INVALID_TIME_ZONE` */
export async function changeTimeZone(
  { registry }: Pick<Context, 'registry'>,
  accountId: string,
  typed: string,
): Promise<string> {
  const zone = readTimeZone(typed);
  await registry.setTimeZone(accountId, zone);
  return zone;
}

/**
 * Removes an account and its sites. If the event store is given, their events are deleted immediately; otherwise the servers'
 * hourly job deletes them.
 */
export async function removeAccount(
  {
    registry,
    record,
    events,
  }: Pick<Context, 'registry' | 'record'> & { events?: Pick<Events, 'remove'> | undefined },
  accountId: string,
): Promise<void> {
  const sites = await registry.sitesOf(accountId);
  await registry.removeAccount(accountId);
  await record({ accountId, event: 'account-removed' });
  for (const { id } of sites) await events?.remove(id);
}

/** The hash of a random password, so that a login with an unknown email address takes as long as one with a known address. */
let decoy: Promise<string> | undefined;

/** Whether a password is correct. The check takes equally long if there is no account. */
export async function passwordFits(credentials: Credentials | null, password: string): Promise<boolean> {
  if (password.length > PASSWORD_MAX_CHARS) return false;
  decoy ??= hashPassword(randomUUID());
  const fits = await verifyPassword(password, credentials?.passwordHash ?? (await decoy)).catch(() => false);
  return fits && credentials !== null;
}
