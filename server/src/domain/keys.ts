import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * Identifiers and keys: `prefix_` + random base62 characters, and for keys a checksum at the end.
 *
 * The checksum lets the collector refuse a mistyped or invented key before any look-up, so that a flood of random keys
 * costs no memory and no query. It is neither a secret nor a signature.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_CHARS = 6;
const SITE_KEY = /^ak_[0-9A-Za-z]{22}$/;
const API_KEY = /^sk_[0-9A-Za-z]{46}$/;

/** The length of the prefix of an API key that is stored in plain text, to recognize the key in a list. */
const API_KEY_PREFIX_CHARS = 9;

function randomChars(count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += ALPHABET[randomInt(ALPHABET.length)];
  return text;
}

function checksum(text: string): string {
  let rest = crc32(text);
  let out = '';
  for (let i = 0; i < CHECKSUM_CHARS; i++) {
    out = ALPHABET[rest % ALPHABET.length] + out;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return out;
}

function withChecksum(text: string): string {
  return text + checksum(text);
}

function checksumFits(key: string): boolean {
  return checksum(key.slice(0, -CHECKSUM_CHARS)) === key.slice(-CHECKSUM_CHARS);
}

export function newAccountId(): string {
  return `acc_${randomChars(14)}`;
}

export function newSiteId(): string {
  return `site_${randomChars(14)}`;
}

export function newApiKeyId(): string {
  return `key_${randomChars(14)}`;
}

/** Creates a public site key: `ak_`, 16 random characters and a checksum. */
export function newSiteKey(): string {
  return withChecksum(`ak_${randomChars(16)}`);
}

/** Whether a text has the format and the checksum of a site key. The key may still not exist. */
export function isSiteKey(text: string): boolean {
  return SITE_KEY.test(text) && checksumFits(text);
}

/** A complete site key, anywhere in a text. */
const SITE_KEY_WITHIN = /ak_[0-9A-Za-z]{22}(?![0-9A-Za-z])/;
/** The beginning of a site key, which may be mistyped or cut off. */
const SITE_KEY_LIKE = /^\W*ak_/i;

/**
 * Returns the site key in a text that should be one: the complete key, whatever surrounds it (blanks, quotes, `?ver=6.4`), or else
 * the text itself if it begins like a key. Null if there is no key in it, as in `6.4`, `undefined` or `{{KEY}}`.
 */
export function siteKeyIn(text: string): string | null {
  return SITE_KEY_WITHIN.exec(text)?.[0] ?? (SITE_KEY_LIKE.test(text) ? text : null);
}

/** The stored form of an API key: its hash, and a short prefix to recognize it. */
export interface ApiKeyDigest {
  /** The SHA-256 hash, hexadecimal. The key has 238 random bits, so a fast hash without salt is enough. */
  hash: string;
  /** The first characters of the key. */
  prefix: string;
}

/** Creates a secret API key: `sk_`, 40 random characters and a checksum. It is shown once and never stored. */
export function newApiKey(): string {
  return withChecksum(`sk_${randomChars(40)}`);
}

/** Returns the stored form of an API key; null if the text is not a valid key. */
export function digestApiKey(text: string): ApiKeyDigest | null {
  if (!API_KEY.test(text) || !checksumFits(text)) return null;
  return { hash: hash('sha256', text), prefix: text.slice(0, API_KEY_PREFIX_CHARS) };
}

/** Generates a password: 24 characters, about 142 bits. */
export function newPassword(): string {
  return randomChars(24);
}
