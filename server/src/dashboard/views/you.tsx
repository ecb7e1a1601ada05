import type { VNode } from 'preact';
import { shownDomain } from '../../hosts.ts';
import type { Entry } from '../../store/store.ts';
import type { Rehearsal, SiteVisit } from '../parts.ts';
import { Card } from './parts.tsx';
import { siteDocument } from './site-frame.tsx';

export interface YouData {
  peerAddress: string;
  clientAddress: string;
  /** `X-Forwarded-For` as it came. */
  forwarded: string | null;
  /** Proxies that are believed. */
  trusted: readonly string[];
  userAgent: string;
  rehearsal: Rehearsal;
}

export function youPage(visit: SiteVisit, data: YouData): string {
  const { peerAddress, clientAddress, forwarded, trusted, userAgent, rehearsal } = data;
  return siteDocument(visit, {
    title: 'What is seen of me',
    here: 'install',
    children: (
      <>
        <p class="lead">
          What the server sees of you now, and what it would keep of a page view on{' '}
          {shownDomain(visit.site.domain)}.
        </p>
        <div class="two">
          <Card title="Seen, and forgotten at once" id="seen">
            <dl class="pairs">
              <Pair name="Connection from" value={peerAddress} />
              <Pair name="X-Forwarded-For" value={forwarded ?? 'none'} />
              <Pair
                name="Proxies believed"
                value={trusted.length === 0 ? 'none (TRUST_PROXY is empty)' : trusted.join(', ')}
              />
              <Pair name="So you are" value={clientAddress} />
              <Pair name="User agent" value={userAgent} />
            </dl>
            <p class="hint">{why(data)}</p>
          </Card>
          <Card title="The row that would be stored" id="row">
            {rehearsal.entry === null ? (
              <p>None: {rehearsal.outcome}.</p>
            ) : (
              <dl class="pairs">
                {rowOf(rehearsal.entry).map(([name, value]) => (
                  <Pair name={name} value={value} />
                ))}
              </dl>
            )}
            <p class="hint">
              The visitor is a hash with a salt of today, which is destroyed after midnight. Nothing was
              stored by opening this page. A real page adds the window’s width and its time zone, which tell
              device and country.
            </p>
          </Card>
        </div>
      </>
    ),
  });
}

function Pair({ name, value }: { name: string; value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}

function why({ peerAddress, clientAddress, forwarded, trusted }: YouData): string {
  if (forwarded === null) return 'No proxy named anybody else, so the connection’s own address is taken.';
  if (trusted.length === 0)
    return 'Somebody sent X-Forwarded-For, but no proxy is believed, so it is ignored. Behind a proxy of your own, set TRUST_PROXY to its network: until then all visitors look like the proxy.';
  return clientAddress === peerAddress
    ? 'The connection is not from a proxy that is believed, so X-Forwarded-For is ignored.'
    : 'Read from the right, the first address that is no believed proxy. What stands left of it anybody can write.';
}

function rowOf(entry: Entry): [string, string][] {
  return Object.entries(entry)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      if (name === 'visitor' && typeof value === 'bigint')
        return [name, BigInt.asUintN(64, value).toString(16)];
      if (name === 'receivedAtMs') return ['received', new Date(Number(value)).toISOString()];
      return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)];
    });
}
