import { HOUR_MS } from '../../clock.ts';
import type { Mailer } from '../../mailer.ts';
import { hashPassword } from '../../passwords.ts';
import { digestToken, newToken } from '../../tokens.ts';
import { emailProblem, passwordProblem } from '../accounts.ts';
import { resetMail } from '../views/mails.tsx';
import { forgotPage, resetPage } from '../views/password-reset.tsx';
import type { Router } from './route.ts';
import { html, tooMany } from './sign-in.ts';

/** How long a link is good. */
const RESET_MS = HOUR_MS;
/** Asked for in a quarter of an hour: from one address, */
const ASKS_PER_ADDRESS = 20;
/** and for one account. */
const ASKS_PER_ACCOUNT = 3;

/** A forgotten password: the link comes by mail, or where none is sent from the command line. */
export function passwordResetPages(router: Router): void {
  const { store, clock, mailer, throttle } = router.parts;
  const { registry } = store;

  router.anyone('GET', '/forgot', async ({ frame }) => html(forgotPage(frame, { byMail: mailer !== null })));

  router.anyone('POST', '/forgot', async ({ frame, form, clientAddress, baseUrl }) => {
    if (mailer === null) return html(forgotPage(frame, { byMail: false }), 422);
    const email = (form.get('email') ?? '').trim();
    const again = (problem: string, status: number) =>
      html(forgotPage(frame, { byMail: true, state: { email, problem } }), status);
    if (emailProblem(email) !== undefined) return again('This is no e-mail address.', 422);
    const wait = await throttle.take(`forgot ${clientAddress}`, ASKS_PER_ADDRESS);
    if (wait > 0) return again(tooMany(wait), 429);
    // Behind the answer, so that neither its words nor its time tell whether there is such an account.
    router.background.run(() => sendLink(mailer, email, baseUrl));
    return html(forgotPage(frame, { byMail: true, askedFor: email }));
  });

  const sendLink = async (by: Mailer, typed: string, baseUrl: string): Promise<void> => {
    const account = await registry.accountByEmail(typed);
    if (account === null || (await throttle.take(`forgot ${account.id}`, ASKS_PER_ACCOUNT)) > 0) return;
    const token = newToken();
    const expiresAtMs = clock.now() + RESET_MS;
    await registry.createTicket(
      { kind: 'reset', email: account.email, accountId: account.id, siteId: null, role: null, expiresAtMs },
      digestToken(token),
    );
    // A failure is kept by the mailer, for the page of whoever runs the installation.
    await by.send(resetMail(account.email, `${baseUrl}/reset/${token}`));
  };

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
