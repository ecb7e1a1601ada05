import { DAY_MS } from '../domain/clock.ts';
import { digestToken, newId, newToken } from '../domain/tokens.ts';
import type { Share } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { readDays, readName } from './inputs.ts';
import { hashPassword, PASSWORD_MAX_CHARS, verifyPassword } from './passwords.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of public links to a site's report. */

const SHARES_MAX = 50;

/**
 * Creates a public link.
 *
 * @param wish.password a password without minimum requirements, because it is shared like the link itself; empty for none
 * @param wish.days the number of days until the link expires, in digits; empty or `0`: never
 * @returns its name, and its path on the server
 * @throws UseCaseError `INVALID_NAME`, `INVALID_DAYS`, `TOO_MANY_SHARES`
 */
export async function createShare(
  { registry, clock }: Context,
  siteId: string,
  wish: { name: string; password: string; days: string },
): Promise<{ name: string; path: string }> {
  const name = readName(wish.name);
  const days = wish.days === '' || wish.days === '0' ? null : readDays(wish.days);
  if ((await registry.sharesOf(siteId)).length >= SHARES_MAX) throw refusal('TOO_MANY_SHARES', SHARES_MAX);
  const token = newToken();
  const now = clock.now();
  await registry.createShare(
    {
      ...{ id: newId('share'), siteId, name, createdAtMs: now },
      passwordHash: wish.password === '' ? null : await hashPassword(bounded(wish.password)),
      expiresAtMs: days === null ? null : now + days * DAY_MS,
    },
    digestToken(token),
  );
  return { name, path: `/share/${token}` };
}

/** Whether a password opens a link. A link without a password is open. */
export async function sharePasswordFits({ passwordHash }: Share, typed: string): Promise<boolean> {
  return passwordHash === null || verifyPassword(bounded(typed), passwordHash);
}

/** Truncates a password to the part that is compared. */
function bounded(password: string): string {
  return password.slice(0, PASSWORD_MAX_CHARS);
}
