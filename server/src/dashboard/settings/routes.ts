import { addGoal } from '../../app/goals.ts';
import { readEmail } from '../../app/inputs.ts';
import { invite, removeMember, withdrawInvitations } from '../../app/invitations.ts';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { createShare, removeShare } from '../../app/shares.ts';
import { setRetention, setSiteTimeZone } from '../../app/site-settings.ts';
import { removeSite } from '../../app/sites.ts';
import type { UseCaseCode } from '../../app/use-case-error.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { readDomain, shownDomain } from '../../domain/hosts.ts';
import { orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import { invitationMail } from '../kit/mails.tsx';
import { throttleNewPassword, tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { exported } from './export.ts';
import { settingsAnswers, settingsPath } from './page.ts';
import { SECTIONS, sectionPath } from './sections.ts';
import { SETTINGS_TEXT } from './text.ts';

/** Returns the field of a public link that an error is shown at. */
function shareFieldOf(code: UseCaseCode): string {
  switch (code) {
    case 'INVALID_PASSWORD':
    case 'GUESSABLE_PASSWORD':
    case 'PASSWORD_IN_FRAME':
      return 'share-password';
    case 'INVALID_DOMAIN':
    case 'TOO_MANY_HOSTS':
      return 'embed-hosts';
    default:
      return 'name';
  }
}

/** The limit of invitations that one account can send. */
const INVITATIONS: RateLimit = { limit: 30, windowMs: 15 * MINUTE_MS };

/** Adds the settings of a site: report, retention, access and deletion. */
export function settingsPages(router: Router): void {
  for (const { id, action } of SECTIONS) {
    const { page } = settingsAnswers(router.parts, id);
    router.site('GET', sectionPath(':id', id), action, async (request) => page(request));
  }
  reportForms(router);
  goalForms(router);
  shareForms(router);
  memberForms(router);
  exports(router);
  deleteForm(router);
}

/** Adds the forms for the reporting time zone and the retention. */
function reportForms(router: Router): void {
  const context = { registry: router.parts.store.registry };
  const { wrong, done } = settingsAnswers(router.parts, 'data');

  router.site('POST', settingsPath('/time-zone'), 'configure', async (request) =>
    orAgain(
      async () => {
        const zone = request.form.get('site-zone') ?? '';
        await setSiteTimeZone(context, request.site.id, zone === '' ? null : zone);
        return done(request, 'time-zone');
      },
      ({ message }) => wrong(request, 'site-zone', message),
    ),
  );

  router.site('POST', settingsPath('/retention'), 'configure', async (request) =>
    orAgain(
      async () => {
        const days = (request.form.get('days') ?? '').trim();
        await setRetention(context, request.site.id, days === '' ? null : days);
        return done(request, 'retention');
      },
      ({ message }) => wrong(request, 'days', message),
    ),
  );
}

function goalForms(router: Router): void {
  const context = { registry: router.parts.store.registry };
  const { wrong, done } = settingsAnswers(router.parts, 'goals');

  router.site('POST', settingsPath('/goals'), 'configure', async (request) =>
    orAgain(
      async () => {
        const kind = request.form.get('kind') === 'page' ? 'page' : 'event';
        await addGoal(context, request.site.id, { kind, pattern: request.form.get('pattern') ?? '' });
        return done(request, 'goal');
      },
      ({ message }) => wrong(request, 'pattern', message),
    ),
  );

  router.site('POST', settingsPath('/goals/remove'), 'configure', async (request) => {
    await context.registry.removeGoal(request.site.id, request.form.get('id') ?? '');
    return done(request, 'goal');
  });
}

function shareForms(router: Router): void {
  const { page, wrong, done } = settingsAnswers(router.parts, 'sharing');

  router.site('POST', settingsPath('/shares'), 'configure', async (request) =>
    orAgain(
      async () => {
        const password = request.form.get('share-password') ?? '';
        const embedHosts = request.form.get('embed-hosts') ?? '';
        const wait = password === '' ? 0 : await throttleNewPassword(router.parts, request.user.account.id);
        if (wait > 0) return wrong(request, 'share-password', tooMany(wait));
        const { name, path } = await createShare(contextOf(router.parts, request), request.site, {
          name: request.form.get('name') ?? '',
          password,
          embedHosts,
          days: request.form.get('expires') ?? '',
        });
        return page(request, {
          newShare: { name, address: `${request.baseUrl}${path}`, isEmbeddable: embedHosts.trim() !== '' },
        });
      },
      ({ code, message }) => wrong(request, shareFieldOf(code), message),
    ),
  );

  router.site('POST', settingsPath('/shares/remove'), 'configure', async (request) => {
    await removeShare(contextOf(router.parts, request), request.site, request.form.get('id') ?? '');
    return done(request, 'share');
  });
}

function memberForms(router: Router): void {
  const { parts } = router;
  const { page, wrong, done } = settingsAnswers(parts, 'team');

  router.site('POST', settingsPath('/members'), 'own', async (request) => {
    const { site, form } = request;
    const inviter = request.user.account;
    const role = form.get('role') === 'admin' ? 'admin' : 'viewer';
    return orAgain(
      async () => {
        const email = readEmail(form.get('email') ?? '');
        const { allowed, retryAfterSeconds } = await parts.rateLimiter.tryConsume(
          { kind: 'invite', of: inviter.id },
          INVITATIONS,
        );
        if (!allowed) return wrong(request, 'email', tooMany(retryAfterSeconds));
        const { path } = await invite(contextOf(parts, request), { site, inviter, email, role });
        const address = `${request.baseUrl}${path}`;
        const delivery = await parts.mailer?.send(
          invitationMail(email, { address, inviter: inviter.email, domain: site.domain, role }),
        );
        return page(request, { newInvitation: { email, role, address, ...(delivery && { delivery }) } });
      },
      ({ message }) => wrong(request, 'email', message),
    );
  });

  router.site('POST', settingsPath('/members/remove'), 'own', async (request) => {
    await removeMember(contextOf(parts, request), request.site, request.form.get('account') ?? '');
    return done(request, 'member');
  });

  router.site('POST', settingsPath('/members/withdraw'), 'own', async (request) => {
    await withdrawInvitations(contextOf(parts, request), request.site, request.form.get('email') ?? '');
    return done(request, 'member');
  });
}

function exports(router: Router): void {
  const { events } = router.parts.store;
  for (const format of ['csv', 'ndjson'] as const) {
    router.site('GET', settingsPath(`/export.${format}`), 'configure', async ({ site }) => ({
      kind: 'file',
      name: `${site.domain}.${format}`,
      type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
      body: exported(events, site.id, format),
    }));
  }
}

function deleteForm(router: Router): void {
  const { wrong } = settingsAnswers(router.parts, 'data');

  router.site('POST', settingsPath('/delete'), 'own', async (request) => {
    const { site, form } = request;
    if (readDomain(form.get('confirm') ?? '') !== site.domain)
      return wrong(request, 'confirm', `${SETTINGS_TEXT.typeToConfirm(shownDomain(site.domain))}.`);
    await removeSite(contextOf(router.parts, request), site);
    return redirect('/dashboard');
  });
}
