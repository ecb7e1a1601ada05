import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * Identifiers and keys: `prefix_` + random base62 characters, and for keys a checksum at the end.
 *
 * The checksum lets the collector refuse a mistyped or invented key before any look-up, so that a flood of random keys
 * costs no memory and no query. It is no secret and no signature.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_CHARS = 6;
const SITE_KEY = /^ak_[0-9A-Za-z]{22}$/;
const API_KEY = /^sk_[0-9A-Za-z]{46}$/;

/** How much of an API key is kept in the clear, to recognise it by in a list. */
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

/** A public site key: `ak_`, 16 random characters, checksum. */
export function newSiteKey(): string {
  return withChecksum(`ak_${randomChars(16)}`);
}

/** Whether a text has the shape and the checksum of a site key. Says nothing about whether the key was ever given out. */
export function isSiteKey(text: string): boolean {
  return SITE_KEY.test(text) && checksumFits(text);
}

/** What is kept of an API key: its hash to find it by, and a short prefix to recognise it by. */
export interface ApiKeyDigest {
  /** SHA-256, hexadecimal. The key has 238 random bits, so a fast hash without salt is enough. */
  hash: string;
  /** The key's first characters. */
  prefix: string;
}

/** A secret API key: `sk_`, 40 random characters, checksum. Shown once, never stored. */
export function newApiKey(): string {
  return withChecksum(`sk_${randomChars(40)}`);
}

/** What to look an API key up by, or null where the text cannot be one of ours. */
export function digestApiKey(text: string): ApiKeyDigest | null {
  if (!API_KEY.test(text) || !checksumFits(text)) return null;
  return { hash: hash('sha256', text), prefix: text.slice(0, API_KEY_PREFIX_CHARS) };
}

/** A password for people who gave none: 24 characters, about 142 bits. */
export function newPassword(): string {
  return randomChars(24);
}
