import { createFirstAccount, passwordFits, problemsOf, type Typed } from '../../app/accounts.ts';
import { maySignUp, signUp } from '../../app/invitations.ts';
import type { Attempt } from '../../app/rate-limiter.ts';
import { useSecondFactor } from '../../app/second-factor.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { ownValue } from '../../domain/own-value.ts';
import { sameText } from '../../domain/tokens.ts';
import type { Credentials } from '../../store/contract/store.ts';
import { html, redirect } from '../kit/answers.ts';
import type { FormState } from '../kit/auth-layout.tsx';
import { contextOf } from '../kit/context.ts';
import { codeProblem } from '../kit/error-text.ts';
import { isKnownDevice } from '../kit/known-device.ts';
import { type PageRequest, type Parts, refusesPasswords } from '../kit/parts.ts';
import {
  ATTEMPTS_PER_ADDRESS,
  secondFactorAttempts,
  throttleAddress,
  throttleGuess,
  throttleTarget,
  tooMany,
} from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { loginAnswer, noteLater, ownAddress, passwordsRefused, signIn } from './finish.ts';
import { accountOfPendingLogin, firstFactorOf, pendingLoginToken } from './pending-login.ts';
import { singleSignOnPages } from './single-sign-on-routes.ts';
import { SIGN_IN_NOTES, SIGN_IN_TEXT } from './text.ts';
import { noSetupPage, secondFactorPage, setupPage, signupPage } from './view.tsx';

/** The kind of attempts from a browser that has signed in to the account before. */
const KNOWN_DEVICE = 'login of a known device';

/** Adds the pages of setup, login, sign-up and logout. */
export function signInPages(router: Router): void {
  setupForm(router);
  loginForm(router);
  secondFactorForm(router);
  singleSignOnPages(router);
  signupForm(router);

  router.user('POST', '/logout', async (request) => {
    const { account, session } = request.user;
    await router.parts.store.registry.endSession(account.id, session.id);
    await contextOf(router.parts, request).record({ accountId: account.id, event: 'sign-out' });
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
    const errors = await problemsOf(typed);
    if (errors !== null) return html(setupPage(frame, token, { email: typed.email, errors }), 422);
    const account = await createFirstAccount(contextOf(parts, request), typed);
    if (account === null) return html(noSetupPage(frame, 'done'), 410);
    const credentials = await registry.credentialsOf(account.id);
    if (credentials === null) throw new Error('the account was just created');
    return signIn(parts, request, credentials, '/dashboard/add-site');
  });
}

function loginForm(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.anyone('GET', '/login', async ({ frame, user, query }) => {
    if (user !== null) return { kind: 'redirect', to: ownAddress(query.get('next')) };
    if (!(await registry.hasAccounts())) return { kind: 'redirect', to: '/setup' };
    return loginAnswer(parts, frame, {
      next: ownAddress(query.get('next')),
      note: ownValue(SIGN_IN_NOTES, query.get('note') ?? ''),
    });
  });

  router.anyone('POST', '/login', async (request) => {
    const { form, frame } = request;
    if (refusesPasswords(parts)) return passwordsRefused(parts, frame);
    const { email, password } = readTyped(form);
    const next = ownAddress(form.get('next'));
    const again = (problem: string, status: number) =>
      loginAnswer(parts, frame, { next, state: { email, problem } }, status);
    const credentials = await registry.credentialsByEmail(email);
    const attempt = attemptAt(email, credentials, request);
    const note = noteLater(router, request, credentials?.accountId ?? null);
    // A known browser need not wait for others at its address.
    const addressWait =
      attempt.kind === KNOWN_DEVICE ? 0 : await throttleAddress(parts, request, note.throttled);
    const targetWait = await throttleTarget(parts, attempt, note.throttled);
    // While strangers guess the password, the second factor still lets the owner in.
    const hasToWait = credentials === null || credentials.totpSecret === null;
    if (addressWait > 0 || (targetWait > 0 && hasToWait))
      return again(tooMany(Math.max(addressWait, targetWait)), 429);
    const fits = await passwordFits(credentials, password);
    if (!fits) note.event('sign-in-failed');
    if (credentials === null || (!fits && targetWait === 0)) return again(SIGN_IN_TEXT.wrong, 422);
    if (credentials.totpSecret !== null) {
      const ticket = pendingLoginToken(credentials, { password, isRight: fits }, parts.clock.now());
      return html(secondFactorPage(frame, { ticket, next }));
    }
    await parts.rateLimiter.reset(attempt);
    return signIn(parts, request, credentials, next);
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
    const password = credentials === null ? null : firstFactorOf(ticket, credentials, parts.clock.now());
    if (credentials === null || password === null) return { kind: 'redirect', to: '/login' };
    const note = noteLater(router, request, credentials.accountId);
    const again = (problem: string, status: number) =>
      html(secondFactorPage(frame, { ticket, next, state: { problem } }), status);
    const { isRight, mark } = password;
    // Codes after a wrong password are counted apart, or strangers could use up the owner's attempts. They are counted for that
    // password, as those after the right one are, or the limit would tell strangers at several addresses which one is right.
    const wait = await throttleGuess(
      parts,
      request,
      isRight
        ? secondFactorAttempts(credentials.accountId)
        : { kind: 'second factor of strangers', of: `${credentials.accountId} ${mark}` },
      note.throttled,
    );
    if (wait > 0) return again(tooMany(wait), 429);
    const typed = form.get('code') ?? '';
    const context = contextOf(parts, request);
    const check = await useSecondFactor(context, credentials, typed, isRight);
    if (check !== 'valid') {
      if (isRight) note.event('second-factor-failed');
      return again(codeProblem(check), 422);
    }
    return signIn(parts, request, credentials, next);
  });
}

function signupForm(router: Router): void {
  const { parts } = router;
  const ask = (invitation: string) => ({ isOpen: parts.config.signups === 'open', invitation });

  router.anyone('GET', '/signup', async (request) => {
    const { frame, query } = request;
    if (refusesPasswords(parts)) return passwordsRefused(parts, frame);
    const context = contextOf(parts, request);
    const invitation = query.get('invitation') ?? '';
    return html(signupPage(frame, { open: await maySignUp(context, ask(invitation)), invitation }));
  });

  router.anyone('POST', '/signup', async (request) => {
    const { form, frame } = request;
    if (refusesPasswords(parts)) return passwordsRefused(parts, frame);
    const context = contextOf(parts, request);
    const invitation = form.get('invitation') ?? '';
    if (!(await maySignUp(context, ask(invitation))))
      return html(signupPage(frame, { open: false, invitation }), 403);
    const typed = readTyped(form);
    const again = (state: FormState, status: number) =>
      html(signupPage(frame, { open: true, invitation, state: { email: typed.email, ...state } }), status);
    const { allowed, retryAfterSeconds } = await parts.rateLimiter.tryConsume(
      { kind: 'sign-up', of: clientNetwork(request.clientAddress) },
      ATTEMPTS_PER_ADDRESS,
    );
    if (!allowed) return again({ problem: tooMany(retryAfterSeconds) }, 429);
    const errors = await problemsOf(typed);
    if (errors !== null) return again({ errors }, 422);
    await signUp(context, { ...typed, ...ask(invitation), plan: parts.config.newAccountPlan });
    // The response is the same whether or not an account with this email address exists.
    return redirect('/login?note=signed-up');
  });
}

/** Returns what a login is counted as: an attempt from a browser that is known, at an account, or at a name that no account has. */
function attemptAt(email: string, credentials: Credentials | null, { device }: PageRequest): Attempt {
  if (credentials === null) return { kind: 'login without an account', of: email.toLowerCase() };
  const kind = isKnownDevice(device, credentials) ? KNOWN_DEVICE : 'login';
  return { kind, of: credentials.accountId };
}

function readTyped(form: URLSearchParams): Typed {
  return {
    email: (form.get('email') ?? '').trim(),
    password: form.get('password') ?? '',
    timeZone: form.get('time-zone') ?? '',
  };
}

function opensSetup({ setupToken }: Parts, token: string): boolean {
  return setupToken !== null && sameText(token, setupToken);
}
