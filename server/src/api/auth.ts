import { MINUTE_MS } from '../clock.ts';
import { ApiError } from '../errors.ts';
import type { Account, ApiKey, KeyScope, Registry, Site } from '../store/store.ts';

/** Keys whose last use is remembered; the use of others is written anew. */
const KEYS_REMEMBERED = 10_000;

/** Who asks, and with which of his keys. */
export interface Caller {
  account: Account;
  key: ApiKey;
}

const SCOPE_SENTENCES: Readonly<Record<KeyScope, string>> = {
  read: 'This API key may only report events. Make one with the scope "read" to ask for numbers.',
  write: 'This API key may only ask for numbers. Make one with the scope "write" to report events.',
};

/** @throws ApiError SCOPE_REQUIRED */
export function requireScope(key: ApiKey, scope: KeyScope): void {
  if (!key.scopes.includes(scope)) throw new ApiError('SCOPE_REQUIRED', { detail: SCOPE_SENTENCES[scope] });
}

/** Whether a key reaches a site of its account. */
export function reaches(key: ApiKey, siteId: string): boolean {
  return key.siteIds === null || key.siteIds.includes(siteId);
}

/**
 * A site of the caller's account that the key reaches.
 *
 * @throws ApiError MISSING_SITE_ID, or SITE_NOT_FOUND: the same for a site that does not exist and for somebody else's
 */
export async function siteFor(
  registry: Pick<Registry, 'siteById'>,
  { account, key }: Caller,
  siteId: string,
): Promise<Site> {
  if (siteId === '') throw new ApiError('MISSING_SITE_ID');
  const site = await registry.siteById(siteId);
  if (site === null || site.accountId !== account.id || !reaches(key, site.id))
    throw new ApiError('SITE_NOT_FOUND');
  return site;
}

/** Writes down when keys were used, each at most once a minute: a busy key must not mean a write a request. */
export class KeyUses {
  readonly #registry: Pick<Registry, 'noteApiKeyUse'>;
  readonly #writtenAtMs = new Map<string, number>();

  constructor(registry: Pick<Registry, 'noteApiKeyUse'>) {
    this.#registry = registry;
  }

  /** Never fails: a registry that is away takes the note next time. */
  async note({ id, lastUsedAtMs }: ApiKey, nowMs: number): Promise<void> {
    const lastMs = Math.max(this.#writtenAtMs.get(id) ?? 0, lastUsedAtMs ?? 0);
    if (nowMs - lastMs < MINUTE_MS) return;
    if (this.#writtenAtMs.size >= KEYS_REMEMBERED) this.#writtenAtMs.clear();
    this.#writtenAtMs.set(id, nowMs);
    try {
      await this.#registry.noteApiKeyUse(id, nowMs);
    } catch {
      this.#writtenAtMs.delete(id);
    }
  }
}
