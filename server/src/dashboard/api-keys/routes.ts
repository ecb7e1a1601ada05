import { createApiKey, type NewKey, revokeApiKey } from '../../app/api-keys.ts';
import { NAME_MAX_CHARS } from '../../app/inputs.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import type { SignedInRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { apiKeysPage } from './view.tsx';

/** Adds the API keys page. Each key is created with a name, shown once, and revoked permanently. */
export function apiKeyPages(router: Router): void {
  const { store, clock } = router.parts;

  const page = async (
    request: SignedInRequest,
    more: { made?: NewKey; problem?: string; typed?: string; chosen?: readonly string[] } = {},
  ) =>
    html(
      apiKeysPage(request.frame, {
        keys: await store.registry.apiKeysOf(request.user.account.id),
        sites: await store.registry.sitesOf(request.user.account.id),
        nowMs: clock.now(),
        baseUrl: request.baseUrl,
        revoked: request.query.get('done') === 'revoked',
        ...more,
      }),
      more.problem === undefined ? 200 : 422,
    );

  router.user('GET', '/dashboard/settings', async () => redirect('/dashboard/settings/api-keys'));

  router.user('GET', '/dashboard/settings/api-keys', async (request) => page(request));

  router.user('POST', '/dashboard/settings/api-keys', async (request) => {
    const name = request.form.get('name') ?? '';
    const scope = request.form.get('scope') ?? 'read';
    const scopes = scope === 'both' ? ['read', 'write'] : [scope];
    const chosen = request.form.getAll('site');
    const siteIds = chosen.length === 0 ? null : chosen;
    return orAgain(
      // No redirect, because the key must not be in a URL or on a later page.
      async () =>
        page(request, {
          made: await createApiKey(contextOf(router.parts, request), request.user.account, {
            ...{ name, scopes, siteIds },
          }),
        }),
      ({ message }) =>
        page(request, { problem: message, typed: name.trim().slice(0, NAME_MAX_CHARS), chosen }),
    );
  });

  router.user('POST', '/dashboard/settings/api-keys/revoke', async (request) => {
    await revokeApiKey(contextOf(router.parts, request), request.form.get('id') ?? '', request.user.account);
    return redirect('/dashboard/settings/api-keys?done=revoked');
  });
}
