import type { Delivery } from '../../mailer.ts';
import type { PersonalVisit } from '../parts.ts';
import { installationPage } from '../views/installation.tsx';
import { testMail } from '../views/mails.tsx';
import type { Router } from './route.ts';
import { html, tooMany } from './sign-in.ts';

/** Test mails per quarter of an hour. */
const TESTS = 20;

/** For whoever runs the installation: whether mail works, and if not, why. */
export function installationPages(router: Router): void {
  const { clock, config, mailer, throttle } = router.parts;

  const page = (visit: PersonalVisit, more: { delivery?: Delivery; problem?: string }, status = 200) =>
    html(
      installationPage(visit.frame, {
        mail: config.mail,
        lastFailure: mailer?.lastFailure ?? null,
        email: visit.person.account.email,
        nowMs: clock.now(),
        ...more,
      }),
      status,
    );

  router.operator('GET', '/dashboard/installation', async (visit) => page(visit, {}));

  router.operator('POST', '/dashboard/installation/test-mail', async (visit) => {
    if (mailer === null) return page(visit, { problem: 'No mail server is set.' }, 422);
    const { email, id } = visit.person.account;
    const wait = await throttle.take(`test mail ${id}`, TESTS);
    if (wait > 0) return page(visit, { problem: tooMany(wait) }, 429);
    const delivery = await mailer.send(testMail(email, `${visit.baseUrl}/dashboard/installation`));
    return page(visit, { delivery });
  });
}
