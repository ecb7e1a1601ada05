import { DAY_MS } from '../../clock.ts';
import { readDomain, shownDomain } from '../../hosts.ts';
import { hashPassword } from '../../passwords.ts';
import { digestToken, newId, newToken } from '../../tokens.ts';
import { emailProblem } from '../accounts.ts';
import { exported } from '../export.ts';
import { offeredZones } from '../time-zones.ts';
import { invitationMail } from '../views/mails.tsx';
import type { Router } from './route.ts';
import { settingsAnswers, settingsPath } from './settings-page.ts';
import { INVITATION_MS, tooMany } from './sign-in.ts';

const RETENTION_MAX_DAYS = 36_500;
const NAME_MAX_CHARS = 100;
const GOALS_MAX = 100;
const SHARES_MAX = 50;
const MEMBERS_MAX = 100;
/** Invitations that one account may send in a quarter of an hour. */
const INVITATIONS = 30;

/** The settings of one site: what its report shows and for how long, who sees it, and its end. */
export function settingsPages(router: Router): void {
  const { parts } = router;
  const { registry, events } = parts.store;
  const { page, wrong, done } = settingsAnswers(parts);

  router.site('GET', settingsPath(), 'configure', async (visit) => page(visit));

  router.site('POST', settingsPath('/time-zone'), 'configure', async (visit) => {
    const zone = visit.form.get('site-zone') ?? '';
    if (zone !== '' && !offeredZones().includes(zone))
      return wrong(visit, 'site-zone', 'There is no such time zone.');
    await registry.setSiteTimeZone(visit.site.id, zone === '' ? null : zone);
    return done(visit, 'time-zone');
  });

  router.site('POST', settingsPath('/retention'), 'configure', async (visit) => {
    const typed = (visit.form.get('days') ?? '').trim();
    const days = typed === '' ? null : Number(typed);
    if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= RETENTION_MAX_DAYS))
      return wrong(visit, 'days', 'A whole number of days from 1, or nothing.');
    await registry.setRetention(visit.site.id, days);
    return done(visit, 'retention');
  });

  router.site('POST', settingsPath('/goals'), 'configure', async (visit) => {
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

  router.site('POST', settingsPath('/goals/remove'), 'configure', async (visit) => {
    await registry.removeGoal(visit.site.id, visit.form.get('id') ?? '');
    return done(visit, 'goal');
  });

  router.site('POST', settingsPath('/shares'), 'configure', async (visit) => {
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

  router.site('POST', settingsPath('/shares/remove'), 'configure', async (visit) => {
    await registry.removeShare(visit.site.id, visit.form.get('id') ?? '');
    return done(visit, 'share');
  });

  router.site('POST', settingsPath('/members'), 'own', async (visit) => {
    const email = (visit.form.get('email') ?? '').trim();
    const role = visit.form.get('role') === 'admin' ? 'admin' : 'viewer';
    const problem = emailProblem(email);
    if (problem !== undefined) return wrong(visit, 'email', problem);
    const { site } = visit;
    const [members, invitations] = await Promise.all([
      registry.membersOf(site.id),
      registry.invitationsTo(site.id, parts.clock.now()),
    ]);
    if (members.length + invitations.length >= MEMBERS_MAX)
      return wrong(visit, 'email', `At most ${MEMBERS_MAX} people, invited ones among them.`);
    const wait = await parts.throttle.take(`invite ${visit.person.account.id}`, INVITATIONS);
    if (wait > 0) return wrong(visit, 'email', tooMany(wait));
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
    const inviter = visit.person.account.email;
    const delivery = await parts.mailer?.send(
      invitationMail(email, { address, inviter, domain: site.domain, role }),
    );
    return page(visit, { newInvitation: { email, role, address, ...(delivery && { delivery }) } });
  });

  router.site('POST', settingsPath('/members/remove'), 'own', async (visit) => {
    await registry.removeMember(visit.site.id, visit.form.get('account') ?? '');
    return done(visit, 'member');
  });

  for (const format of ['csv', 'ndjson'] as const) {
    router.site('GET', settingsPath(`/export.${format}`), 'configure', async ({ site }) => ({
      kind: 'file',
      name: `${site.domain}.${format}`,
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
      body: exported(events, site.id, format),
    }));
  }

  router.site('POST', settingsPath('/delete'), 'own', async (visit) => {
    const { site, form } = visit;
    if (readDomain(form.get('confirm') ?? '') !== site.domain)
      return wrong(visit, 'confirm', `Type ${shownDomain(site.domain)} to confirm.`);
    await registry.removeSite(site.id);
    await events.remove(site.id);
    return { kind: 'redirect', to: '/dashboard' };
  });
}
