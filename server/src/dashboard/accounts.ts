import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { newAccountId } from '../keys.ts';
import { hashPassword, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, verifyPassword } from '../passwords.ts';
import type { PlanName } from '../plans.ts';
import type { Credentials, NewAccount } from '../store/store.ts';

/** What people type to make an account or to sign in. */

const EMAIL = /^[^\s@<>"]+@[^\s@<>"]+$/;
const EMAIL_MAX_CHARS = 254;

export interface Typed {
  email: string;
  password: string;
}

export function readTyped(form: URLSearchParams): Typed {
  return { email: (form.get('email') ?? '').trim(), password: form.get('password') ?? '' };
}

export function emailProblem(email: string): string | undefined {
  return EMAIL.test(email) && email.length <= EMAIL_MAX_CHARS ? undefined : 'This is no e-mail address.';
}

export function passwordProblem(password: string): string | undefined {
  if (password.length < PASSWORD_MIN_CHARS)
    return `A password has at least ${PASSWORD_MIN_CHARS} characters.`;
  if (password.length > PASSWORD_MAX_CHARS) return `A password has at most ${PASSWORD_MAX_CHARS} characters.`;
  return undefined;
}

/** What is wrong with both, field by field; null where nothing is. */
export function problemsOf({ email, password }: Typed): { email?: string; password?: string } | null {
  const [ofEmail, ofPassword] = [emailProblem(email), passwordProblem(password)];
  if (ofEmail === undefined && ofPassword === undefined) return null;
  return {
    ...(ofEmail === undefined ? {} : { email: ofEmail }),
    ...(ofPassword === undefined ? {} : { password: ofPassword }),
  };
}

export async function newAccount(
  { email, password }: Typed,
  plan: PlanName,
  clock: Clock,
): Promise<NewAccount> {
  return {
    id: newAccountId(),
    email,
    plan,
    billingAnchorDay: 1,
    passwordHash: await hashPassword(password),
    createdAtMs: clock.now(),
  };
}

/** A hash of nothing anybody knows, so that an address without an account takes as long as one with. */
let decoy: Promise<string> | undefined;

/** Whether a password is the right one. Takes the same time where there is no account. */
export async function passwordFits(credentials: Credentials | null, password: string): Promise<boolean> {
  if (password.length > PASSWORD_MAX_CHARS) return false;
  decoy ??= hashPassword(randomUUID());
  const fits = await verifyPassword(password, credentials?.passwordHash ?? (await decoy)).catch(() => false);
  return fits && credentials !== null;
}
