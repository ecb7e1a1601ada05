import { shownDomain } from '../../domain/hosts.ts';
import type { ClientAddress } from '../../http/client-addresses.ts';
import type { Entry } from '../../store/contract/store.ts';
import { Card, Pair } from '../kit/elements.tsx';
import type { PageViewDryRun, SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { WHOAMI_TEXT } from './text.ts';

export interface WhoamiData {
  peerAddress: string;
  client: ClientAddress;
  /** The headers that can name a client, as received. */
  forwarded: readonly { name: string; value: string }[];
  /** Requests since the start whose client a proxy named by something that is not an address. */
  unreadable: number;
  /** The networks and names of trusted proxies. */
  trusted: readonly string[];
  userAgent: string;
  dryRun: PageViewDryRun;
}

export function whoamiPage(request: SitePageRequest, data: WhoamiData): string {
  const { peerAddress, client, forwarded, unreadable, userAgent, dryRun } = data;
  return siteDocument(request, {
    title: WHOAMI_TEXT.title,
    here: 'install',
    children: (
      <>
        <p class="lead">{WHOAMI_TEXT.lead(shownDomain(request.site.domain))}</p>
        <div class="two">
          <Card title={WHOAMI_TEXT.seen} id="seen">
            <dl class="pairs">
              <Pair name={WHOAMI_TEXT.peer} value={peerAddress === '' ? WHOAMI_TEXT.socket : peerAddress} />
              {forwarded.length === 0 && <Pair name={USUAL_HEADER} value={WHOAMI_TEXT.none} />}
              {forwarded.map(({ name, value }) => (
                <Pair name={shownHeader(name)} value={value} />
              ))}
              <Pair name={WHOAMI_TEXT.proxies} value={trustedProxies(data)} />
              <Pair
                name={client.isReadable ? WHOAMI_TEXT.resolved : WHOAMI_TEXT.resolvedName}
                value={client.address}
              />
              {unreadable > 0 && (
                <Pair name={WHOAMI_TEXT.unreadable} value={WHOAMI_TEXT.unreadableSince(unreadable)} />
              )}
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

/** Lists the trusted proxies. Without an address, the peer is at a Unix socket. */
function trustedProxies({ peerAddress, trusted }: WhoamiData): string {
  const all = [...(peerAddress === '' ? [WHOAMI_TEXT.proxyOnSocket] : []), ...trusted];
  return all.length === 0 ? WHOAMI_TEXT.noProxies : all.join(', ');
}

const USUAL_HEADER = 'X-Forwarded-For';

/** Writes the name of a header as usual: `X-Forwarded-For`. */
function shownHeader(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function why({ client, peerAddress, forwarded, trusted }: WhoamiData): string {
  const { header, isReadable, isFromProxy } = client;
  if (header !== null)
    return isReadable
      ? WHOAMI_TEXT.fromHeader(shownHeader(header))
      : WHOAMI_TEXT.notAnAddress(shownHeader(header));
  if (peerAddress === '') return WHOAMI_TEXT.noHeaderOnSocket(USUAL_HEADER);
  const names = forwarded.map(({ name }) => shownHeader(name)).join(', ');
  if (forwarded.length === 0 || isFromProxy) return WHOAMI_TEXT.noHeader(USUAL_HEADER);
  return trusted.length === 0 ? WHOAMI_TEXT.noTrust(names) : WHOAMI_TEXT.notFromProxy(names);
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
