import { passwordFits } from '../../app/accounts.ts';
import type { Attempt, RateLimit, RateLimitResult } from '../../app/rate-limiter.ts';
import { useSecondFactor } from '../../app/second-factor.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { contextOf } from './context.ts';
import { CREDENTIAL_TEXT, codeProblem } from './error-text.ts';
import { type PageRequest, type Parts, refusesPasswords, type SignedInRequest } from './parts.ts';

/** The limit of login attempts for one account. */
const ATTEMPTS_PER_ACCOUNT: RateLimit = { limit: 10, windowMs: 15 * MINUTE_MS };
/** The limit of login attempts from one IP address, for all accounts together. */
export const ATTEMPTS_PER_ADDRESS: RateLimit = { limit: 50, windowMs: 15 * MINUTE_MS };

/** The limit of new passwords that a person can try. Estimating one keeps the server busy for up to 0.2 seconds. */
const NEW_PASSWORDS: RateLimit = { limit: 20, windowMs: 15 * MINUTE_MS };

/** Records that attempts are refused for a while. */
type OnThrottled = () => void | Promise<void>;

/** How long ago a sign-in may be that stands for the password. */
const RECENT_MS = 10 * MINUTE_MS;

export interface Problem {
  /** The name of the form's field. */
  at: string;
  text: string;
  status: 422 | 429;
}

/**
 * Confirms that the user of an open session knows the account's secrets. Changing an account's credentials or deleting it
 * requires the password, or a recent sign-in if passwords are refused; changing an active second factor also requires a code.
 * Attempts are limited as at login.
 *
 * @param fields the names of the form's fields: the password, and the code if an active second factor must be confirmed
 * @returns the problem; null if confirmed
 */
export async function reauthenticate(
  parts: Parts,
  request: SignedInRequest,
  fields: { password: string; code?: string },
): Promise<Problem | null> {
  const { account, session } = request.user;
  const { record } = contextOf(parts, request);
  const noteThrottling = () => record({ accountId: account.id, event: 'sign-in-throttled' });
  const noteFailure = () => record({ accountId: account.id, event: 'confirmation-failed' });
  const attempts = { kind: 'confirm', of: account.id };
  const passwordWait = await throttleGuess(parts, request, attempts, noteThrottling);
  if (passwordWait > 0) return { at: fields.password, text: tooMany(passwordWait), status: 429 };
  const credentials = await parts.store.registry.credentialsOf(account.id);
  if (refusesPasswords(parts)) {
    if (credentials === null || parts.clock.now() - session.createdAtMs > RECENT_MS)
      return { at: fields.password, text: CREDENTIAL_TEXT.signInAgain, status: 422 };
  } else if (!(await passwordFits(credentials, request.form.get(fields.password) ?? ''))) {
    await noteFailure();
    return { at: fields.password, text: CREDENTIAL_TEXT.wrongPassword, status: 422 };
  }
  if (fields.code !== undefined && credentials !== null && credentials.totpSecret !== null) {
    const codeWait = await throttleGuess(parts, request, secondFactorAttempts(account.id), noteThrottling);
    if (codeWait > 0) return { at: fields.code, text: tooMany(codeWait), status: 429 };
    const code = request.form.get(fields.code) ?? '';
    const check = await useSecondFactor(contextOf(parts, request), credentials, code);
    if (check !== 'valid') {
      await noteFailure();
      return { at: fields.code, text: codeProblem(check), status: 422 };
    }
  }
  await parts.rateLimiter.reset(attempts);
  return null;
}

/** The attempts at an account's second factor, counted together for login and open sessions. */
export function secondFactorAttempts(accountId: string): Attempt {
  return { kind: 'second factor', of: accountId };
}

/**
 * Counts an attempt by its IP address and its target.
 *
 * @param onThrottled called with the first attempt of a window that is refused
 * @returns the seconds to wait; 0 if the attempt is allowed
 */
export async function throttleGuess(
  parts: Parts,
  request: PageRequest,
  target: Attempt,
  onThrottled: OnThrottled,
): Promise<number> {
  const addressWait = await throttleAddress(parts, request, onThrottled);
  return Math.max(addressWait, await throttleTarget(parts, target, onThrottled));
}

/** Counts an attempt by its IP address. @returns the seconds to wait; 0 if the attempt is allowed */
export async function throttleAddress(
  { rateLimiter }: Parts,
  { clientAddress }: PageRequest,
  onThrottled: OnThrottled,
): Promise<number> {
  const address = { kind: 'address', of: clientNetwork(clientAddress) };
  return noted(await rateLimiter.tryConsume(address, ATTEMPTS_PER_ADDRESS), onThrottled);
}

/** Counts an attempt by its target. @returns the seconds to wait; 0 if the attempt is allowed */
export async function throttleTarget(
  { rateLimiter }: Parts,
  target: Attempt,
  onThrottled: OnThrottled,
): Promise<number> {
  return noted(await rateLimiter.tryConsume(target, ATTEMPTS_PER_ACCOUNT), onThrottled);
}

async function noted(result: RateLimitResult, onThrottled: OnThrottled): Promise<number> {
  if (result.isFirstRefusal) await onThrottled();
  return waitOf(result);
}

/** Counts a new password, before it is estimated, by the account that may set it. @returns the seconds to wait; 0 if it is allowed */
export async function throttleNewPassword({ rateLimiter }: Parts, accountId: string): Promise<number> {
  return waitOf(await rateLimiter.tryConsume({ kind: 'new password', of: accountId }, NEW_PASSWORDS));
}

/** Returns the seconds to wait; 0 if the attempt was allowed. */
export function waitOf({ allowed, retryAfterSeconds }: RateLimitResult): number {
  return allowed ? 0 : retryAfterSeconds;
}

/** Creates the sentence that says how long to wait, in whole minutes. */
export function tooMany(waitSeconds: number): string {
  const minutes = Math.ceil(waitSeconds / 60);
  return `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`;
}
