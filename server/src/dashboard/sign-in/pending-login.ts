import { createHmac } from 'node:crypto';
import { MINUTE_MS } from '../../domain/clock.ts';
import { sameText } from '../../domain/tokens.ts';
import type { Credentials } from '../../store/contract/store.ts';

/**
 * Logins that wait for their second factor. Nothing is stored: the form contains a token with the account and an expiry time.
 * The token is signed with the password's hash, which is secret and changes with the password, so any server of an instance can
 * verify it. The token can be sent twice, but the code sent with it works only once.
 */

const LASTS_MS = 10 * MINUTE_MS;

/** Creates the token for the form that asks for the second factor. */
export function pendingLoginToken({ accountId, passwordHash }: Credentials, nowMs: number): string {
  const endsMs = nowMs + LASTS_MS;
  return `${accountId}.${endsMs}.${seal(accountId, endsMs, passwordHash)}`;
}

/** Returns the account id in a token, without verifying it; null if the format is invalid. */
export function accountOfPendingLogin(token: string): string | null {
  return parse(token)?.accountId ?? null;
}

/** Whether a token is valid: created after the current password was entered, and not expired. */
export function isPendingLogin(
  token: string,
  { accountId, passwordHash }: Credentials,
  nowMs: number,
): boolean {
  const parsed = parse(token);
  if (parsed === null || parsed.accountId !== accountId || parsed.endsMs <= nowMs) return false;
  return sameText(parsed.seal, seal(accountId, parsed.endsMs, passwordHash));
}

function parse(token: string): { accountId: string; endsMs: number; seal: string } | null {
  const [, accountId, ends, seal] = /^([\w-]{1,64})\.(\d{1,15})\.([\w-]{43})$/.exec(token) ?? [];
  if (accountId === undefined || ends === undefined || seal === undefined) return null;
  return { accountId, endsMs: Number(ends), seal };
}

function seal(accountId: string, endsMs: number, passwordHash: string): string {
  return createHmac('sha256', passwordHash)
    .update(`second factor ${accountId} ${endsMs}`)
    .digest('base64url');
}
