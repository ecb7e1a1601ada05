import { dryRunExclusions, setExclusions } from '../../app/exclusions.ts';
import { dryRunHostRules, readHostRules, setHostRules } from '../../app/host-rules.ts';
import { retireSiteKey, rotateSiteKey } from '../../app/site-keys.ts';
import { orAgain } from '../kit/answers.ts';
import { contextOf } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { settingsAnswers, settingsPath } from './page.ts';

/** Adds the settings of the collector: hosts, keys and exclusions. */
export function collectingPages(router: Router): void {
  hostsForm(router);
  keyForms(router);
  exclusionsForm(router);
}

function hostsForm(router: Router): void {
  const context = contextOf(router.parts);
  const { page, wrong, done } = settingsAnswers(router.parts);

  router.site('POST', settingsPath('/hosts'), 'configure', async (request) => {
    const { site, form } = request;
    const typedHosts = form.get('hosts') ?? '';
    return orAgain(
      async () => {
        const allowSubdomains = form.get('subdomains') === 'on';
        const rules = readHostRules({ allowSubdomains, hosts: typedHosts });
        if (form.get('do') === 'preview')
          return page(request, { dryRun: { rules, ...(await dryRunHostRules(context, site, rules)) } });
        await setHostRules(context, site.id, rules);
        return done(request, 'hosts');
      },
      ({ message }) => wrong(request, 'hosts', message, { typedHosts }),
    );
  });
}

function keyForms(router: Router): void {
  const context = contextOf(router.parts);
  const { wrong, done } = settingsAnswers(router.parts);

  router.site('POST', settingsPath('/keys'), 'configure', async (request) =>
    orAgain(
      async () => {
        await rotateSiteKey(context, request.site.id);
        return done(request, 'rotated');
      },
      ({ message }) => wrong(request, 'keys', message),
    ),
  );

  router.site('POST', settingsPath('/keys/retire'), 'configure', async (request) =>
    orAgain(
      async () => {
        await retireSiteKey(context, request.form.get('key') ?? '', request.site);
        return done(request, 'retired');
      },
      ({ message }) => wrong(request, 'keys', message),
    ),
  );
}

function exclusionsForm(router: Router): void {
  const { parts } = router;
  const { page, wrong, done } = settingsAnswers(parts);

  router.site('POST', settingsPath('/exclusions'), 'configure', async (request) => {
    const { site, form, reports } = request;
    const typedExclusions = {
      pages: form.get('excluded-pages') ?? '',
      countries: form.get('excluded-countries') ?? '',
    };
    return orAgain(
      async () => {
        if (form.get('do') === 'preview') {
          const context = { reports, clock: parts.clock };
          const exclusionsRun = await dryRunExclusions(context, site, typedExclusions);
          return page(request, { typedExclusions, exclusionsRun });
        }
        await setExclusions(contextOf(parts), site.id, typedExclusions);
        return done(request, 'exclusions');
      },
      ({ code, message }) => {
        const at = code === 'INVALID_EXCLUDED_PAGES' ? 'excluded-pages' : 'excluded-countries';
        return wrong(request, at, message, { typedExclusions });
      },
    );
  });
}
