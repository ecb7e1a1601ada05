import { randomBytes } from 'node:crypto';
import { hashPassword } from '../../passwords.ts';
import { RegistryConflict } from '../../store/store.ts';
import { digestToken } from '../../tokens.ts';
import { newTotpSecret, totpAddress, totpStep } from '../../totp.ts';
import { isOperator } from '../access.ts';
import { emailProblem, passwordFits, passwordProblem } from '../accounts.ts';
import { type Answer, NotFound, type PersonalVisit } from '../parts.ts';
import { offeredZones } from '../time-zones.ts';
import { type AccountData, accountPage } from '../views/account.tsx';
import type { Router } from './route.ts';
import { html, tooMany } from './sign-in.ts';

const RECOVERY_CODES = 8;
/** Guesses per quarter of an hour at one's own password, by whoever sits in front of an open browser. */
const ATTEMPTS = 10;

type More = Partial<Pick<AccountData, 'problem' | 'enrolment' | 'recoveryCodes'>>;

/** Whoever is signed in: address, password, second factor, browsers, time zone, the end. */
export function accountPages(router: Router): void {
  const { parts } = router;
  const { registry, events } = parts.store;

  const page = async (visit: PersonalVisit, more: More = {}): Promise<Answer> => {
    const { account, session } = visit.person;
    const [credentials, runsInstallation, sessions] = await Promise.all([
      registry.credentialsOf(account.id),
      isOperator(registry, account),
      registry.sessionsOf(account.id, parts.clock.now()),
    ]);
    return html(
      accountPage(visit.frame, {
        account,
        runsInstallation,
        sessions,
        sessionId: session.id,
        hasTotp: credentials?.totpSecret != null,
        timeZones: offeredZones(),
        nowMs: parts.clock.now(),
        done: visit.query.get('done'),
        ...more,
      }),
      more.problem === undefined ? 200 : 422,
    );
  };
  const done = (what: string): Answer => ({ kind: 'redirect', to: `/dashboard/account?done=${what}` });
  const wrong = (visit: PersonalVisit, at: string, text: string, more: More = {}) =>
    page(visit, { problem: { at, text }, ...more });
  /** What is wrong with the password that confirms a change; null where it is right. */
  const confirmed = async ({ person, form }: PersonalVisit, field: string): Promise<string | null> => {
    const wait = await parts.throttle.take(`confirm ${person.account.id}`, ATTEMPTS);
    if (wait > 0) return tooMany(wait);
    const fits = await passwordFits(await registry.credentialsOf(person.account.id), form.get(field) ?? '');
    return fits ? null : 'This is not your password.';
  };

  router.person('GET', '/dashboard/account', async (visit) => page(visit));

  router.person('POST', '/dashboard/account/email', async (visit) => {
    const email = (visit.form.get('email') ?? '').trim();
    const problem = emailProblem(email);
    if (problem !== undefined) return wrong(visit, 'email', problem);
    const refused = await confirmed(visit, 'email-password');
    if (refused !== null) return wrong(visit, 'email-password', refused);
    try {
      await registry.setEmail(visit.person.account.id, email);
    } catch (error) {
      if (error instanceof RegistryConflict)
        return wrong(visit, 'email', 'This address cannot be used here.');
      throw error;
    }
    return done('email');
  });

  router.person('POST', '/dashboard/account/password', async (visit) => {
    const password = visit.form.get('new-password') ?? '';
    const problem = passwordProblem(password);
    if (problem !== undefined) return wrong(visit, 'new-password', problem);
    const refused = await confirmed(visit, 'old-password');
    if (refused !== null) return wrong(visit, 'old-password', refused);
    const { account, session } = visit.person;
    await registry.setPassword(account.id, await hashPassword(password));
    await registry.endSessionsOf(account.id, session.id);
    return done('password');
  });

  router.person('POST', '/dashboard/account/time-zone', async (visit) => {
    const timeZone = visit.form.get('time-zone') ?? '';
    if (!offeredZones().includes(timeZone)) return wrong(visit, 'time-zone', 'There is no such time zone.');
    await registry.setTimeZone(visit.person.account.id, timeZone);
    return done('time-zone');
  });

  router.person('POST', '/dashboard/account/second-factor', async (visit) => {
    const { account } = visit.person;
    const { form } = visit;
    if (form.get('do') === 'off') {
      const refused = await confirmed(visit, 'totp-password');
      if (refused !== null) return wrong(visit, 'totp-password', refused);
      await registry.setTotp(account.id, null);
      return done('totp-off');
    }
    const enrol = (secret: string) => ({ secret, address: totpAddress(secret, account.email) });
    const secret = form.get('secret') ?? '';
    if (!/^[A-Z2-7]{32}$/.test(secret)) return page(visit, { enrolment: enrol(newTotpSecret()) });
    const step = totpStep(secret, form.get('code') ?? '', parts.clock.now());
    if (step === null)
      return wrong(visit, 'code', 'This code does not fit. Is the clock of your phone right?', {
        enrolment: enrol(secret),
      });
    const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () => randomBytes(8).toString('hex'));
    await registry.setTotp(account.id, { secret, recoveryHashes: recoveryCodes.map(digestToken) });
    await registry.useTotpStep(account.id, step);
    return page(visit, { recoveryCodes });
  });

  router.person('POST', '/dashboard/account/sessions', async (visit) => {
    const { account, session } = visit.person;
    const id = visit.form.get('id');
    if (id === null) await registry.endSessionsOf(account.id, session.id);
    else if (!(await registry.endSession(account.id, id))) throw new NotFound();
    return id === session.id ? { kind: 'redirect', to: '/login', cookie: null } : done('sessions');
  });

  router.person('POST', '/dashboard/account/delete', async (visit) => {
    const { account } = visit.person;
    if ((visit.form.get('confirm') ?? '').trim().toLowerCase() !== account.email.toLowerCase())
      return wrong(visit, 'confirm', `Type ${account.email} to confirm.`);
    const refused = await confirmed(visit, 'delete-password');
    if (refused !== null) return wrong(visit, 'delete-password', refused);
    const sites = await registry.sitesOf(account.id);
    await registry.removeAccount(account.id);
    for (const { id } of sites) await events.remove(id);
    return { kind: 'redirect', to: '/login?note=deleted', cookie: null };
  });
}
