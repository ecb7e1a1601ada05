import type { Context } from '../../app/context.ts';
import { readEmail } from '../../app/inputs.ts';
import type { Mailer } from '../../app/mailer.ts';
import { createResetLink, openResetLink, resetPassword, useResetLink } from '../../app/password-reset.ts';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import { resetMail } from '../kit/mails.tsx';
import { refusesPasswords } from '../kit/parts.ts';
import { throttleNewPassword, tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { passFirstFactor, passwordsRefused } from '../sign-in/finish.ts';
import { forgotPage, resetPage, signInLinkPage } from './view.tsx';

/** The limit of requests from one network. */
const ASKS_PER_ADDRESS: RateLimit = { limit: 20, windowMs: 15 * MINUTE_MS };
/** The limit of requests for one account. */
const ASKS_PER_ACCOUNT: RateLimit = { limit: 3, windowMs: 15 * MINUTE_MS };

/**
 * Adds the password reset pages. The link comes by email, or from the command line if no email is sent. If passwords are refused,
 * only the command line creates links, and they sign in.
 */
export function passwordResetPages(router: Router): void {
  forgotForm(router);
  resetForm(router);
}

function forgotForm(router: Router): void {
  const { mailer, rateLimiter } = router.parts;

  router.anyone('GET', '/forgot', async ({ frame }) =>
    refusesPasswords(router.parts)
      ? passwordsRefused(router.parts, frame)
      : html(forgotPage(frame, { byMail: mailer !== null })),
  );

  router.anyone('POST', '/forgot', async (request) => {
    const { frame, form, clientAddress, baseUrl } = request;
    if (refusesPasswords(router.parts)) return passwordsRefused(router.parts, frame);
    if (mailer === null) return html(forgotPage(frame, { byMail: false }), 422);
    const typed = form.get('email') ?? '';
    const again = (problem: string, status: number) =>
      html(forgotPage(frame, { byMail: true, state: { email: typed.trim(), problem } }), status);
    return orAgain(
      async () => {
        const email = readEmail(typed);
        const asked = await rateLimiter.tryConsume(
          { kind: 'forgot address', of: clientNetwork(clientAddress) },
          ASKS_PER_ADDRESS,
        );
        if (!asked.allowed) return again(tooMany(asked.retryAfterSeconds), 429);
        // The link is sent after the response, so that neither its text nor its time reveals whether the account exists.
        router.background.run(() => sendLink(mailer, email, baseUrl, contextOf(router.parts, request)));
        return html(forgotPage(frame, { byMail: true, askedFor: email }));
      },
      ({ message }) => again(message, 422),
    );
  });

  const sendLink = async (by: Mailer, email: string, baseUrl: string, context: Context): Promise<void> => {
    const account = await context.registry.accountByEmail(email);
    if (account === null) return;
    const asked = await rateLimiter.tryConsume({ kind: 'forgot account', of: account.id }, ASKS_PER_ACCOUNT);
    if (!asked.allowed) return;
    const { path } = await createResetLink(context, account);
    // The mailer keeps the last failure for the operator's page.
    await by.send(resetMail(account.email, `${baseUrl}${path}`));
  };
}

function resetForm(router: Router): void {
  const { parts } = router;
  const signsIn = refusesPasswords(parts);

  router.anyone('GET', '/reset/:token', async (request) => {
    const { frame } = request;
    const { token = '' } = request.params;
    const context = contextOf(router.parts, request);
    const email = (await openResetLink(context, token))?.email ?? null;
    const page = signsIn && email !== null ? signInLinkPage(frame, { token, email }) : null;
    return html(page ?? resetPage(frame, { token, email }), email === null ? 410 : 200);
  });

  router.anyone('POST', '/reset', async (request) => {
    const { frame, form } = request;
    const context = contextOf(router.parts, request);
    const token = form.get('token') ?? '';
    if (signsIn) {
      const accountId = await useResetLink(context, token);
      const credentials = accountId === null ? null : await parts.store.registry.credentialsOf(accountId);
      return credentials === null
        ? html(resetPage(frame, { token, email: null }), 410)
        : passFirstFactor(parts, request, credentials, '/dashboard');
    }
    const link = await openResetLink(context, token);
    const email = link?.email ?? null;
    const again = (problem: string, status: number) =>
      html(resetPage(frame, { token, email, state: { errors: { password: problem } } }), status);
    const wait = link === null ? 0 : await throttleNewPassword(router.parts, link.accountId);
    if (wait > 0) return again(tooMany(wait), 429);
    return orAgain(
      async () =>
        (await resetPassword(context, token, form.get('password') ?? ''))
          ? redirect('/login?note=reset')
          : html(resetPage(frame, { token, email: null }), 410),
      ({ message }) => again(message, 422),
    );
  });
}
