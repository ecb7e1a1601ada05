import type { Delivery } from '../../app/mailer.ts';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { html, redirect } from '../kit/answers.ts';
import { testMail } from '../kit/mails.tsx';
import type { SignedInRequest } from '../kit/parts.ts';
import { tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { INSTANCE_TEXT } from './text.ts';
import { instancePage } from './view.tsx';

/** The limit of test emails. */
const TESTS: RateLimit = { limit: 20, windowMs: 15 * MINUTE_MS };

/** Adds the operator's page, which shows whether email works, and if not, why. */
export function instancePages(router: Router): void {
  const { clock, config, mailer, rateLimiter, store } = router.parts;

  const page = (request: SignedInRequest, more: { delivery?: Delivery; problem?: string }, status = 200) =>
    html(
      instancePage(request.frame, {
        mail: config.mail,
        lastFailure: mailer?.lastFailure ?? null,
        email: request.user.account.email,
        nowMs: clock.now(),
        engine: store.events.stats?.(),
        ...more,
      }),
      status,
    );

  router.operator('GET', '/dashboard/instance', async (request) => page(request, {}));
  // The URL of this page in version 0.1, which operators may have bookmarked.
  router.operator('GET', '/dashboard/installation', async () => redirect('/dashboard/instance'));

  router.operator('POST', '/dashboard/instance/test-mail', async (request) => {
    if (mailer === null) return page(request, { problem: INSTANCE_TEXT.notConfigured }, 422);
    const { email, id } = request.user.account;
    const test = await rateLimiter.tryConsume({ kind: 'test mail', of: id }, TESTS);
    if (!test.allowed) return page(request, { problem: tooMany(test.retryAfterSeconds) }, 429);
    const delivery = await mailer.send(testMail(email, `${request.baseUrl}/dashboard/instance`));
    return page(request, { delivery });
  });
}
