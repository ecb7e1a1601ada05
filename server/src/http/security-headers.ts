import { basePathOf } from './base-path.ts';

/** The security headers of responses. */

/**
 * The headers of every response. Routes that other sites may use replace `Cross-Origin-Resource-Policy`, and pages replace
 * `Content-Security-Policy`.
 */
export const COMMON_HEADERS = {
  'x-content-type-options': 'nosniff',
  // Keeps URLs of this server out of the Referer that other sites receive.
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // For what is not a page, in case a browser shows it as one: nothing in it runs, loads or sends, and no site can frame it.
  'content-security-policy':
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
} as const;

/** How long browsers use HTTPS only: one year, as https://hstspreload.org asks for. */
const HSTS_SECONDS = 365 * 86_400;

/**
 * Returns the header that tells browsers to use HTTPS only; none unless this server's URL is https. Subdomains are not included,
 * because they may be others' servers, nor is a host that this server shares (its URL has a path). Script, pixel and collector must
 * not send it: the proxy of another site may pass it on, and browsers would apply it to that site.
 */
export function transportSecurity(publicUrl: string | null): Readonly<Record<string, string>> {
  return publicUrl?.startsWith('https:') && basePathOf(publicUrl) === ''
    ? { 'strict-transport-security': `max-age=${HSTS_SECONDS}` }
    : {};
}

/** Returns the headers of pages: no other site may frame them or hold on to their window. */
export function pageHeaders(publicUrl: string | null): Readonly<Record<string, string>> {
  return {
    ...transportSecurity(publicUrl),
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  };
}
