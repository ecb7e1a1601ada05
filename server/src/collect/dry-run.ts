import type { IncomingHttpHeaders } from 'node:http';
import { outcomeName } from '../domain/outcomes.ts';
import type { ClientAddress } from '../http/client-addresses.ts';
import type { Entry } from '../store/contract/store.ts';
import { clientOf } from './raw-beacon.ts';
import { type Receiver, receive } from './receive.ts';

/**
 * Receives a page view through the code for real beacons, but stores nothing.
 *
 * @returns the outcome, and the entry that would have been stored; null if there is none
 */
export async function dryRunPageView(
  receiver: Receiver,
  { key, domain }: { key: string; domain: string },
  { client: seen, headers }: { client: ClientAddress; headers: IncomingHttpHeaders },
): Promise<{ outcome: string; entry: Entry | null }> {
  const kept: Entry[] = [];
  const events: Receiver['events'] = {
    async append(entry) {
      kept.push(entry);
      return 'stored';
    },
    refuse() {},
  };
  const url = `https://${domain.includes(':') ? `[${domain}]` : domain}/`;
  const client = {
    ...clientOf(seen, headers, receiver.enricher.countryHeader),
    // These are the dashboard's, because the request came from there.
    ...{ origin: undefined, referer: undefined },
  };
  const outcome = await receive(
    { ...receiver, events },
    { payload: { key, url }, bytes: url.length },
    client,
  );
  return { outcome: outcomeName(outcome), entry: kept[0] ?? null };
}
