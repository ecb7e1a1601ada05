import type { Sighting } from '../../live-feed.ts';
import { billingMonth } from '../../plans.ts';
import { reasonOf } from '../reasons.ts';
import type { Router } from './route.ts';

/** What a browser is told of a sighting. */
export interface LiveMessage {
  what: Sighting['what'];
  host: string;
  path: string | null;
  name: string | null;
  /** Of a refusal, in words. */
  refusal: { title: string; text: string; allowable: boolean } | null;
  /** Events of the site this month, as the API counts them; only after one was counted. */
  month: number | null;
}

/** What happens on a site, as it happens. */
export function livePages(router: Router): void {
  const { store, clock, feed } = router.parts;

  router.site('GET', '/dashboard/sites/:id/live', 'look', async ({ site, query, headers, person }) => {
    const after = Number(headers['last-event-id'] ?? query.get('after') ?? Number.NaN);
    const month = async () => {
      const range = billingMonth(clock.now(), person.account.billingAnchorDay);
      return (await store.events.countBySite([site.id], range)).get(site.id) ?? 0;
    };
    return {
      kind: 'stream',
      open(send) {
        // One after the other, since a count takes a moment.
        let last: Promise<unknown> = Promise.resolve();
        const tell = (sighting: Sighting) => {
          last = last.then(async () => {
            const counted = sighting.what === 'counted' ? await month().catch(() => null) : null;
            send({ id: sighting.id, data: messageOf(sighting, counted) });
          });
        };
        const stop = feed.listen(site.id, tell);
        if (stop !== null) feed.since(site.id, Number.isFinite(after) ? after : feed.lastId).forEach(tell);
        return stop;
      },
    };
  });
}

function messageOf({ what, host, path, name, reason }: Sighting, month: number | null): LiveMessage {
  if (reason === null) return { what, host, path, name, refusal: null, month };
  const { name: title, meaning, advice, allowable } = reasonOf(reason);
  return {
    what,
    host,
    path,
    name,
    refusal: {
      title: host === '' ? title : `${title}: ${host}`,
      text: `${meaning} ${advice}`,
      allowable: allowable && host !== '',
    },
    month,
  };
}
