import { DAY_MS, utcDay } from '../../clock.ts';
import { hostFits } from '../../host-policy.ts';
import { newSiteKey } from '../../keys.ts';
import { hashPassword } from '../../passwords.ts';
import { type HostRules, RegistryConflict } from '../../store/store.ts';
import { digestToken, newId, newToken } from '../../tokens.ts';
import { may } from '../access.ts';
import { emailProblem } from '../accounts.ts';
import { exported } from '../export.ts';
import { EXTRA_HOSTS_MAX, readHost } from '../hosts-form.ts';
import { type Answer, NotFound, type SiteVisit } from '../parts.ts';
import { settingsPage } from '../views/settings.tsx';
import type { DryRun, SettingsData } from '../views/settings-parts.tsx';
import type { Router } from './route.ts';
import { html, INVITATION_MS } from './sign-in.ts';

const DRY_RUN_DAYS = 7;
const RETENTION_MAX_DAYS = 36_500;
const NAME_MAX_CHARS = 100;
const GOALS_MAX = 100;
const SHARES_MAX = 50;
const MEMBERS_MAX = 100;

/** What a page says besides the state of things: one problem, or something shown once. */
type More = Partial<Pick<SettingsData, 'problem' | 'dryRun' | 'newShare' | 'newInvitation'>>;

/** The settings of one site. */
export function settingsPages(router: Router): void {
  const { parts } = router;
  const { registry, events } = parts.store;

  const page = async (visit: SiteVisit, more: More = {}): Promise<Answer> => {
    const site = (await registry.siteById(visit.site.id)) ?? visit.site;
    const mayOwn = may(visit.role, 'own');
    const [keys, uses, goals, shares, members, invitations] = await Promise.all([
      registry.siteKeysOf(site.id),
      events.keyUse(site.id),
      registry.goalsOf(site.id),
      registry.sharesOf(site.id),
      mayOwn ? registry.membersOf(site.id) : [],
      mayOwn ? registry.invitationsTo(site.id, parts.clock.now()) : [],
    ]);
    const data: SettingsData = {
      ...{ keys, uses, goals, shares, members, invitations, mayOwn },
      nowMs: parts.clock.now(),
      defaultRetentionDays: parts.config.retentionDays,
      done: visit.query.get('done'),
      ...more,
    };
    return html(settingsPage({ ...visit, site }, data), more.problem === undefined ? 200 : 422);
  };
  const done = ({ site }: SiteVisit, what: string): Answer => ({
    kind: 'redirect',
    to: `/dashboard/sites/${site.id}/settings?done=${what}`,
  });
  const wrong = (visit: SiteVisit, at: string, text: string) => page(visit, { problem: { at, text } });
  const path = (rest = '') => `/dashboard/sites/:id/settings${rest}`;

  router.site('GET', path(), 'configure', async (visit) => page(visit));

  router.site('POST', path('/hosts'), 'configure', async (visit) => {
    const rules = readRules(visit.form);
    if (typeof rules === 'string') return wrong(visit, 'hosts', rules);
    if (visit.form.get('do') === 'preview')
      return page(visit, { dryRun: { rules, ...(await dryRun(visit, rules)) } });
    await registry.setHostRules(visit.site.id, rules);
    return done(visit, 'hosts');
  });

  const dryRun = async ({ site }: SiteVisit, rules: HostRules): Promise<Omit<DryRun, 'rules'>> => {
    const lastDay = utcDay(parts.clock.now());
    const lines = await events.ledger(site.id, { firstDay: lastDay - DRY_RUN_DAYS + 1, lastDay });
    const accepted = lines.filter(({ outcome }) => outcome === 'stored');
    const lost = accepted.filter(({ host }) => !hostFits({ domain: site.domain, ...rules }, host));
    const sum = (of: typeof lines) => of.reduce((total, { count }) => total + count, 0);
    return {
      days: DRY_RUN_DAYS,
      accepted: sum(accepted),
      refused: sum(lost),
      hosts: [...new Set(lost.map(({ host }) => host))],
    };
  };

  router.site('POST', path('/keys'), 'configure', async (visit) => {
    await registry.addSiteKey(visit.site.id, newSiteKey(), parts.clock.now());
    return done(visit, 'rotated');
  });

  router.site('POST', path('/keys/retire'), 'configure', async (visit) => {
    const key = visit.form.get('key') ?? '';
    const own = (await registry.siteKeysOf(visit.site.id)).some((siteKey) => siteKey.key === key);
    if (!own) throw new NotFound();
    try {
      await registry.retireSiteKey(key);
    } catch (error) {
      if (error instanceof RegistryConflict) return wrong(visit, 'keys', error.message);
      throw error;
    }
    return done(visit, 'retired');
  });

  router.site('POST', path('/retention'), 'configure', async (visit) => {
    const typed = (visit.form.get('days') ?? '').trim();
    const days = typed === '' ? null : Number(typed);
    if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= RETENTION_MAX_DAYS))
      return wrong(visit, 'days', 'A whole number of days from 1, or nothing.');
    await registry.setRetention(visit.site.id, days);
    return done(visit, 'retention');
  });

  router.site('POST', path('/goals'), 'configure', async (visit) => {
    const kind = visit.form.get('kind') === 'page' ? 'page' : 'event';
    const pattern = (visit.form.get('pattern') ?? '').trim();
    if (pattern === '' || pattern.length > NAME_MAX_CHARS)
      return wrong(visit, 'pattern', `1 to ${NAME_MAX_CHARS} characters.`);
    if (kind === 'page' && !pattern.startsWith('/'))
      return wrong(visit, 'pattern', 'A path starts with a slash.');
    if ((await registry.goalsOf(visit.site.id)).length >= GOALS_MAX)
      return wrong(visit, 'pattern', `At most ${GOALS_MAX} goals.`);
    await registry.addGoal({ id: newId('goal'), siteId: visit.site.id, kind, pattern });
    return done(visit, 'goal');
  });

  router.site('POST', path('/goals/remove'), 'configure', async (visit) => {
    await registry.removeGoal(visit.site.id, visit.form.get('id') ?? '');
    return done(visit, 'goal');
  });

  router.site('POST', path('/shares'), 'configure', async (visit) => {
    const name = (visit.form.get('name') ?? '').trim();
    if (name === '' || name.length > NAME_MAX_CHARS)
      return wrong(visit, 'name', `A name of 1 to ${NAME_MAX_CHARS} characters.`);
    if ((await registry.sharesOf(visit.site.id)).length >= SHARES_MAX)
      return wrong(visit, 'name', `At most ${SHARES_MAX} links.`);
    const password = visit.form.get('share-password') ?? '';
    const days = Number(visit.form.get('expires') ?? '0');
    const token = newToken();
    const now = parts.clock.now();
    await registry.createShare(
      {
        id: newId('share'),
        siteId: visit.site.id,
        name,
        passwordHash: password === '' ? null : await hashPassword(password.slice(0, 200)),
        createdAtMs: now,
        expiresAtMs: Number.isInteger(days) && days > 0 && days <= 3_650 ? now + days * DAY_MS : null,
      },
      digestToken(token),
    );
    return page(visit, { newShare: { name, address: `${visit.baseUrl}/share/${token}` } });
  });

  router.site('POST', path('/shares/remove'), 'configure', async (visit) => {
    await registry.removeShare(visit.site.id, visit.form.get('id') ?? '');
    return done(visit, 'share');
  });

  router.site('POST', path('/members'), 'own', async (visit) => {
    const email = (visit.form.get('email') ?? '').trim();
    const role = visit.form.get('role') === 'admin' ? 'admin' : 'viewer';
    const problem = emailProblem(email);
    if (problem !== undefined) return wrong(visit, 'email', problem);
    const { site } = visit;
    if ((await registry.membersOf(site.id)).length >= MEMBERS_MAX)
      return wrong(visit, 'email', `At most ${MEMBERS_MAX} people.`);
    const token = newToken();
    await registry.createTicket(
      {
        kind: 'invitation',
        email,
        accountId: visit.person.account.id,
        siteId: site.id,
        role,
        expiresAtMs: parts.clock.now() + INVITATION_MS,
      },
      digestToken(token),
    );
    const address = `${visit.baseUrl}/invitation/${token}`;
    return page(visit, { newInvitation: { email, role, address } });
  });

  router.site('POST', path('/members/remove'), 'own', async (visit) => {
    await registry.removeMember(visit.site.id, visit.form.get('account') ?? '');
    return done(visit, 'member');
  });

  for (const format of ['csv', 'ndjson'] as const) {
    router.site('GET', path(`/export.${format}`), 'configure', async ({ site }) => ({
      kind: 'file',
      name: `${site.domain}.${format}`,
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
      body: exported(events, site.id, format),
    }));
  }

  router.site('POST', path('/delete'), 'own', async (visit) => {
    const { site, form } = visit;
    if ((form.get('confirm') ?? '').trim().toLowerCase() !== site.domain)
      return wrong(visit, 'confirm', `Type ${site.domain} to confirm.`);
    await registry.removeSite(site.id);
    await events.expire(site.id, Number.MAX_SAFE_INTEGER);
    return { kind: 'redirect', to: '/dashboard' };
  });
}

/** The host rules of a form, or what is wrong with them. */
function readRules(form: URLSearchParams): HostRules | string {
  const typed = (form.get('hosts') ?? '').split(/[\s,]+/).filter((text) => text !== '');
  if (typed.length > EXTRA_HOSTS_MAX) return `At most ${EXTRA_HOSTS_MAX} hosts.`;
  const hosts: string[] = [];
  for (const text of typed) {
    const host = readHost(text);
    if (host === null)
      return `“${text.slice(0, 100)}” is no host. It looks like shop.example.com or *.example.com.`;
    hosts.push(host);
  }
  return { allowSubdomains: form.get('subdomains') === 'on', extraHosts: [...new Set(hosts)] };
}
