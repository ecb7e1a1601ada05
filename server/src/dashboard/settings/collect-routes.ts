import { dryRunExclusions, excludeAddress, listOfError, setExclusions } from '../../app/exclusions.ts';
import { dryRunHostRules, readHostRules, setHostRules } from '../../app/host-rules.ts';
import { retireSiteKey, rotateSiteKey } from '../../app/site-keys.ts';
import { setMergeTrailingSlashes } from '../../app/site-settings.ts';
import type { ExclusionList } from '../../domain/exclusions.ts';
import { orAgain } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import type { Router } from '../kit/router.ts';
import { excludedField, type TypedRules } from './elements.tsx';
import { settingsAnswers, settingsPath } from './page.ts';

/** Adds the settings of the collector: hosts, keys, exclusions and pages. */
export function collectingPages(router: Router): void {
  hostsForm(router);
  keyForms(router);
  exclusionsForm(router);
  pagesForm(router);
}

function hostsForm(router: Router): void {
  const { parts } = router;
  const { page, wrong, done } = settingsAnswers(router.parts, 'counting');

  router.site('POST', settingsPath('/hosts'), 'configure', async (request) => {
    const { site, form } = request;
    const typedHosts = form.get('hosts') ?? '';
    return orAgain(
      async () => {
        const allowSubdomains = form.get('subdomains') === 'on';
        const rules = readHostRules({ allowSubdomains, hosts: typedHosts });
        if (form.get('do') === 'preview') {
          await parts.store.events.flush();
          const context = contextOf(parts, request);
          return page(request, { dryRun: { rules, ...(await dryRunHostRules(context, site, rules)) } });
        }
        await setHostRules(contextOf(parts, request), site.id, rules);
        return done(request, 'hosts');
      },
      ({ message }) => wrong(request, 'hosts', message, { typedHosts }),
    );
  });
}

function keyForms(router: Router): void {
  const { parts } = router;
  const { wrong, done } = settingsAnswers(router.parts, 'counting');

  router.site('POST', settingsPath('/keys'), 'configure', async (request) =>
    orAgain(
      async () => {
        await rotateSiteKey(contextOf(parts, request), request.site.id);
        return done(request, 'rotated');
      },
      ({ message }) => wrong(request, 'keys', message),
    ),
  );

  router.site('POST', settingsPath('/keys/retire'), 'configure', async (request) =>
    orAgain(
      async () => {
        await retireSiteKey(contextOf(parts, request), request.form.get('key') ?? '', request.site);
        return done(request, 'retired');
      },
      ({ message }) => wrong(request, 'keys', message),
    ),
  );
}

function exclusionsForm(router: Router): void {
  const { parts } = router;
  const { page, wrong, done } = settingsAnswers(parts, 'counting');

  router.site('POST', settingsPath('/exclusions'), 'configure', async (request) => {
    const { site, form, reports, clientAddress: address, userAgent } = request;
    const typedExclusions = typedIn(form);
    return orAgain(
      async () => {
        if (form.get('do') === 'preview') {
          const context = { reports, clock: parts.clock };
          const { run: exclusionsRun } = await dryRunExclusions(context, site, typedExclusions, {
            address,
            userAgent,
          });
          return page(request, { typedExclusions, exclusionsRun });
        }
        await setExclusions(contextOf(parts, request), site.id, typedExclusions);
        return done(request, 'exclusions');
      },
      ({ code, message }) =>
        wrong(request, excludedField(listOfError(code) ?? 'pages'), message, { typedExclusions }),
    );
  });

  router.site('POST', settingsPath('/exclusions/own-address'), 'configure', async (request) =>
    orAgain(
      async () => {
        await excludeAddress(contextOf(parts, request), request.site, request.clientAddress);
        return done(request, 'own-address');
      },
      ({ message }) => wrong(request, excludedField('addresses'), message),
    ),
  );
}

function pagesForm(router: Router): void {
  const { done } = settingsAnswers(router.parts, 'counting');

  router.site('POST', settingsPath('/pages'), 'configure', async (request) => {
    const merges = request.form.get('merge-slashes') === 'on';
    await setMergeTrailingSlashes(contextOf(router.parts, request), request.site.id, merges);
    return done(request, 'pages');
  });
}

function typedIn(form: URLSearchParams): TypedRules {
  const list = (name: ExclusionList) => form.get(excludedField(name)) ?? '';
  return {
    ...{ pages: list('pages'), countries: list('countries'), addresses: list('addresses') },
    ...{ referrers: list('referrers'), hosts: list('hosts'), agents: list('agents') },
    referrerSpam: form.get('referrer-spam') === 'on',
    dataCenters: form.get('data-centers') === 'on',
  };
}
