import { digestToken } from '../../tokens.ts';
import { invitationPage } from '../views/invitation.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

/** The link of an invitation: for whoever has an account, and for whoever is about to make one. */
export function invitationPages(router: Router): void {
  const { store, clock } = router.parts;
  const { registry } = store;

  router.anyone('GET', '/invitation/:token', async ({ frame, params, person }) => {
    const token = params.token ?? '';
    const ticket = await registry.ticketByToken(digestToken(token), clock.now());
    const site = ticket?.siteId == null ? null : await registry.siteById(ticket.siteId);
    const invitation =
      ticket?.kind === 'invitation' && site !== null
        ? { token, domain: site.domain, role: ticket.role ?? 'viewer' }
        : null;
    return html(
      invitationPage(frame, { invitation, signedIn: person !== null }),
      invitation === null ? 410 : 200,
    );
  });

  router.person('POST', '/invitation', async ({ form, person, frame }) => {
    const ticket = await registry.useTicket(digestToken(form.get('invitation') ?? ''), clock.now());
    if (ticket?.kind !== 'invitation' || ticket.siteId === null || ticket.role === null)
      return html(invitationPage(frame, { invitation: null, signedIn: true }), 410);
    const site = await registry.siteById(ticket.siteId);
    if (site !== null && site.accountId !== person.account.id)
      await registry.setMember(ticket.siteId, person.account.id, ticket.role);
    return { kind: 'redirect', to: `/dashboard/sites/${ticket.siteId}` };
  });
}
