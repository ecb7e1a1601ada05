import { hashPassword } from '../../passwords.ts';
import { digestToken } from '../../tokens.ts';
import { passwordProblem } from '../accounts.ts';
import { forgotPage, resetPage } from '../views/sign-in.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

/** A forgotten password: the link comes from the command line. */
export function passwordResetPages(router: Router): void {
  const { store, clock } = router.parts;
  const { registry } = store;

  router.anyone('GET', '/forgot', async ({ frame }) => html(forgotPage(frame)));

  router.anyone('GET', '/reset/:token', async ({ frame, params }) => {
    const token = params.token ?? '';
    const ticket = await registry.ticketByToken(digestToken(token), clock.now());
    const email = ticket?.kind === 'reset' ? ticket.email : null;
    return html(resetPage(frame, { token, email }), email === null ? 410 : 200);
  });

  router.anyone('POST', '/reset', async ({ frame, form }) => {
    const token = form.get('token') ?? '';
    const password = form.get('password') ?? '';
    const ticket = await registry.ticketByToken(digestToken(token), clock.now());
    if (ticket?.kind !== 'reset') return html(resetPage(frame, { token, email: null }), 410);
    const problem = passwordProblem(password);
    if (problem !== undefined)
      return html(
        resetPage(frame, { token, email: ticket.email, state: { errors: { password: problem } } }),
        422,
      );
    const passwordHash = await hashPassword(password);
    if ((await registry.useTicket(digestToken(token), clock.now())) === null)
      return html(resetPage(frame, { token, email: null }), 410);
    await registry.setPassword(ticket.accountId, passwordHash);
    await registry.endSessionsOf(ticket.accountId, null);
    return { kind: 'redirect', to: '/login?note=reset' };
  });
}
