import { html } from '../kit/answers.ts';
import type { Router } from '../kit/router.ts';
import { whoamiPage } from './view.tsx';

/** Adds the page that shows what the server sees of the user, and the row it would store. */
export function whoamiPages(router: Router): void {
  const { config, clients, dryRunPageView } = router.parts;

  router.site('GET', '/dashboard/sites/:id/you', 'look', async (request) => {
    const { site, client, peerAddress, headers } = request;
    return html(
      whoamiPage(request, {
        peerAddress,
        client,
        forwarded: clients.headers.flatMap((name) => {
          const value = headers[name];
          return value === undefined ? [] : [{ name, value: String(value) }];
        }),
        unreadable: clients.unreadable,
        trusted: config.trustProxy,
        userAgent: request.userAgent,
        dryRun: await dryRunPageView(site, { client, headers }),
      }),
    );
  });
}
