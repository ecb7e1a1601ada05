import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_MAX_CHARS } from '../../tracker/wire/limits.ts';
import {
  digestApiKey,
  isSiteKey,
  newAccountId,
  newApiKey,
  newApiKeyId,
  newPassword,
  newSiteId,
  newSiteKey,
} from '../src/domain/keys.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Site keys that were generated once and never issued. */
const KNOWN_SITE_KEYS = ['ak_Vr1M9d1E6tTKkfZj43pEUz', 'ak_nfa6E8ZwiJ2GoKop0YYeGL'];
const KNOWN_API_KEY = 'sk_LbBHe4ecoVXCUJu6zLuVDC3WgAp5oTQmm59NeRsP2zslIl';

/** Returns the key with one character replaced. */
function mistyped(key: string, at: number, character: string): string {
  return key.slice(0, at) + character + key.slice(at + 1);
}

describe('a site key', () => {
  it('has the documented shape, and fits into page and wire format', () => {
    const key = newSiteKey();
    expect(key).toMatch(/^ak_[0-9A-Za-z]{22}$/);
    expect(key.length).toBeLessThanOrEqual(KEY_MAX_CHARS);
    expect(isSiteKey(key)).toBe(true);
  });

  it('accepts keys of earlier versions', () => {
    expect(KNOWN_SITE_KEYS.map(isSiteKey)).toEqual(KNOWN_SITE_KEYS.map(() => true));
    expect(digestApiKey(KNOWN_API_KEY)?.hash).toBe(createHash('sha256').update(KNOWN_API_KEY).digest('hex'));
  });

  it('refuses a site key with any mistyped character', () => {
    const key = newSiteKey();
    for (let at = 0; at < key.length; at++) {
      for (const character of ALPHABET) {
        if (character !== key[at]) expect(isSiteKey(mistyped(key, at, character))).toBe(false);
      }
    }
  });

  it('refuses a site key with two neighboring characters swapped', () => {
    const key = newSiteKey();
    for (let at = 3; at < key.length - 1; at++) {
      const swapped = key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2);
      if (swapped !== key) expect(isSiteKey(swapped)).toBe(false);
    }
  });

  it('cannot be guessed', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Za-z]{22}$/), (text) => {
        expect(isSiteKey(`ak_${text}`)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('matches nothing else', () => {
    const key = newSiteKey();
    for (const text of [
      '',
      'ak_',
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      `${key}\n`,
      key.toLowerCase(),
      newApiKey(),
    ])
      expect(isSiteKey(text)).toBe(false);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isSiteKey(text)).toBe(false);
      }),
    );
  });
});

describe('an API key', () => {
  it('has the documented shape', () => expect(newApiKey()).toMatch(/^sk_[0-9A-Za-z]{46}$/));

  it('stores an API key as a hash and a short prefix', () => {
    const key = newApiKey();
    const digest = digestApiKey(key);
    expect(digest).toEqual({
      hash: createHash('sha256').update(key).digest('hex'),
      prefix: key.slice(0, 9),
    });
    expect(JSON.stringify(digest)).not.toContain(key.slice(0, 12));
  });

  it('refuses a mistyped or made-up API key without a lookup', () => {
    const key = newApiKey();
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a';
      expect(digestApiKey(mistyped(key, at, other))).toBeNull();
    }
    for (const text of ['', 'sk_', `${key} `, `${key}\0`, newSiteKey(), 'undefined'])
      expect(digestApiKey(text)).toBeNull();
  });
});

describe('generated values', () => {
  it.each([
    { made: newSiteKey, shape: /^ak_/ },
    { made: newApiKey, shape: /^sk_/ },
    { made: newSiteId, shape: /^site_[0-9A-Za-z]{14}$/ },
    { made: newAccountId, shape: /^acc_[0-9A-Za-z]{14}$/ },
    { made: newApiKeyId, shape: /^key_[0-9A-Za-z]{14}$/ },
    { made: newPassword, shape: /^[0-9A-Za-z]{24}$/ },
  ])('$made.name: is always different', ({ made, shape }) => {
    const all = Array.from({ length: 2000 }, made);
    expect(new Set(all).size).toBe(all.length);
    for (const one of all) expect(one).toMatch(shape);
  });
});
