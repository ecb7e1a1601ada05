import { shownDomain } from '../../domain/hosts.ts';
import type { Entry } from '../../store/contract/store.ts';
import { Card, Pair } from '../kit/elements.tsx';
import type { PageViewDryRun, SiteRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { WHOAMI_TEXT } from './text.ts';

export interface WhoamiData {
  peerAddress: string;
  clientAddress: string;
  /** The `X-Forwarded-For` header as received; null if there is none. */
  forwarded: string | null;
  /** The networks and names of trusted proxies. */
  trusted: readonly string[];
  userAgent: string;
  dryRun: PageViewDryRun;
}

export function whoamiPage(request: SiteRequest, data: WhoamiData): string {
  const { peerAddress, clientAddress, forwarded, trusted, userAgent, dryRun } = data;
  return siteDocument(request, {
    title: WHOAMI_TEXT.title,
    here: 'install',
    children: (
      <>
        <p class="lead">{WHOAMI_TEXT.lead(shownDomain(request.site.domain))}</p>
        <div class="two">
          <Card title={WHOAMI_TEXT.seen} id="seen">
            <dl class="pairs">
              <Pair name={WHOAMI_TEXT.peer} value={peerAddress} />
              <Pair name="X-Forwarded-For" value={forwarded ?? WHOAMI_TEXT.none} />
              <Pair
                name={WHOAMI_TEXT.proxies}
                value={trusted.length === 0 ? WHOAMI_TEXT.noProxies : trusted.join(', ')}
              />
              <Pair name={WHOAMI_TEXT.resolved} value={clientAddress} />
              <Pair name={WHOAMI_TEXT.agent} value={userAgent} />
            </dl>
            <p class="hint">{why(data)}</p>
          </Card>
          <Card title={WHOAMI_TEXT.row} id="row">
            {dryRun.entry === null ? (
              <p>{WHOAMI_TEXT.noRow(dryRun.outcome)}</p>
            ) : (
              <dl class="pairs">
                {rowOf(dryRun.entry).map(([name, value]) => (
                  <Pair name={name} value={value} />
                ))}
              </dl>
            )}
            <p class="hint">{WHOAMI_TEXT.rowHint}</p>
          </Card>
        </div>
      </>
    ),
  });
}

function why({ peerAddress, clientAddress, forwarded, trusted }: WhoamiData): string {
  if (forwarded === null) return WHOAMI_TEXT.noHeader;
  if (trusted.length === 0) return WHOAMI_TEXT.noTrust;
  return clientAddress === peerAddress ? WHOAMI_TEXT.notFromProxy : WHOAMI_TEXT.fromHeader;
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
