import { isOperator } from '../../app/access.ts';
import { changeEmail, changePassword, changeTimeZone, removeAccount } from '../../app/accounts.ts';
import { readEmail, readNewPassword } from '../../app/inputs.ts';
import {
  newTotpSecret,
  totpAddress,
  totpStep,
  turnOffSecondFactor,
  turnOnSecondFactor,
} from '../../app/second-factor.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { type Answer, contextOf, NotFound, type Parts, type SignedInRequest } from '../kit/parts.ts';
import { type Problem, reauthenticate } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { offeredZones } from '../kit/time-zones.ts';
import { ACCOUNT_TEXT } from './text.ts';
import { type AccountData, accountPage } from './view.tsx';

interface More extends Partial<Pick<AccountData, 'enrolment' | 'recoveryCodes'>> {
  problem?: Problem;
}

/** Adds the account page: email, password, two-factor authentication, sessions, time zone, deletion. */
export function accountPages(router: Router): void {
  const { page } = accountAnswers(router.parts);
  router.user('GET', '/dashboard/account', async (request) => page(request));
  emailForm(router);
  passwordForm(router);
  timeZoneForm(router);
  secondFactorForm(router);
  sessionsForm(router);
  deleteForm(router);
}

/** Creates the responses to the account's forms: the page again, or a redirect to it. */
function accountAnswers({ store: { registry }, clock }: Parts) {
  const page = async (request: SignedInRequest, more: More = {}): Promise<Answer> => {
    const { account, session } = request.user;
    const [credentials, operates, sessions] = await Promise.all([
      registry.credentialsOf(account.id),
      isOperator(registry, account),
      registry.sessionsOf(account.id, clock.now()),
    ]);
    return html(
      accountPage(request.frame, {
        account,
        isOperator: operates,
        sessions,
        sessionId: session.id,
        hasTotp: credentials?.totpSecret != null,
        timeZones: offeredZones(),
        nowMs: clock.now(),
        done: request.query.get('done'),
        ...more,
      }),
      more.problem?.status ?? 200,
    );
  };
  const done = (what: string): Answer => redirect(`/dashboard/account?done=${what}`);
  const wrong = (request: SignedInRequest, at: string, text: string, more: More = {}) =>
    page(request, { problem: { at, text, status: 422 }, ...more });
  return { page, done, wrong };
}

function emailForm(router: Router): void {
  const { parts } = router;
  const { page, done, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/email', async (request) =>
    orAgain(
      async () => {
        const email = readEmail(request.form.get('email') ?? '');
        const problem = await reauthenticate(parts, request, { password: 'email-password' });
        if (problem !== null) return page(request, { problem });
        await changeEmail(contextOf(parts), request.user.account.id, email);
        return done('email');
      },
      // The error does not reveal that another account has the address.
      ({ code, message }) =>
        wrong(request, 'email', code === 'EMAIL_TAKEN' ? ACCOUNT_TEXT.emailUnusable : message),
    ),
  );
}

function passwordForm(router: Router): void {
  const { parts } = router;
  const { page, done, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/password', async (request) =>
    orAgain(
      async () => {
        const password = readNewPassword(request.form.get('new-password') ?? '');
        const problem = await reauthenticate(parts, request, { password: 'old-password' });
        if (problem !== null) return page(request, { problem });
        const { account, session } = request.user;
        await changePassword(contextOf(parts), account.id, { password, keepSession: session.id });
        return done('password');
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
        await changeTimeZone(contextOf(router.parts), request.user.account.id, zone);
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
    const { account } = request.user;
    const { form } = request;
    const confirm = () => reauthenticate(parts, request, { password: 'totp-password', code: 'totp-code' });
    if (form.get('do') === 'off') {
      const problem = await confirm();
      if (problem !== null) return page(request, { problem });
      await turnOffSecondFactor(contextOf(parts), account.id);
      return done('totp-off');
    }
    const enrol = (secret: string) => ({ secret, address: totpAddress(secret, account.email) });
    const secret = form.get('secret') ?? '';
    if (!/^[A-Z2-7]{32}$/.test(secret)) return page(request, { enrolment: enrol(newTotpSecret()) });
    const step = totpStep(secret, form.get('code') ?? '', parts.clock.now());
    if (step === null)
      return wrong(request, 'code', ACCOUNT_TEXT.wrongCode, {
        enrolment: enrol(secret),
      });
    const problem = await confirm();
    if (problem !== null) return page(request, { problem, enrolment: enrol(secret) });
    const recoveryCodes = await turnOnSecondFactor(contextOf(parts), account.id, { secret, step });
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
    return id === session.id ? { kind: 'redirect', to: '/login', cookie: null } : done('sessions');
  });
}

function deleteForm(router: Router): void {
  const { parts } = router;
  const { page, wrong } = accountAnswers(parts);

  router.user('POST', '/dashboard/account/delete', async (request) => {
    const { account } = request.user;
    if ((request.form.get('confirm') ?? '').trim().toLowerCase() !== account.email.toLowerCase())
      return wrong(request, 'confirm', `${ACCOUNT_TEXT.typeToConfirm(account.email)}.`);
    const problem = await reauthenticate(parts, request, { password: 'delete-password' });
    if (problem !== null) return page(request, { problem });
    await removeAccount(contextOf(parts), account.id);
    return { kind: 'redirect', to: '/login?note=deleted', cookie: null };
  });
}
