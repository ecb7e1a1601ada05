import { entryOf } from '../../entry-of.ts';
import { digestApiKey, newApiKey, newApiKeyId } from '../../keys.ts';
import type { KeyScope } from '../../store/store.ts';
import type { PersonalVisit } from '../parts.ts';
import { NotFound } from '../parts.ts';
import { apiKeysPage } from '../views/api-keys.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

const NAME_MAX_CHARS = 100;

const SCOPES: Readonly<Record<string, readonly KeyScope[]>> = {
  read: ['read'],
  write: ['write'],
  both: ['read', 'write'],
};

/** Settings → API Keys: made with a name, shown once, revoked for good. */
export function apiKeyPages(router: Router): void {
  const { store, clock } = router.parts;

  const page = async (
    visit: PersonalVisit,
    more: { made?: { name: string; key: string }; problem?: string; typed?: string },
    status = 200,
  ) =>
    html(
      apiKeysPage(visit.frame, {
        keys: await store.registry.apiKeysOf(visit.person.account.id),
        nowMs: clock.now(),
        baseUrl: visit.baseUrl,
        revoked: visit.query.get('done') === 'revoked',
        ...more,
      }),
      status,
    );

  router.person('GET', '/dashboard/settings', async () => ({
    kind: 'redirect',
    to: '/dashboard/settings/api-keys',
  }));

  router.person('GET', '/dashboard/settings/api-keys', async (visit) => page(visit, {}));

  router.person('POST', '/dashboard/settings/api-keys', async (visit) => {
    const name = (visit.form.get('name') ?? '').trim();
    if (name === '' || name.length > NAME_MAX_CHARS)
      return page(
        visit,
        {
          problem: `Give the key a name of 1 to ${NAME_MAX_CHARS} characters.`,
          typed: name.slice(0, NAME_MAX_CHARS),
        },
        422,
      );
    const key = newApiKey();
    const digest = digestApiKey(key);
    if (digest === null) throw new Error('a key just made does not fit its own shape');
    await store.registry.createApiKey({
      id: newApiKeyId(),
      accountId: visit.person.account.id,
      name,
      ...digest,
      scopes: entryOf(SCOPES, visit.form.get('scope') ?? '') ?? ['read'],
      createdAtMs: clock.now(),
    });
    // In the answer itself: the key must be in no address and no later page.
    return page(visit, { made: { name, key } });
  });

  router.person('POST', '/dashboard/settings/api-keys/revoke', async (visit) => {
    const id = visit.form.get('id') ?? '';
    const own = (await store.registry.apiKeysOf(visit.person.account.id)).some((key) => key.id === id);
    if (!own) throw new NotFound();
    await store.registry.revokeApiKey(id, clock.now());
    return { kind: 'redirect', to: '/dashboard/settings/api-keys?done=revoked' };
  });
}
