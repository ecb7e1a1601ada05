import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Secrets for browsers and links: random, handed out once, and kept as a hash. */

const TOKEN_BYTES = 32;
const ID_BYTES = 12;

/** A secret of 256 random bits, in characters that need no escaping in an address. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** What is kept of a token: SHA-256, hexadecimal. A random token needs neither salt nor a slow hash. */
export function digestToken(token: string): string {
  return hash('sha256', token);
}

/** An identifier such as `ses_…`. No secret. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(ID_BYTES).toString('base64url')}`;
}

/** Compares two texts in a time that says nothing about where they differ. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(digestToken(a)), Buffer.from(digestToken(b)));
}
