import { HOUR_MS } from '../domain/clock.ts';
import { digestToken, newToken } from '../domain/tokens.ts';
import type { Account, OneTimeToken } from '../store/contract/store.ts';
import { changePassword } from './accounts.ts';
import type { Context } from './context.ts';
import { readNewPassword } from './inputs.ts';

/** Use cases of single-use links to set a new password, sent by email or created by the operator. */

/** How long a link is valid. */
const RESET_MS = HOUR_MS;

/** Creates a link for an account. @returns its path on the server */
export async function createResetLink(
  { registry, clock, record }: Context,
  { id: accountId, email }: Account,
): Promise<{ path: string; expiresAtMs: number }> {
  const token = newToken();
  const expiresAtMs = clock.now() + RESET_MS;
  await registry.createOneTimeToken(
    { kind: 'reset', email, accountId, siteId: null, role: null, expiresAtMs },
    digestToken(token),
  );
  await record({ accountId, event: 'reset-link-created' });
  return { path: `/reset/${token}`, expiresAtMs };
}

/** Finds a link without using it; null if it was used, has expired, or is for something else. */
export async function openResetLink(
  { registry, clock }: Context,
  token: string,
): Promise<OneTimeToken | null> {
  const found = await registry.oneTimeToken(digestToken(token), clock.now());
  return found?.kind === 'reset' ? found : null;
}

/** Uses up a link without setting a password. @returns the account; null if the link is not valid */
export async function useResetLink(context: Context, token: string): Promise<string | null> {
  return (await openResetLink(context, token)) === null ? null : useUp(context, token);
}

async function useUp({ registry, clock }: Context, token: string): Promise<string | null> {
  return (await registry.useOneTimeToken(digestToken(token), clock.now()))?.accountId ?? null;
}

/**
 * Uses up a link, sets the password of its account, and ends all of its sessions and other links. An invalid password does not use
 * up the link.
 *
 * @returns whether the link was valid
 * @throws UseCaseError `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`
 */
export async function resetPassword(context: Context, token: string, password: string): Promise<boolean> {
  if ((await openResetLink(context, token)) === null) return false;
  await readNewPassword(password);
  const accountId = await useUp(context, token);
  if (accountId === null) return false;
  await changePassword(context, accountId, password, 'password-reset');
  return true;
}
