import { hash, randomBytes } from 'node:crypto';
import { sameText } from '../../domain/tokens.ts';

/** Rejects forms of other sites by two checks: the request's headers, and a token in every form. */

const BYTES = 32;

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));
}

/** Creates the token for a form. It differs each time, so that compression reveals nothing: https://www.breachattack.com */
export function formToken(secret: string): string {
  const pad = randomBytes(BYTES);
  return Buffer.concat([pad, xor(pad, Buffer.from(csrfToken(secret), 'base64url'))]).toString('base64url');
}

export function formTokenFits(token: string | null, secret: string | null): boolean {
  if (token === null || secret === null) return false;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== 2 * BYTES) return false;
  const said = xor(bytes.subarray(0, BYTES), bytes.subarray(BYTES)).toString('base64url');
  return sameText(said, csrfToken(secret));
}

/**
 * Whether the headers say that a form was sent from one of the dashboard's own pages. A request without these headers passes,
 * so that its token decides.
 */
export function isSameOrigin(
  headers: { site: string | undefined; origin: string | undefined },
  origins: readonly string[],
): boolean {
  if (headers.site !== undefined && headers.site !== 'same-origin' && headers.site !== 'none') return false;
  return headers.origin === undefined || origins.includes(headers.origin);
}

/** The longest origin: a host name with a scheme and a port. */
const ORIGIN_MAX_CHARS = 300;

/** Whether the text of an `Origin` header is the origin of a page. */
export function isOrigin(text: string): boolean {
  return text.length <= ORIGIN_MAX_CHARS && /^https?:/.test(text) && URL.parse(text)?.origin === text;
}

/** Returns the token, before masking, for the forms of a session, or of a visitor who has not signed in. */
function csrfToken(secret: string): string {
  return hash('sha256', `form ${secret}`, 'base64url');
}
