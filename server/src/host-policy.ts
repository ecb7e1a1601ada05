import { HOST_MAX_CHARS, hostOf, isAddress, isLocalHost } from './hosts.ts';

/**
 * Which hosts a site's pages may be on. Two pieces of evidence, the request's origin and the page's address; both that are
 * present must fit. This stops copied snippets, mirrors and staging copies, not a determined forger: whoever writes his own
 * requests writes his own headers.
 */

/** How much of a host, or of an origin that is none, is shown to the owner: hosts that exist are shorter. */
export const CLAIM_MAX_CHARS = 255;

/** What a site allows. Hosts are normalised (`hosts.ts`). */
export interface HostPolicy {
  domain: string;
  allowSubdomains: boolean;
  extraHosts: readonly string[];
}

export type HostVerdict =
  | { fits: true }
  | { fits: false; reason: 'wrong-domain' | 'local-host'; host: string };

/** The same name with one leading `www.` more or less. */
function twin(domain: string): string {
  return domain.startsWith('www.') ? domain.slice(4) : `www.${domain}`;
}

/** Whether `host` is below `domain`, matched on a label boundary. A host that nobody can look up is below nothing. */
function isBelow(host: string, domain: string): boolean {
  return host.length <= HOST_MAX_CHARS && host.endsWith(`.${domain}`) && !isAddress(host);
}

/** Whether a normalised host belongs to a site. */
export function hostFits(policy: HostPolicy, host: string): boolean {
  const { domain } = policy;
  // A host that ends in a number is an address (https://url.spec.whatwg.org/#ends-in-a-number-checker), so there is neither
  // a twin of one nor anything below it.
  if (host === domain || host === twin(domain)) return true;
  if (policy.allowSubdomains && isBelow(host, domain.startsWith('www.') ? twin(domain) : domain)) return true;
  return policy.extraHosts.some((extra) =>
    extra.startsWith('*.') ? isBelow(host, extra.slice(2)) : host === extra,
  );
}

/** Domains that a host could be registered under: itself, its twin, and what is above it. */
export function ownDomains(host: string): string[] {
  if (isAddress(host)) return [host];
  const labels = host.split('.');
  return [
    ...new Set([host, twin(host), ...labels.slice(1, -1).map((_, i) => labels.slice(i + 1).join('.'))]),
  ];
}

/**
 * The evidence of a request's headers, null where they say nothing. `Origin: null` says nothing: browsers send it with a
 * beacon under `Referrer-Policy: no-referrer`, from sandboxed frames and from files
 * (https://fetch.spec.whatwg.org/#append-a-request-origin-header). Then a `Referer` that is present decides.
 */
function headerEvidence(origin: string | undefined, referer: string | undefined): string | null {
  const claim = origin !== undefined && origin !== 'null' && origin !== '' ? origin : referer;
  return claim === undefined || claim === '' ? null : claim;
}

/**
 * Judges a beacon.
 *
 * @param pageHost normalised host of the page's address
 */
export function judgeHosts(
  policy: HostPolicy,
  {
    origin,
    referer,
    pageHost,
  }: { origin: string | undefined; referer: string | undefined; pageHost: string },
): HostVerdict {
  const evidence = headerEvidence(origin, referer);
  // Mostly the page's own origin, which then needs no reading.
  const isPage = evidence === null || evidence === `https://${pageHost}`;
  const evidenceHost = isPage ? pageHost : hostOf(evidence);
  // An extension, a file, garbage: no web page of anybody's.
  if (evidenceHost === null)
    return { fits: false, reason: 'wrong-domain', host: (evidence ?? '').slice(0, CLAIM_MAX_CHARS) };
  for (const host of isPage ? [pageHost] : [evidenceHost, pageHost]) {
    if (!hostFits(policy, host))
      return {
        fits: false,
        reason: isLocalHost(host) ? 'local-host' : 'wrong-domain',
        host: host.slice(0, CLAIM_MAX_CHARS),
      };
  }
  return { fits: true };
}
