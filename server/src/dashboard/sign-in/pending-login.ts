import { MINUTE_MS } from '../../domain/clock.ts';
import { sameText, sealOf } from '../../domain/tokens.ts';
import type { Credentials } from '../../store/contract/store.ts';

/**
 * Logins that wait for their second factor. Nothing is stored: the form contains a token with the account and an expiry time.
 * The token is signed with the password's hash, which is secret and changes with the password, so any server of an instance can
 * verify it. The token can be sent twice, but the code sent with it works only once.
 *
 * While strangers guess the password, the form is shown after wrong passwords, too, so that it does not tell which one is right.
 * Its token then says so to the server alone.
 */

/** The password that was entered before the second factor. */
export interface FirstFactor {
  isRight: boolean;
  /** The same for the same password, and of no use without the hash of the right one. */
  mark: string;
}

const LASTS_MS = 10 * MINUTE_MS;
const TOKEN = /^([\w-]{1,64})\.(\d{1,15})\.([\w-]{43})\.([\w-]{43})$/;

/** Creates the token for the form that asks for the second factor. */
export function pendingLoginToken(
  credentials: Credentials,
  { password, isRight }: { password: string; isRight: boolean },
  nowMs: number,
): string {
  const mark = sealOf(`password ${password}`, credentials.passwordHash);
  const endsMs = nowMs + LASTS_MS;
  return [credentials.accountId, endsMs, mark, seal(credentials, { isRight, mark }, endsMs)].join('.');
}

/** Returns the account id in a token, without verifying it; null if the format is invalid. */
export function accountOfPendingLogin(token: string): string | null {
  return parse(token)?.accountId ?? null;
}

/**
 * Returns the password that was entered before a token was created; null if the token is invalid or has expired, or the account's
 * password has changed since.
 */
export function firstFactorOf(token: string, credentials: Credentials, nowMs: number): FirstFactor | null {
  const parsed = parse(token);
  if (parsed === null || parsed.accountId !== credentials.accountId || parsed.endsMs <= nowMs) return null;
  const { mark, endsMs } = parsed;
  const factors = [true, false].map((isRight) => ({ isRight, mark }));
  return factors.find((factor) => sameText(parsed.seal, seal(credentials, factor, endsMs))) ?? null;
}

function parse(token: string): { accountId: string; endsMs: number; mark: string; seal: string } | null {
  const [, accountId, ends, mark, seal] = TOKEN.exec(token) ?? [];
  if (accountId === undefined || ends === undefined || mark === undefined || seal === undefined) return null;
  return { accountId, endsMs: Number(ends), mark, seal };
}

function seal(
  { accountId, passwordHash }: Credentials,
  { isRight, mark }: FirstFactor,
  endsMs: number,
): string {
  return sealOf(`second factor ${accountId} ${endsMs} ${mark} ${isRight ? 'right' : 'wrong'}`, passwordHash);
}
