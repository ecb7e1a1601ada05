import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Random secrets for sessions and links. Only their hash is stored. */

const TOKEN_BYTES = 32;
const ID_BYTES = 12;

/** Creates a secret of 256 random bits, in URL-safe characters. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Returns the stored form of a token: its SHA-256 hash, hexadecimal. A random token needs neither salt nor a slow hash. */
export function digestToken(token: string): string {
  return hash('sha256', token);
}

/** Creates an identifier such as `ses_…`, which is not a secret. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(ID_BYTES).toString('base64url')}`;
}

/** Returns the seal of a text, which only somebody with the secret can make, in URL-safe characters. */
export function sealOf(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

/** Compares two texts in constant time. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(digestToken(a)), Buffer.from(digestToken(b)));
}
