import { youPage } from '../views/you.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

/** What the server sees of whoever asks, and the row that would be stored. */
export function youPages(router: Router): void {
  const { config, rehearse } = router.parts;

  router.site('GET', '/dashboard/sites/:id/you', 'look', async (visit) => {
    const { site, clientAddress, peerAddress, headers } = visit;
    const forwarded = headers['x-forwarded-for'];
    return html(
      youPage(visit, {
        peerAddress,
        clientAddress,
        forwarded: Array.isArray(forwarded) ? forwarded.join(', ') : (forwarded ?? null),
        trusted: config.trustProxy,
        userAgent: visit.userAgent,
        rehearsal: await rehearse(site, { ip: clientAddress, headers }),
      }),
    );
  });
}
