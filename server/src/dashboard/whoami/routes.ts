import { html } from '../kit/answers.ts';
import type { Router } from '../kit/router.ts';
import { whoamiPage } from './view.tsx';

/** Adds the page that shows what the server sees of the user, and the row it would store. */
export function whoamiPages(router: Router): void {
  const { config, dryRunPageView } = router.parts;

  router.site('GET', '/dashboard/sites/:id/you', 'look', async (request) => {
    const { site, clientAddress, peerAddress, headers } = request;
    const forwarded = headers['x-forwarded-for'];
    return html(
      whoamiPage(request, {
        peerAddress,
        clientAddress,
        forwarded: Array.isArray(forwarded) ? forwarded.join(', ') : (forwarded ?? null),
        trusted: config.trustProxy,
        userAgent: request.userAgent,
        dryRun: await dryRunPageView(site, { ip: clientAddress, headers }),
      }),
    );
  });
}
