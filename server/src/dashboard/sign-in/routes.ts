import { createFirstAccount, passwordFits, problemsOf, type Typed } from '../../app/accounts.ts';
import { maySignUp, signUp } from '../../app/invitations.ts';
import { useSecondFactor } from '../../app/second-factor.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { ownValue } from '../../domain/own-value.ts';
import { sameText } from '../../domain/tokens.ts';
import { html, redirect } from '../kit/answers.ts';
import { CREDENTIAL_TEXT } from '../kit/error-text.ts';
import { type Answer, contextOf, type PageRequest, type Parts } from '../kit/parts.ts';
import { ATTEMPTS_PER_ADDRESS, secondFactorAttempts, throttleGuess, tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { startSession } from '../kit/sessions.ts';
import { accountOfPendingLogin, isPendingLogin, pendingLoginToken } from './pending-login.ts';
import { SIGN_IN_NOTES, SIGN_IN_TEXT } from './text.ts';
import { loginPage, noSetupPage, secondFactorPage, setupPage, signupPage } from './view.tsx';

/** Adds the pages of setup, login, sign-up and logout. */
export function signInPages(router: Router): void {
  setupForm(router);
  loginForm(router);
  secondFactorForm(router);
  signupForm(router);

  router.user('POST', '/logout', async ({ user }) => {
    await router.parts.store.registry.endSession(user.account.id, user.session.id);
    return { kind: 'redirect', to: '/login', cookie: null };
  });
}

function setupForm(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.anyone('GET', '/setup', async ({ frame, query }) => {
    if (await registry.hasAccounts()) return html(noSetupPage(frame, 'done'), 410);
    const token = query.get('token') ?? '';
    return opensSetup(parts, token) ? html(setupPage(frame, token)) : html(noSetupPage(frame, 'token'), 403);
  });

  router.anyone('POST', '/setup', async (request) => {
    const { frame, form } = request;
    if (await registry.hasAccounts()) return html(noSetupPage(frame, 'done'), 410);
    const token = form.get('token') ?? '';
    if (!opensSetup(parts, token)) return html(noSetupPage(frame, 'token'), 403);
    const typed = readTyped(form);
    const errors = problemsOf(typed);
    if (errors !== null) return html(setupPage(frame, token, { email: typed.email, errors }), 422);
    const plan = parts.config.newAccountPlan;
    const account = await createFirstAccount(contextOf(parts), { ...typed, plan });
    if (account === null) return html(noSetupPage(frame, 'done'), 410);
    return signIn(parts, request, account.id, '/dashboard/add-site');
  });
}

function loginForm(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.anyone('GET', '/login', async ({ frame, user, query }) => {
    if (user !== null) return { kind: 'redirect', to: ownAddress(query.get('next')) };
    if (!(await registry.hasAccounts())) return { kind: 'redirect', to: '/setup' };
    return html(
      loginPage(frame, {
        next: ownAddress(query.get('next')),
        note: ownValue(SIGN_IN_NOTES, query.get('note') ?? ''),
        signups: parts.config.signups,
      }),
    );
  });

  router.anyone('POST', '/login', async (request) => {
    const { form, frame } = request;
    const { email, password } = readTyped(form);
    const next = ownAddress(form.get('next'));
    const again = (problem: string, status: number) =>
      html(loginPage(frame, { next, state: { email, problem }, signups: parts.config.signups }), status);
    const account = `login ${email.toLowerCase()}`;
    const wait = await throttleGuess(parts, request, account);
    if (wait > 0) return again(tooMany(wait), 429);
    const credentials = await registry.credentialsByEmail(email);
    if (!(await passwordFits(credentials, password)) || credentials === null)
      return again(SIGN_IN_TEXT.wrong, 422);
    if (credentials.totpSecret !== null)
      return html(
        secondFactorPage(frame, { ticket: pendingLoginToken(credentials, parts.clock.now()), next }),
      );
    await parts.rateLimiter.reset(account);
    return signIn(parts, request, credentials.accountId, next);
  });
}

function secondFactorForm(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.anyone('POST', '/login/second-factor', async (request) => {
    const { form, frame } = request;
    const ticket = form.get('ticket') ?? '';
    const next = ownAddress(form.get('next'));
    const accountId = accountOfPendingLogin(ticket);
    const credentials = accountId === null ? null : await registry.credentialsOf(accountId);
    if (credentials === null || !isPendingLogin(ticket, credentials, parts.clock.now()))
      return { kind: 'redirect', to: '/login' };
    const again = (problem: string, status: number) =>
      html(secondFactorPage(frame, { ticket, next, state: { problem } }), status);
    const wait = await throttleGuess(parts, request, secondFactorAttempts(credentials.accountId));
    if (wait > 0) return again(tooMany(wait), 429);
    if (!(await useSecondFactor(contextOf(parts), credentials, form.get('code') ?? '')))
      return again(CREDENTIAL_TEXT.wrongCode, 422);
    return signIn(parts, request, credentials.accountId, next);
  });
}

function signupForm(router: Router): void {
  const { parts } = router;
  const context = contextOf(parts);
  const ask = (invitation: string) => ({ isOpen: parts.config.signups === 'open', invitation });

  router.anyone('GET', '/signup', async ({ frame, query }) => {
    const invitation = query.get('invitation') ?? '';
    return html(signupPage(frame, { open: await maySignUp(context, ask(invitation)), invitation }));
  });

  router.anyone('POST', '/signup', async (request) => {
    const { form, frame } = request;
    const invitation = form.get('invitation') ?? '';
    if (!(await maySignUp(context, ask(invitation))))
      return html(signupPage(frame, { open: false, invitation }), 403);
    const { allowed, retryAfterSeconds } = await parts.rateLimiter.tryConsume(
      `signup ${clientNetwork(request.clientAddress)}`,
      ATTEMPTS_PER_ADDRESS,
    );
    const typed = readTyped(form);
    const errors = problemsOf(typed);
    if (errors !== null || !allowed) {
      const state = {
        email: typed.email,
        ...(errors === null ? { problem: tooMany(retryAfterSeconds) } : { errors }),
      };
      return html(signupPage(frame, { open: true, invitation, state }), errors === null ? 429 : 422);
    }
    await signUp(context, { ...typed, ...ask(invitation), plan: parts.config.newAccountPlan });
    // The response is the same whether or not an account with this email address exists.
    return redirect('/login?note=signed-up');
  });
}

function readTyped(form: URLSearchParams): Typed {
  return { email: (form.get('email') ?? '').trim(), password: form.get('password') ?? '' };
}

/** Returns the page to open after login: the requested one if it is in the dashboard, or else the list of sites. */
function ownAddress(wished: string | null): string {
  const start = 'http://here';
  const url = wished === null ? null : URL.parse(wished, start);
  if (url === null || url.origin !== start || !/^\/dashboard(\/|$)/.test(url.pathname)) return '/dashboard';
  return `${url.pathname}${url.search}`;
}

function opensSetup({ setupToken }: Parts, token: string): boolean {
  return setupToken !== null && sameText(token, setupToken);
}

async function signIn(parts: Parts, request: PageRequest, accountId: string, to: string): Promise<Answer> {
  // End the browser's earlier session.
  if (request.user !== null)
    await parts.store.registry.endSession(request.user.account.id, request.user.session.id);
  const cookie = await startSession(
    { registry: parts.store.registry, clock: parts.clock },
    accountId,
    request.userAgent,
  );
  return { kind: 'redirect', to, cookie };
}
