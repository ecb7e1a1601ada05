import { addSite } from '../../app/sites.ts';
import { readDomain } from '../../domain/hosts.ts';
import { PLANS } from '../../domain/plans.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import type { SignedInRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { type AddSiteData, addSitePage } from './view.tsx';

/** The longest input that is shown again after an error. */
const TYPED_MAX_CHARS = 2_000;

/** Adds the page that creates a site, from a domain in any form that people type. */
export function addSitePages(router: Router): void {
  const { registry } = router.parts.store;

  const page = async (
    { user: { account }, frame }: SignedInRequest,
    more: Pick<AddSiteData, 'typed' | 'problem' | 'existing'>,
  ) => {
    const sites = await registry.sitesOf(account.id);
    const room = { used: sites.length, limit: PLANS[account.plan].sites, plan: account.plan };
    return html(addSitePage(frame, { ...room, ...more }), more.problem === undefined ? 200 : 422);
  };

  router.user('GET', '/dashboard/add-site', async (request) => page(request, { typed: '' }));

  router.user('POST', '/dashboard/add-site', async (request) => {
    const { account } = request.user;
    const typed = (request.form.get('domain') ?? '').trim().slice(0, TYPED_MAX_CHARS);
    return orAgain(
      async () => {
        const site = await addSite(contextOf(router.parts, request), account, typed);
        return redirect(`/dashboard/sites/${site.id}`);
      },
      async ({ code, message: problem }) => {
        const domain = code === 'DOMAIN_TAKEN' ? readDomain(typed) : null;
        const existing = (await registry.sitesOf(account.id)).find((site) => site.domain === domain) ?? null;
        return page(request, { typed, problem, existing });
      },
    );
  });
}
