import { isOperator } from '../../app/access.ts';
import { changeEmail, changePassword, changeTimeZone, removeAccount } from '../../app/accounts.ts';
import { readEmail, readNewPassword } from '../../app/inputs.ts';
import {
  beginEnrolment,
  enrolmentOf,
  totpAddress,
  totpStep,
  turnOffSecondFactor,
  turnOnSecondFactor,
} from '../../app/second-factor.ts';
import { listAccountActivity } from '../../app/security-log.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import { type Answer, NotFound, type Parts, refusesPasswords, type SignedInRequest } from '../kit/parts.ts';
import { type Problem, reauthenticate, throttleNewPassword, tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { renewSession, sessionsOf } from '../kit/sessions.ts';
import { offeredZones } from '../kit/time-zones.ts';
import { accountActivityPage } from './activity-view.tsx';
import { ACCOUNT_TEXT } from './text.ts';
import { type AccountData, accountPage } from './view.tsx';

interface More extends Partial<Pick<AccountData, 'enrolment' | 'recoveryCodes'>> {
  problem?: Problem;
}

/** Adds the account page and its activity: email, password, two-factor authentication, sessions, time zone, deletion. */
export function accountPages(router: Router): void {
  const { page } = accountAnswers(router.parts);
  router.user('GET', '/dashboard/account', async (request) => page(request));
  activityList(router);
  emailForm(router);
  passwordForm(router);
  timeZoneForm(router);
  secondFactorForm(router);
  sessionsForm(router);
  deleteForm(router);
}

/** Creates the responses to the account's forms: the page again, or a redirect to it. */
function accountAnswers(parts: Parts) {
  const {
    store: { registry },
    clock,
  } = parts;
  const page = async (request: SignedInRequest, more: More = {}): Promise<Answer> => {
    const { account, session } = request.user;
    const [credentials, operates, sessions] = await Promise.all([
      registry.credentialsOf(account.id),
      isOperator(registry, account),
      sessionsOf(parts, account.id),
    ]);
    return html(
      accountPage(request.frame, {
        account,
        isOperator: operates,
        sessions,
        sessionId: session.id,
        hasTotp: credentials?.totpSecret != null,
        hasPasswords: !refusesPasswords(parts),
        timeZones: offeredZones(),
        nowMs: clock.now(),
        done: request.query.get('done'),
        ...more,
      }),
      more.problem?.status ?? 200,
    );
  };
  const done = (what: string): Answer => redirect(`/dashboard/account?done=${what}`);
  /** Signs the user in again, because a change of credentials ends all sessions. */
  const doneAgain = async (request: SignedInRequest, what: string): Promise<Answer> => {
    const credentials = await registry.credentialsOf(request.user.account.id);
    if (credentials === null) throw new NotFound();
    return renewSession(parts, request, credentials, `/dashboard/account?done=${what}`);
  };
  const wrong = (request: SignedInRequest, at: string, text: string, more: More = {}) =>
    page(request, { problem: { at, text, status: 422 }, ...more });
  return { page, done, doneAgain, wrong };
}

function activityList(router: Router): void {
  const { store, clock } = router.parts;

  router.user('GET', '/dashboard/account/activity', async ({ frame, query, user: { account } }) => {
    const cursor = query.get('cursor');
    const page = await listAccountActivity({ registry: store.registry, clock }, account.id, cursor);
    const data = { ...page, accountId: account.id, zone: account.timeZone, isNewest: cursor === null };
    return html(accountActivityPage(frame, data));
  });
}

function emailForm(router: Router): void {
  const { parts } = router;
  const { page, doneAgain, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/email', async (request) =>
    orAgain(
      async () => {
        const email = readEmail(request.form.get('email') ?? '');
        const problem = await reauthenticate(parts, request, { password: 'email-password' });
        if (problem !== null) return page(request, { problem });
        await changeEmail(contextOf(parts, request), request.user.account.id, email);
        return doneAgain(request, 'email');
      },
      // The error does not reveal that another account has the address.
      ({ code, message }) =>
        wrong(request, 'email', code === 'EMAIL_TAKEN' ? ACCOUNT_TEXT.emailUnusable : message),
    ),
  );
}

function passwordForm(router: Router): void {
  const { parts } = router;
  const { page, doneAgain, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/password', async (request) =>
    orAgain(
      async () => {
        if (refusesPasswords(parts)) throw new NotFound();
        const wait = await throttleNewPassword(parts, request.user.account.id);
        if (wait > 0)
          return page(request, { problem: { at: 'new-password', text: tooMany(wait), status: 429 } });
        const password = await readNewPassword(request.form.get('new-password') ?? '');
        const problem = await reauthenticate(parts, request, { password: 'old-password' });
        if (problem !== null) return page(request, { problem });
        await changePassword(contextOf(parts, request), request.user.account.id, password);
        return doneAgain(request, 'password');
      },
      ({ message }) => wrong(request, 'new-password', message),
    ),
  );
}

function timeZoneForm(router: Router): void {
  const { done, wrong } = accountAnswers(router.parts);

  router.user('POST', '/dashboard/account/time-zone', async (request) =>
    orAgain(
      async () => {
        const zone = request.form.get('time-zone') ?? '';
        await changeTimeZone(contextOf(router.parts, request), request.user.account.id, zone);
        return done('time-zone');
      },
      ({ message }) => wrong(request, 'time-zone', message),
    ),
  );
}

function secondFactorForm(router: Router): void {
  const { parts } = router;
  const { page, done, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/second-factor', async (request) => {
    const { account, session } = request.user;
    const { form } = request;
    const context = contextOf(parts, request);
    const confirm = () => reauthenticate(parts, request, { password: 'totp-password', code: 'totp-code' });
    const shown = (secret: string) => ({
      enrolment: { secret, address: totpAddress(secret, account.email) },
    });
    const action = form.get('do');
    if (action === 'off') {
      const problem = await confirm();
      if (problem !== null) return page(request, { problem });
      await turnOffSecondFactor(context, account.id);
      return done('totp-off');
    }
    if (action !== 'confirm') return page(request, shown(await beginEnrolment(context, session)));
    const enrolment = await enrolmentOf(context, session);
    if (enrolment === null) return wrong(request, 'code', ACCOUNT_TEXT.enrolmentOver);
    const { secret } = enrolment;
    const step = totpStep(secret, form.get('code') ?? '', parts.clock.now());
    if (step === null) return wrong(request, 'code', ACCOUNT_TEXT.wrongCode, shown(secret));
    const problem = await confirm();
    if (problem !== null) return page(request, { problem, ...shown(secret) });
    const recoveryCodes = await turnOnSecondFactor(context, session, { ...enrolment, step });
    if (recoveryCodes === null) return wrong(request, 'code', ACCOUNT_TEXT.enrolmentOver);
    return page(request, { recoveryCodes });
  });
}

function sessionsForm(router: Router): void {
  const { registry } = router.parts.store;
  const { done } = accountAnswers(router.parts);

  router.user('POST', '/dashboard/account/sessions', async (request) => {
    const { account, session } = request.user;
    const id = request.form.get('id');
    if (id === null) await registry.endSessionsOf(account.id, session.id);
    else if (!(await registry.endSession(account.id, id))) throw new NotFound();
    const event = id === session.id ? 'sign-out' : 'sessions-ended';
    await contextOf(router.parts, request).record({ accountId: account.id, event });
    return id === session.id ? { kind: 'redirect', to: '/login', cookie: null } : done('sessions');
  });
}

function deleteForm(router: Router): void {
  const { parts } = router;
  const { page, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/delete', async (request) => {
    const { account } = request.user;
    // The next oldest account would administer the server, whoever has it.
    if (await isOperator(parts.store.registry, account))
      return wrong(request, 'confirm', ACCOUNT_TEXT.deleteOperator);
    if ((request.form.get('confirm') ?? '').trim().toLowerCase() !== account.email.toLowerCase())
      return wrong(request, 'confirm', `${ACCOUNT_TEXT.typeToConfirm(account.email)}.`);
    const problem = await reauthenticate(parts, request, { password: 'delete-password' });
    if (problem !== null) return page(request, { problem });
    await removeAccount(contextOf(parts, request), account.id);
    return { kind: 'redirect', to: '/login?note=deleted', cookie: null };
  });
}
