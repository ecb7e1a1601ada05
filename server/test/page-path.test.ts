import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  displayPage,
  normalizeEscapes,
  pagePath,
  pageSpellings,
  slashPages,
  slashPatterns,
  slashTexts,
  storedPage,
  withoutTrailingSlash,
} from '../src/domain/page-path.ts';

const stored = (address: string, keep = '') => pagePath(new URL(address, 'https://example.com'), keep);

/** Texts in which escapes, whole and malformed, are frequent. */
const escaped = fc.string({
  unit: fc.constantFrom('%', '%', '2', '4', '1', 'c', 'C', '3', 'a', '9', '/', '?', '#', '&', '=', '~', 'é'),
  maxLength: 16,
});

describe('the stored spelling of a page', () => {
  it.each([
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/café', '/caf%C3%A9'],
    ['/%7eu/%41%2d%2E%5f', '/~u/A-._'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%20b', '/a%20b'],
    ['/a b', '/a%20b'],
    ['/100%', '/100%'],
    ['/%zz%e', '/%zz%e'],
    ['/%%34%31', '/%%341'],
    ['/%4%31', '/%4%31'],
    ['/%25c3', '/%25c3'],
    ['/%D7%A9%D7%9C%D7%95%D7%9D', '/%D7%A9%D7%9C%D7%95%D7%9D'],
    ['/a^{b}|c[d]', '/a%5E%7Bb%7D|c[d]'],
    ["/?q='", '/'],
  ])('of %s is %s', (address, page) => expect(stored(address)).toBe(page));

  it('is the same for an address that is already stored', () => {
    fc.assert(
      fc.property(escaped, (text) => {
        const once = normalizeEscapes(text);
        expect(normalizeEscapes(once)).toBe(once);
        const page = storedPage(text);
        expect(storedPage(page)).toBe(page);
      }),
      { seed: 5, numRuns: 1_000 },
    );
  });

  it('is the same for the address of a browser and for the address as typed', () => {
    const characters = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i));
    // Browsers treat a backslash in a path as a slash.
    for (const character of [...characters, 'ü', '€', '🙂', '\u200d', '\u202e'].filter(
      (one) => one !== '\\',
    )) {
      const page = `/a${character}b?a${character}b#a${character}b`;
      const keep = [...new URL(page, 'https://example.com').searchParams.keys(), '#'].join('|');
      // The separators of queries and of `keep` itself split this example differently.
      if ('?#&=+|%'.includes(character)) continue;
      expect(storedPage(page), character).toBe(stored(page, keep));
    }
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(storedPage(text)).toMatch(/^[\x21-\x7e]*$/);
        expect(displayPage(text)).toBeTypeOf('string');
      }),
    );
  });
});

describe('the display of a page', () => {
  it.each([
    ['/caf%C3%A9', '/café'],
    ['/caf%c3%a9', '/café'],
    ['/%D7%A9%D7%9C%D7%95%D7%9D', '/שלום'],
    ['/%E6%97%A5%E6%9C%AC?q=%E8%AA%9E#/%F0%9F%99%82', '/日本?q=語#/🙂'],
    // What would change the meaning.
    ['/a%2Fb%3Fc%23d%25e%20f', '/a%2Fb%3Fc%23d%25e%20f'],
    // Control characters, bidirectional controls, spaces and characters that cannot be seen.
    ...['%00', '%0A', '%7F', '%C2%85', '%C2%A0', '%C2%AD', '%E2%80%8B', '%E2%80%8D', '%E2%80%AE'].map(same),
    ...['%E2%81%A6', '%E2%80%A8', '%E3%80%80', '%E3%85%A4', '%EF%BB%BF', '%F3%A0%80%A1'].map(same),
    // Invalid UTF-8: a lone byte, an overlong form, a surrogate, a character cut off, and one beyond Unicode.
    ...['%E9', '%C0%AF', '%ED%A0%80', '%E2%82', '%F4%90%80%80', '%'].map(same),
  ])('of %s is %s', (page, shown) => expect(displayPage(page)).toBe(shown));

  it('can be typed to find the page', () => {
    fc.assert(
      fc.property(fc.oneof(escaped, fc.webPath(), fc.string({ unit: 'grapheme' })), (text) => {
        const page = storedPage(text);
        expect(storedPage(displayPage(page))).toBe(page);
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });
});

function same(part: string): [string, string] {
  return [`/a${part}b`, `/a${part}b`];
}

it('finds pages that were stored before spellings were normalized', () => {
  expect(pageSpellings('/café')).toEqual(['/caf%C3%A9', '/caf%c3%a9', '/café']);
  expect(pageSpellings('/caf%c3%a9')).toEqual(['/caf%C3%A9', '/caf%c3%a9']);
  expect(pageSpellings('/%7Eada')).toEqual(['/~ada', '/%7Eada']);
  expect(pageSpellings('/?q=2&p=1')).toEqual(['/?p=1&q=2', '/?q=2&p=1']);
  expect(pageSpellings('/a b?q=a b')).toEqual(['/a%20b?q=a+b', '/a%20b?q=a%20b', '/a b?q=a b']);
  expect(pageSpellings('/plain')).toEqual(['/plain']);
});

it.each([
  ['/a/', '/a'],
  ['/a', '/a'],
  ['/a//', '/a'],
  ['/', '/'],
  ['//', '/'],
  ['/a/?p=1', '/a?p=1'],
  ['/?p=1', '/?p=1'],
  ['/app/#/b/', '/app#/b/'],
])('without its trailing slash, %s is %s', (page, merged) => {
  expect(withoutTrailingSlash(page)).toBe(merged);
});

it.each([
  ['/a/', ['/a/', '/a']],
  ['/a/*', ['/a/*', '/a']],
  ['/a/?p=1', ['/a/?p=1', '/a?p=1']],
  ['/a', ['/a', '/a/']],
  ['/a?p=1#x', ['/a?p=1#x', '/a/?p=1#x']],
  ['/a*', ['/a*']],
  ['/*/edit/', ['/*/edit/', '/*/edit']],
  ['/', ['/']],
  ['/*', ['/*']],
  // They would match every page.
  ['*/', ['*/']],
  ['/*/', ['/*/']],
  ['/*/*', ['/*/*']],
  ['/a*/*', ['/a*/*', '/a*']],
  ['/a*/', ['/a*/', '/a*']],
])('the pattern %s matches merged pages as %j', (pattern, patterns) => {
  expect(slashPatterns(pattern)).toEqual(patterns);
});

it.each([
  ['/a', ['/a', '/a/']],
  ['/a/', ['/a/', '/a']],
  ['/a//', ['/a//', '/a', '/a/']],
  ['/a/?p=1', ['/a/?p=1', '/a?p=1']],
  ['/', ['/']],
  ['/?p=1', ['/?p=1']],
])('the page %s is %j where slashes are merged', (page, pages) => {
  expect(slashPages(page)).toEqual(pages);
});

it.each([
  ['blog', ['blog'], []],
  ['/blog/', ['/blog/'], ['/blog']],
  ['/', ['/'], []],
  ['?p=1', ['?p=1'], []],
  ['a/?p=1', ['a/?p=1', 'a?p=1'], []],
  ['a?p=1', ['a?p=1', 'a/?p=1'], []],
])('the text %s is sought as %j and, at the end, as %j', (text, containing, ending) => {
  expect(slashTexts(text)).toEqual({ containing, ending });
});
