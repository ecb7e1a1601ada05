import { readEmail } from '../../app/inputs.ts';
import type { Mailer } from '../../app/mailer.ts';
import { createResetLink, openResetLink, resetPassword } from '../../app/password-reset.ts';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { resetMail } from '../kit/mails.tsx';
import { contextOf } from '../kit/parts.ts';
import { tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { forgotPage, resetPage } from './view.tsx';

/** The limit of requests from one network. */
const ASKS_PER_ADDRESS: RateLimit = { limit: 20, windowMs: 15 * MINUTE_MS };
/** The limit of requests for one account. */
const ASKS_PER_ACCOUNT: RateLimit = { limit: 3, windowMs: 15 * MINUTE_MS };

/** Adds the password reset pages. The link comes by email, or from the command line if no email is sent. */
export function passwordResetPages(router: Router): void {
  forgotForm(router);
  resetForm(router);
}

function forgotForm(router: Router): void {
  const { mailer, rateLimiter } = router.parts;
  const context = contextOf(router.parts);

  router.anyone('GET', '/forgot', async ({ frame }) => html(forgotPage(frame, { byMail: mailer !== null })));

  router.anyone('POST', '/forgot', async ({ frame, form, clientAddress, baseUrl }) => {
    if (mailer === null) return html(forgotPage(frame, { byMail: false }), 422);
    const typed = form.get('email') ?? '';
    const again = (problem: string, status: number) =>
      html(forgotPage(frame, { byMail: true, state: { email: typed.trim(), problem } }), status);
    return orAgain(
      async () => {
        const email = readEmail(typed);
        const asked = await rateLimiter.tryConsume(
          `forgot ${clientNetwork(clientAddress)}`,
          ASKS_PER_ADDRESS,
        );
        if (!asked.allowed) return again(tooMany(asked.retryAfterSeconds), 429);
        // The link is sent after the response, so that neither its text nor its time reveals whether the account exists.
        router.background.run(() => sendLink(mailer, email, baseUrl));
        return html(forgotPage(frame, { byMail: true, askedFor: email }));
      },
      ({ message }) => again(message, 422),
    );
  });

  const sendLink = async (by: Mailer, email: string, baseUrl: string): Promise<void> => {
    const account = await context.registry.accountByEmail(email);
    if (account === null) return;
    const asked = await rateLimiter.tryConsume(`forgot ${account.id}`, ASKS_PER_ACCOUNT);
    if (!asked.allowed) return;
    const { path } = await createResetLink(context, account);
    // The mailer keeps the last failure for the operator's page.
    await by.send(resetMail(account.email, `${baseUrl}${path}`));
  };
}

function resetForm(router: Router): void {
  const context = contextOf(router.parts);

  router.anyone('GET', '/reset/:token', async ({ frame, params: { token = '' } }) => {
    const email = (await openResetLink(context, token))?.email ?? null;
    return html(resetPage(frame, { token, email }), email === null ? 410 : 200);
  });

  router.anyone('POST', '/reset', async ({ frame, form }) => {
    const token = form.get('token') ?? '';
    const email = (await openResetLink(context, token))?.email ?? null;
    return orAgain(
      async () =>
        (await resetPassword(context, token, form.get('password') ?? ''))
          ? redirect('/login?note=reset')
          : html(resetPage(frame, { token, email: null }), 410),
      ({ message }) =>
        html(resetPage(frame, { token, email, state: { errors: { password: message } } }), 422),
    );
  });
}
