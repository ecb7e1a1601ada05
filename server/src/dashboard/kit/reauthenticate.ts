import { passwordFits } from '../../app/accounts.ts';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { useSecondFactor } from '../../app/second-factor.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { CREDENTIAL_TEXT } from './error-text.ts';
import { contextOf, type PageRequest, type Parts, type SignedInRequest } from './parts.ts';

/** The limit of login attempts for one account. */
const ATTEMPTS_PER_ACCOUNT: RateLimit = { limit: 10, windowMs: 15 * MINUTE_MS };
/** The limit of login attempts from one IP address, for all accounts together. */
export const ATTEMPTS_PER_ADDRESS: RateLimit = { limit: 50, windowMs: 15 * MINUTE_MS };

export interface Problem {
  /** The name of the form's field. */
  at: string;
  text: string;
  status: 422 | 429;
}

/**
 * Confirms that the user of an open session knows the account's secrets. Changing an account's credentials or deleting it
 * requires the password; changing an active second factor also requires a code. Attempts are limited as at login.
 *
 * @param fields the names of the form's fields: the password, and the code if an active second factor must be confirmed
 * @returns the problem; null if confirmed
 */
export async function reauthenticate(
  parts: Parts,
  request: SignedInRequest,
  fields: { password: string; code?: string },
): Promise<Problem | null> {
  const { account } = request.user;
  const attempts = `confirm ${account.id}`;
  const passwordWait = await throttleGuess(parts, request, attempts);
  if (passwordWait > 0) return { at: fields.password, text: tooMany(passwordWait), status: 429 };
  const credentials = await parts.store.registry.credentialsOf(account.id);
  if (!(await passwordFits(credentials, request.form.get(fields.password) ?? '')) || credentials === null)
    return { at: fields.password, text: CREDENTIAL_TEXT.wrongPassword, status: 422 };
  if (fields.code !== undefined && credentials.totpSecret !== null) {
    const codeWait = await throttleGuess(parts, request, secondFactorAttempts(account.id));
    if (codeWait > 0) return { at: fields.code, text: tooMany(codeWait), status: 429 };
    if (!(await useSecondFactor(contextOf(parts), credentials, request.form.get(fields.code) ?? '')))
      return { at: fields.code, text: CREDENTIAL_TEXT.wrongCode, status: 422 };
  }
  await parts.rateLimiter.reset(attempts);
  return null;
}

/** The rate limit key of an account's second factor, shared by login and open sessions. */
export function secondFactorAttempts(accountId: string): string {
  return `second ${accountId}`;
}

/** Counts an attempt by its IP address and its target. @returns the seconds to wait; 0 if the attempt is allowed */
export async function throttleGuess(
  { rateLimiter }: Parts,
  { clientAddress }: PageRequest,
  target: string,
): Promise<number> {
  const counted = [
    await rateLimiter.tryConsume(`address ${clientNetwork(clientAddress)}`, ATTEMPTS_PER_ADDRESS),
    await rateLimiter.tryConsume(target, ATTEMPTS_PER_ACCOUNT),
  ];
  return Math.max(...counted.map(({ allowed, retryAfterSeconds }) => (allowed ? 0 : retryAfterSeconds)));
}

/** Creates the sentence that says how long to wait, in whole minutes. */
export function tooMany(waitSeconds: number): string {
  const minutes = Math.ceil(waitSeconds / 60);
  return `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`;
}
