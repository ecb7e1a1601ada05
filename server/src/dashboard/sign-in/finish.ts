import type { SecurityEvent } from '../../domain/security-events.ts';
import type { Credentials } from '../../store/contract/store.ts';
import { html } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import type { Answer, Frame, PageRequest, Parts } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { signInTo } from '../kit/sessions.ts';
import { pendingLoginToken } from './pending-login.ts';
import { SIGN_IN_TEXT } from './text.ts';
import { type LoginParts, loginPage, secondFactorPage } from './view.tsx';

/** The last steps of every sign-in. */

/** Returns the page to open after login: the requested one if it is in the dashboard, or else the list of sites. */
export function ownAddress(wished: string | null): string {
  const start = 'http://here';
  const url = wished === null ? null : URL.parse(wished, start);
  if (url === null || url.origin !== start || !/^\/dashboard(\/|$)/.test(url.pathname)) return '/dashboard';
  return `${url.pathname}${url.search}`;
}

/** Signs in to an account whose first factor was right, or asks for the second one if it is on. */
export async function passFirstFactor(
  parts: Parts,
  request: PageRequest,
  credentials: Credentials,
  next: string,
): Promise<Answer> {
  if (credentials.totpSecret === null) return signIn(parts, request, credentials, next);
  // Only wrong passwords are told apart.
  const ticket = pendingLoginToken(credentials, { password: '', isRight: true }, parts.clock.now());
  return html(secondFactorPage(request.frame, { ticket, next }));
}

/** Answers with the login page, which shows the ways to sign in to this server. */
export function loginAnswer(
  { config: { signups }, singleSignOn }: Parts,
  frame: Frame,
  shown: Omit<LoginParts, 'signups' | 'singleSignOn'>,
  status = 200,
): Answer {
  return html(loginPage(frame, { signups, singleSignOn: singleSignOn?.settings ?? null, ...shown }), status);
}

/** Refuses a page or a form about passwords, because people sign in with the identity provider only. */
export function passwordsRefused(parts: Parts, frame: Frame): Answer {
  const state = { problem: SIGN_IN_TEXT.onlySingleSignOn };
  return loginAnswer(parts, frame, { next: '/dashboard', state }, 403);
}

/**
 * Returns functions that record what happens at sign-in. They do so after the response, whose time must not reveal whether the
 * account exists.
 */
export function noteLater({ parts, background }: Router, request: PageRequest, accountId: string | null) {
  const event = (event: SecurityEvent) =>
    background.run(() => contextOf(parts, request).record({ accountId, event }));
  return { event, throttled: () => event('sign-in-throttled') };
}

/** Signs in to an account, and ends the earlier session of the browser. */
export async function signIn(
  parts: Parts,
  request: PageRequest,
  credentials: Credentials,
  to: string,
): Promise<Answer> {
  if (request.user !== null)
    await parts.store.registry.endSession(request.user.account.id, request.user.session.id);
  return signInTo(parts, request, credentials, to);
}
