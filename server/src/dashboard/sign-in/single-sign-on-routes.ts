import { passwordFits } from '../../app/accounts.ts';
import { useSecondFactor } from '../../app/second-factor.ts';
import { linkAccount, signInWithProvider } from '../../app/sign-in-with-provider.ts';
import { CALLBACK_PATH, type SingleSignOn } from '../../app/single-sign-on.ts';
import type { UseCaseCode, UseCaseError } from '../../app/use-case-error.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { html, orAgain } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import { CREDENTIAL_TEXT, codeProblem } from '../kit/error-text.ts';
import { type Answer, NotFound, type PageRequest } from '../kit/parts.ts';
import {
  ATTEMPTS_PER_ADDRESS,
  secondFactorAttempts,
  throttleAddress,
  throttleGuess,
  tooMany,
  waitOf,
} from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { loginAnswer, noteLater, ownAddress, passFirstFactor, signIn } from './finish.ts';
import { openLinkTicket, sealLinkTicket } from './link-ticket.ts';
import { linkPage } from './view.tsx';

/** The statuses of refusals; 403 for the others. */
const STATUS: Partial<Record<UseCaseCode, number>> = { SSO_UNAVAILABLE: 503, SSO_EXPIRED: 400 };

/** Adds the pages of single sign-on: the way to the identity provider, the way back, and linking an existing account. */
export function singleSignOnPages(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  /**
   * Runs a step, and shows the login page with the reason if it is refused.
   *
   * @param throttle counts the attempt, and returns the seconds to wait
   */
  const step = (
    request: PageRequest,
    throttle: () => Promise<number>,
    work: (sso: SingleSignOn) => Promise<Answer>,
  ): Promise<Answer> => {
    const { singleSignOn } = parts;
    if (singleSignOn === null) throw new NotFound();
    const refuse = (problem: string, status: number) =>
      loginAnswer(parts, request.frame, { next: '/dashboard', state: { problem } }, status);
    return orAgain(
      async () => {
        // Otherwise the first person of the provider would administer the server.
        if (!(await registry.hasAccounts())) return { kind: 'redirect', to: '/setup' };
        const wait = await throttle();
        return wait > 0 ? refuse(tooMany(wait), 429) : work(singleSignOn);
      },
      ({ code, message }: UseCaseError) => refuse(message, STATUS[code] ?? 403),
    );
  };

  // Apart from the other attempts, so that a sign-in counts once.
  const throttleStart = async ({ clientAddress }: PageRequest) =>
    waitOf(
      await parts.rateLimiter.tryConsume(
        { kind: 'start of single sign-on', of: clientNetwork(clientAddress) },
        ATTEMPTS_PER_ADDRESS,
      ),
    );

  // A link rather than a form, whose redirects the content security policy would bind to this server.
  router.anyone('GET', '/login/sso', async (request) =>
    step(
      request,
      () => throttleStart(request),
      async (sso) => {
        const next = ownAddress(request.query.get('next'));
        if (request.user !== null || request.visitor === null) return { kind: 'redirect', to: next };
        // Another site must not sign people in: who is sent here by one still has to choose this.
        if (/^(cross|same)-site$/.test(String(request.headers['sec-fetch-site'])))
          return { kind: 'redirect', to: `/login?next=${encodeURIComponent(next)}` };
        return { kind: 'redirect', to: await sso.begin(request.visitor, next) };
      },
    ),
  );

  router.anyone('GET', CALLBACK_PATH, async (request) =>
    step(
      request,
      () => throttleAddress(parts, request, noteLater(router, request, null).throttled),
      async (sso) => {
        const { person, next } = await sso.finish(request.visitor, request.query);
        const plan = parts.config.newAccountPlan;
        const { credentials, isLinked } = await signInWithProvider(
          contextOf(parts, request),
          sso.settings,
          person,
          plan,
        );
        if (isLinked) return passFirstFactor(parts, request, credentials, next);
        const ticket = sealLinkTicket(parts, request, { person, accountId: credentials.accountId, next });
        return html(
          linkPage(request.frame, {
            ...{ ticket, email: credentials.email, hasTotp: credentials.totpSecret !== null },
          }),
        );
      },
    ),
  );

  router.anyone('POST', '/login/sso/link', async (request) =>
    step(
      request,
      async () => 0,
      async () => {
        const { form, frame } = request;
        const ticket = form.get('ticket') ?? '';
        const link = openLinkTicket(parts, request, ticket);
        const credentials = link === null ? null : await registry.credentialsOf(link.accountId);
        if (link === null || credentials === null) return { kind: 'redirect', to: '/login' };
        const hasTotp = credentials.totpSecret !== null;
        const note = noteLater(router, request, credentials.accountId);
        const context = contextOf(parts, request);
        const again = (errors: { password?: string; code?: string }, status: number) =>
          html(linkPage(frame, { ticket, email: credentials.email, hasTotp, state: { errors } }), status);
        const guess = { kind: 'login', of: credentials.accountId };
        const wait = await throttleGuess(parts, request, guess, note.throttled);
        if (wait > 0) return again({ password: tooMany(wait) }, 429);
        if (!(await passwordFits(credentials, form.get('password') ?? ''))) {
          note.event('sign-in-failed');
          return again({ password: CREDENTIAL_TEXT.wrongPassword }, 422);
        }
        if (hasTotp) {
          const attempt = secondFactorAttempts(credentials.accountId);
          const codeWait = await throttleGuess(parts, request, attempt, note.throttled);
          if (codeWait > 0) return again({ code: tooMany(codeWait) }, 429);
          const check = await useSecondFactor(context, credentials, form.get('code') ?? '');
          if (check !== 'valid') {
            note.event('second-factor-failed');
            return again({ code: codeProblem(check) }, 422);
          }
        }
        await linkAccount(context, credentials, link.person);
        return signIn(parts, request, credentials, link.next);
      },
    ),
  );
}
