import type { IncomingHttpHeaders } from 'node:http';
import { outcomeName } from '../domain/outcomes.ts';
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
  { ip, headers }: { ip: string; headers: IncomingHttpHeaders },
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
  // Omits the origin and referrer, which are the dashboard's because the request came from there.
  const client = clientOf(
    { ip, headers: { 'user-agent': headers['user-agent'] } },
    receiver.enricher.countryHeader,
  );
  const outcome = await receive(
    { ...receiver, events },
    { payload: { key, url }, bytes: url.length },
    client,
  );
  return { outcome: outcomeName(outcome), entry: kept[0] ?? null };
}
