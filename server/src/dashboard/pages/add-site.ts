import { readDomain, shownDomain } from '../../hosts.ts';
import { newSiteId, newSiteKey } from '../../keys.ts';
import { PLANS } from '../../plans.ts';
import { RegistryConflict } from '../../store/store.ts';
import type { PersonalVisit } from '../parts.ts';
import { addSitePage } from '../views/add-site.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

/** A domain in any form that a person types becomes a site. */
export function addSitePages(router: Router): void {
  const { store, clock } = router.parts;

  const dataOf = async ({ person: { account } }: PersonalVisit) => ({
    used: (await store.registry.sitesOf(account.id)).length,
    limit: PLANS[account.plan].sites,
    plan: account.plan,
  });

  router.person('GET', '/dashboard/add-site', async (visit) =>
    html(addSitePage(visit.frame, { ...(await dataOf(visit)), typed: '' })),
  );

  router.person('POST', '/dashboard/add-site', async (visit) => {
    const { account } = visit.person;
    const typed = (visit.form.get('domain') ?? '').trim().slice(0, 2_000);
    const again = async (problem: string, existing: { id: string; domain: string } | null = null) =>
      html(addSitePage(visit.frame, { ...(await dataOf(visit)), typed, problem, existing }), 422);
    const domain = readDomain(typed);
    if (domain === null)
      return again(
        typed === '' ? 'Type the domain of the site.' : `“${typed}” is no domain. It looks like example.com.`,
      );
    try {
      const site = await store.registry.createSite(
        { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs: clock.now() },
        PLANS[account.plan].sites,
      );
      return { kind: 'redirect', to: `/dashboard/sites/${site.id}` };
    } catch (error) {
      if (!(error instanceof RegistryConflict)) throw error;
      if (error.reason === 'site-limit')
        return again(
          `All ${PLANS[account.plan].sites} sites of the Free plan are in use, so ${shownDomain(domain)} was not added.`,
        );
      const existing =
        (await store.registry.sitesOf(account.id)).find((site) => site.domain === domain) ?? null;
      return again(`You have a site for ${shownDomain(domain)} already.`, existing);
    }
  });
}
