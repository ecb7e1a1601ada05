import { DAY_MS } from '../domain/clock.ts';
import { digestToken, newId, newToken } from '../domain/tokens.ts';
import type { Share, Site } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { readHostList } from './host-rules.ts';
import { readDays, readName, readNewPassword } from './inputs.ts';
import { hashPassword, PASSWORD_MAX_CHARS, SHARE_PASSWORD_MIN_CHARS, verifyPassword } from './passwords.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of public links to a site's report. */

const SHARES_MAX = 50;

/**
 * Creates a public link.
 *
 * @param wish.password empty for none
 * @param wish.days the number of days until the link expires, in digits; empty or `0`: never
 * @param wish.embedHosts the hosts whose pages may show the report in a frame; empty for none
 * @returns its name, and its path on the server
 * @throws UseCaseError `INVALID_NAME`, `INVALID_PASSWORD`, `GUESSABLE_PASSWORD`, `INVALID_DAYS`, `TOO_MANY_SHARES`, `INVALID_DOMAIN`,
 *   `TOO_MANY_HOSTS`, `PASSWORD_IN_FRAME`
 */
export async function createShare(
  { registry, clock, record }: Context,
  { id: siteId, accountId, domain }: Site,
  wish: { name: string; password: string; days: string; embedHosts?: string },
): Promise<{ name: string; path: string }> {
  const name = readName(wish.name);
  const password =
    wish.password === '' ? null : await readNewPassword(wish.password, SHARE_PASSWORD_MIN_CHARS);
  const days = wish.days === '' || wish.days === '0' ? null : readDays(wish.days);
  const embedHosts = readHostList(wish.embedHosts ?? '');
  if (password !== null && embedHosts.length > 0) throw refusal('PASSWORD_IN_FRAME');
  if ((await registry.sharesOf(siteId)).length >= SHARES_MAX) throw refusal('TOO_MANY_SHARES', SHARES_MAX);
  const token = newToken();
  const now = clock.now();
  await registry.createShare(
    {
      ...{ id: newId('share'), siteId, name, createdAtMs: now },
      passwordHash: password === null ? null : await hashPassword(password),
      expiresAtMs: days === null ? null : now + days * DAY_MS,
      embedHosts,
    },
    digestToken(token),
  );
  await record({ accountId, event: 'share-created', details: { site: domain, name } });
  return { name, path: `/share/${token}` };
}

/** Removes a public link; does nothing if the site has no such link. */
export async function removeShare(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  { id: siteId, accountId, domain }: Site,
  id: string,
): Promise<void> {
  const share = (await registry.sharesOf(siteId)).find((each) => each.id === id);
  if (share === undefined || !(await registry.removeShare(siteId, id))) return;
  await record({ accountId, event: 'share-removed', details: { site: domain, name: share.name } });
}

/** Whether a password opens a link. A link without a password is open. */
export async function sharePasswordFits({ passwordHash }: Share, typed: string): Promise<boolean> {
  if (passwordHash === null) return true;
  return typed.length <= PASSWORD_MAX_CHARS && verifyPassword(typed, passwordHash);
}
