import { isAddress } from './addresses.ts';
import { HOST_MAX_CHARS, hostOf, isLocalHost } from './hosts.ts';

/**
 * Decides which hosts the pages of a site may be on, by the request's origin and the page's URL. Both must be allowed, if
 * present. This stops copied snippets, mirrors and staging copies. It does not stop anyone who crafts requests by hand.
 */

/** The longest host, or invalid origin, that is recorded. Real hosts are shorter. */
export const CLAIM_MAX_CHARS = 255;

/** The allowed hosts of a site, normalized (see `hosts.ts`). */
export interface HostPolicy {
  domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
}

export type HostVerdict =
  | { isAllowed: true }
  | { isAllowed: false; reason: 'wrong-domain' | 'local-host'; host: string };

/** Adds a leading `www.` to a domain, or removes it. */
function twin(domain: string): string {
  return domain.startsWith('www.') ? domain.slice(4) : `www.${domain}`;
}

/** Whether `host` is a subdomain of `domain`, at any depth. A host that is too long for the DNS, or an address, is not. */
function isBelow(host: string, domain: string): boolean {
  return host.length <= HOST_MAX_CHARS && host.endsWith(`.${domain}`) && !isAddress(host);
}

/** Whether a normalized host belongs to a site. */
export function isHostAllowed(policy: HostPolicy, host: string): boolean {
  const { domain } = policy;
  // A host that ends in a number is an address (https://url.spec.whatwg.org/#ends-in-a-number-checker), so it has
  // neither a twin nor subdomains.
  if (host === domain || host === twin(domain)) return true;
  if (policy.allowSubdomains && isBelow(host, domain.startsWith('www.') ? twin(domain) : domain)) return true;
  return policy.extraHosts.some((extra) =>
    extra.startsWith('*.') ? isBelow(host, extra.slice(2)) : host === extra,
  );
}

/** Whether a host is one of a site's own, so that links from it are not referrals: any allowed host, or the `www.` twin of one. */
export function isOwnHost(policy: HostPolicy, host: string): boolean {
  return isHostAllowed(policy, host) || isHostAllowed(policy, twin(host));
}

/** Lists the domains under which a host could be registered: itself, its twin, and its parents. */
export function ownDomains(host: string): string[] {
  if (isAddress(host)) return [host];
  const labels = host.split('.');
  return [
    ...new Set([host, twin(host), ...labels.slice(1, -1).map((_, i) => labels.slice(i + 1).join('.'))]),
  ];
}

/**
 * Returns the origin or referrer of a request; null if there is neither. `Origin: null` means none: browsers send it with a
 * beacon under `Referrer-Policy: no-referrer`, from sandboxed frames and from files
 * (https://fetch.spec.whatwg.org/#append-a-request-origin-header). Then the `Referer` decides, if present.
 */
function headerEvidence(origin: string | undefined, referer: string | undefined): string | null {
  const claim = origin !== undefined && origin !== 'null' && origin !== '' ? origin : referer;
  return claim === undefined || claim === '' ? null : claim;
}

/** Returns the host that a request's origin or referrer names, for the ledger only; empty if there is none. */
export function evidenceHost(origin: string | undefined, referer: string | undefined): string {
  return (hostOf(headerEvidence(origin, referer) ?? '') ?? '').slice(0, CLAIM_MAX_CHARS);
}

/**
 * Checks the hosts of a beacon.
 *
 * @param pageHost the normalized host of the page's URL
 */
export function checkHosts(
  policy: HostPolicy,
  {
    origin,
    referer,
    pageHost,
  }: { origin: string | undefined; referer: string | undefined; pageHost: string },
): HostVerdict {
  const evidence = headerEvidence(origin, referer);
  // A fast path: the evidence is usually the page's own origin.
  const isPage = evidence === null || evidence === `https://${pageHost}`;
  const evidenceHost = isPage ? pageHost : hostOf(evidence);
  // The evidence is a browser extension, a file, or invalid.
  if (evidenceHost === null)
    return { isAllowed: false, reason: 'wrong-domain', host: (evidence ?? '').slice(0, CLAIM_MAX_CHARS) };
  for (const host of isPage ? [pageHost] : [evidenceHost, pageHost]) {
    if (!isHostAllowed(policy, host))
      return {
        isAllowed: false,
        reason: isLocalHost(host) ? 'local-host' : 'wrong-domain',
        host: host.slice(0, CLAIM_MAX_CHARS),
      };
  }
  return { isAllowed: true };
}
