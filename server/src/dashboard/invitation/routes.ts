import { acceptInvitation, openInvitation } from '../../app/invitations.ts';
import { html, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import { refusesPasswords } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { invitationPage } from './view.tsx';

/** Adds the page of an invitation link, for people with and without an account. */
export function invitationPages(router: Router): void {
  router.anyone('GET', '/invitation/:token', async (request) => {
    const { frame, user } = request;
    const { token = '' } = request.params;
    const found = await openInvitation(contextOf(router.parts, request), token);
    const invitation = found === null ? null : { token, domain: found.site.domain, role: found.role };
    return html(
      invitationPage(frame, {
        ...{ invitation, signedIn: user !== null, maySignUp: !refusesPasswords(router.parts) },
      }),
      invitation === null ? 410 : 200,
    );
  });

  router.user('POST', '/invitation', async (request) => {
    const { form, user, frame } = request;
    const context = contextOf(router.parts, request);
    const site = await acceptInvitation(context, form.get('invitation') ?? '', user.account);
    return site === null
      ? html(invitationPage(frame, { invitation: null, signedIn: true, maySignUp: false }), 410)
      : redirect(`/dashboard/sites/${site.id}`);
  });
}
