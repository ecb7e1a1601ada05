import { DAY_MS } from '../../clock.ts';
import { entryOf } from '../../entry-of.ts';
import { RegistryConflict } from '../../store/store.ts';
import { digestToken, sameText } from '../../tokens.ts';
import { totpStep } from '../../totp.ts';
import { emailProblem, newAccount, passwordFits, problemsOf, readTyped } from '../accounts.ts';
import type { Answer, Parts, Visit } from '../parts.ts';
import { accountOnTicket, pendingTicket, ticketFits } from '../pending.ts';
import { startSession } from '../sessions.ts';
import { loginPage, noSetupPage, secondFactorPage, setupPage, signupPage } from '../views/sign-in.tsx';
import type { Router } from './route.ts';

/** Attempts per quarter of an hour: at one account, */
const ATTEMPTS_PER_ACCOUNT = 10;
/** and from one address at any. */
const ATTEMPTS_PER_ADDRESS = 50;

const WRONG = 'The e-mail address or the password is not right.';

const NOTES: Readonly<Record<string, string>> = {
  'signed-up': 'If the address was free, the account is ready. Sign in.',
  reset: 'The password is set. Sign in with it.',
  deleted: 'The account and everything that belonged to it is gone.',
};

/** The ways in and out. */
export function signInPages(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.anyone('GET', '/setup', async ({ frame, query }) => {
    if (await registry.hasAccounts()) return html(noSetupPage(frame, 'done'), 410);
    const token = query.get('token') ?? '';
    return opensSetup(parts, token) ? html(setupPage(frame, token)) : html(noSetupPage(frame, 'token'), 403);
  });

  router.anyone('POST', '/setup', async (visit) => {
    const { frame, form } = visit;
    if (await registry.hasAccounts()) return html(noSetupPage(frame, 'done'), 410);
    const token = form.get('token') ?? '';
    if (!opensSetup(parts, token)) return html(noSetupPage(frame, 'token'), 403);
    const typed = readTyped(form);
    const errors = problemsOf(typed);
    if (errors !== null) return html(setupPage(frame, token, { email: typed.email, errors }), 422);
    const account = await registry.createFirstAccount(
      await newAccount(typed, parts.config.newAccountPlan, parts.clock),
    );
    if (account === null) return html(noSetupPage(frame, 'done'), 410);
    return signIn(parts, visit, account.id, '/dashboard/add-site');
  });

  router.anyone('GET', '/login', async ({ frame, person, query }) => {
    if (person !== null) return { kind: 'redirect', to: ownAddress(query.get('next')) };
    if (!(await registry.hasAccounts())) return { kind: 'redirect', to: '/setup' };
    return html(
      loginPage(frame, {
        next: ownAddress(query.get('next')),
        note: entryOf(NOTES, query.get('note') ?? ''),
        signups: parts.config.signups,
      }),
    );
  });

  router.anyone('POST', '/login', async (visit) => {
    const { form, frame } = visit;
    const { email, password } = readTyped(form);
    const next = ownAddress(form.get('next'));
    const again = (problem: string, status: number) =>
      html(loginPage(frame, { next, state: { email, problem }, signups: parts.config.signups }), status);
    const account = `login ${email.toLowerCase()}`;
    const wait = await throttled(parts, visit, account);
    if (wait > 0) return again(tooMany(wait), 429);
    const credentials = await registry.credentialsByEmail(email);
    if (!(await passwordFits(credentials, password)) || credentials === null) return again(WRONG, 422);
    if (credentials.totpSecret !== null)
      return html(secondFactorPage(frame, { ticket: pendingTicket(credentials, parts.clock.now()), next }));
    await parts.throttle.forgive(account);
    return signIn(parts, visit, credentials.accountId, next);
  });

  router.anyone('POST', '/login/second-factor', async (visit) => {
    const { form, frame } = visit;
    const ticket = form.get('ticket') ?? '';
    const next = ownAddress(form.get('next'));
    const accountId = accountOnTicket(ticket);
    const credentials = accountId === null ? null : await registry.credentialsOf(accountId);
    if (credentials === null || !ticketFits(ticket, credentials, parts.clock.now()))
      return { kind: 'redirect', to: '/login' };
    const again = (problem: string, status: number) =>
      html(secondFactorPage(frame, { ticket, next, state: { problem } }), status);
    const wait = await throttled(parts, visit, `second ${credentials.accountId}`);
    if (wait > 0) return again(tooMany(wait), 429);
    if (!(await secondFactorFits(parts, credentials, form.get('code') ?? '')))
      return again('This code is not right, or was used already.', 422);
    return signIn(parts, visit, credentials.accountId, next);
  });

  router.person('POST', '/logout', async ({ person }) => {
    await registry.endSession(person.account.id, person.session.id);
    return { kind: 'redirect', to: '/login', cookie: null };
  });

  router.anyone('GET', '/signup', async ({ frame, query }) => {
    const invitation = query.get('invitation') ?? '';
    return html(signupPage(frame, { open: await maySignUp(parts, invitation), invitation }));
  });

  router.anyone('POST', '/signup', async (visit) => {
    const { form, frame } = visit;
    const invitation = form.get('invitation') ?? '';
    if (!(await maySignUp(parts, invitation)))
      return html(signupPage(frame, { open: false, invitation }), 403);
    const wait = await parts.throttle.take(`signup ${visit.clientAddress}`, ATTEMPTS_PER_ADDRESS);
    const typed = readTyped(form);
    const errors = problemsOf(typed);
    if (errors !== null || wait > 0) {
      const state = { email: typed.email, ...(errors === null ? { problem: tooMany(wait) } : { errors }) };
      return html(signupPage(frame, { open: true, invitation, state }), errors === null ? 429 : 422);
    }
    await signUp(parts, typed, invitation);
    // The same answer whether or not there was an account with this address.
    return { kind: 'redirect', to: '/login?note=signed-up' };
  });
}

export function html(text: string, status = 200): Answer {
  return { kind: 'html', html: text, status };
}

export function tooMany(waitSeconds: number): string {
  const minutes = Math.ceil(waitSeconds / 60);
  return `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`;
}

/** An address of the dashboard to go on to; anything else, and everything that leaves it, becomes the sites list. */
export function ownAddress(wished: string | null): string {
  const start = 'http://here';
  const url = wished === null ? null : URL.parse(wished, start);
  if (url === null || url.origin !== start || !/^\/dashboard(\/|$)/.test(url.pathname)) return '/dashboard';
  return `${url.pathname}${url.search}`;
}

function opensSetup({ setupToken }: Parts, token: string): boolean {
  return setupToken !== null && sameText(token, setupToken);
}

/** Counts an attempt. @returns seconds to wait */
async function throttled({ throttle }: Parts, { clientAddress }: Visit, account: string): Promise<number> {
  return Math.max(
    await throttle.take(`address ${clientAddress}`, ATTEMPTS_PER_ADDRESS),
    await throttle.take(account, ATTEMPTS_PER_ACCOUNT),
  );
}

async function signIn(parts: Parts, visit: Visit, accountId: string, to: string): Promise<Answer> {
  // Whatever session the browser had is not carried on.
  if (visit.person !== null)
    await parts.store.registry.endSession(visit.person.account.id, visit.person.session.id);
  const cookie = await startSession(
    { registry: parts.store.registry, clock: parts.clock },
    accountId,
    visit.userAgent,
  );
  return { kind: 'redirect', to, cookie };
}

/** A code of the app, or one of the recovery codes; each works once. */
async function secondFactorFits(
  { store, clock }: Parts,
  { accountId, totpSecret }: { accountId: string; totpSecret: string | null },
  typed: string,
): Promise<boolean> {
  const step = totpSecret === null ? null : totpStep(totpSecret, typed, clock.now());
  return step === null
    ? store.registry.useRecoveryCode(accountId, digestToken(typed.trim().toLowerCase()))
    : store.registry.useTotpStep(accountId, step);
}

async function maySignUp({ config, store, clock }: Parts, invitation: string): Promise<boolean> {
  if (!(await store.registry.hasAccounts())) return false;
  if (config.signups === 'open') return true;
  const ticket = await store.registry.ticketByToken(digestToken(invitation), clock.now());
  return ticket?.kind === 'invitation';
}

/** Makes the account, unless there is one; an invitation is used up, and brings its role on a site. */
async function signUp(
  parts: Parts,
  typed: { email: string; password: string },
  invitation: string,
): Promise<void> {
  const { registry } = parts.store;
  if (emailProblem(typed.email) !== undefined) return;
  const wanted = await newAccount(typed, parts.config.newAccountPlan, parts.clock);
  const ticket = await registry.useTicket(digestToken(invitation), parts.clock.now());
  if (ticket === null && parts.config.signups !== 'open') return;
  try {
    const account = await registry.createAccount(wanted);
    if (ticket?.siteId != null && ticket.role !== null)
      await registry.setMember(ticket.siteId, account.id, ticket.role);
  } catch (error) {
    if (!(error instanceof RegistryConflict)) throw error;
  }
}

/** How long an invitation is good for. */
export const INVITATION_MS = 7 * DAY_MS;
