import type { IncomingHttpHeaders } from 'node:http';
import type { Entry } from '../store/store.ts';
import { type Receiver, receive, senderOf } from './receive.ts';

/**
 * The whole way of a page view with a store that keeps nothing: what would have become of it, and the row that would have
 * been stored, told by the code that decides it.
 */
export async function rehearse(
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
  // The request came from a page of ours: its origin and referrer say nothing about the site.
  const sender = senderOf({ ip, headers: { 'user-agent': headers['user-agent'] } }, receiver.knowledge);
  const outcome = await receive({ ...receiver, events }, { beacon: { key, url }, bytes: url.length }, sender);
  return { outcome: outcome.kind === 'refused' ? outcome.reason : outcome.kind, entry: kept[0] ?? null };
}
