import { randomBytes } from 'node:crypto';
import { sameText } from '../tokens.ts';
import { csrfToken } from './sessions.ts';

/** Forms of other sites are turned away twice: by what the browser says of the request, and by a token in every form. */

const BYTES = 32;

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));
}

/** The token for a form, another text each time, so that compression says nothing about it: https://www.breachattack.com */
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
 * Whether the browser says that a form was sent from one of our own pages. A browser that says nothing is believed: the
 * token decides then.
 */
export function isSameOrigin(
  headers: { site: string | undefined; origin: string | undefined },
  origins: readonly string[],
): boolean {
  if (headers.site !== undefined && headers.site !== 'same-origin' && headers.site !== 'none') return false;
  return headers.origin === undefined || origins.includes(headers.origin);
}
