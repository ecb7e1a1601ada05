import { acceptInvitation, openInvitation } from '../../app/invitations.ts';
import { html, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { invitationPage } from './view.tsx';

/** Adds the page of an invitation link, for people with and without an account. */
export function invitationPages(router: Router): void {
  const context = contextOf(router.parts);

  router.anyone('GET', '/invitation/:token', async ({ frame, params: { token = '' }, user }) => {
    const found = await openInvitation(context, token);
    const invitation = found === null ? null : { token, domain: found.site.domain, role: found.role };
    return html(
      invitationPage(frame, { invitation, signedIn: user !== null }),
      invitation === null ? 410 : 200,
    );
  });

  router.user('POST', '/invitation', async ({ form, user, frame }) => {
    const site = await acceptInvitation(context, form.get('invitation') ?? '', user.account);
    return site === null
      ? html(invitationPage(frame, { invitation: null, signedIn: true }), 410)
      : redirect(`/dashboard/sites/${site.id}`);
  });
}
