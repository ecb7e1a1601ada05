import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewHash } from '../src/collect/hash.ts';
import { externalReferrer, parseReferrer, splitPage } from '../src/collect/page.ts';
import { CRAWLERS } from '../src/domain/user-agents/bots.ts';
import { readAgent } from '../src/domain/user-agents/read-agent.ts';
import { BROWSER } from './support/world.ts';

function botName(userAgent: string): string | null {
  return readAgent(userAgent).crawler?.name ?? null;
}

describe('people and bots', () => {
  it.each([
    BROWSER,
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
  ])('%s is a person', (userAgent) => expect(botName(userAgent)).toBeNull());

  it.each([
    ['', 'no user agent'],
    [
      'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
      'GPTBot',
    ],
    ['Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)', 'ClaudeBot'],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Googlebot'],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36',
      'HeadlessChrome',
    ],
    ['curl/8.14.1', 'curl'],
    ['python-requests/2.32', 'python-requests'],
    ['Mozilla/5.0 (compatible; NeverHeardOfBot/1.0)', 'other'],
    ['MyOwnAgent (ada@example.com)', 'other'],
  ])('%s is %s', (userAgent, name) => expect(botName(userAgent)).toBe(name));

  it('stores nothing of a user agent', () => {
    const names: readonly string[] = ['no user agent', 'other', ...CRAWLERS.map(({ name }) => name)];
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1000 }), (userAgent) => {
        const name = botName(userAgent);
        expect(name === null || names.includes(name)).toBe(true);
      }),
    );
  });

  it('parses a huge user agent no slower than a long one', () => {
    expect(botName(`${BROWSER} ${'x'.repeat(100_000)} Googlebot`)).toBeNull();
  });
});

describe("a page's address", () => {
  it.each([
    ['https://Example.com', { host: 'example.com', path: '/' }],
    ['https://example.com/a?b=c#d', { host: 'example.com', path: '/a' }],
    ['https://ada:secret@example.com/a', { host: 'example.com', path: '/a' }],
    ['http://example.com:8080/ä ö', { host: 'example.com', path: '/%C3%A4%20%C3%B6' }],
    ['https://example.com/../..//x', { host: 'example.com', path: '//x' }],
  ])('%s', (address, parts) => expect(splitPage(address)).toMatchObject(parts));

  it.each([
    ['page', '/a?page=2'],
    ['size|page|q', '/a?page=2&q=x+y&size'],
    ['', '/a'],
    ['token2', '/a'],
    ['.*', '/a'],
    ['#', '/a'],
  ])('keeping %j of its query', (keep, path) => {
    const page = splitPage('https://example.com/a?q=x%20y&token=s3cret&page=2&utm_source=m&size', keep);
    expect(page).toMatchObject({ path, query: '?q=x%20y&token=s3cret&page=2&utm_source=m&size' });
  });

  it.each([
    ['https://example.com/app#/about', '#', '/app#/about'],
    ['https://example.com/app?a=1&b=2#/about?c', 'b|#', '/app?b=2#/about?c'],
    ['https://example.com/app#/caf%c3%a9/é', '#', '/app#/caf%C3%A9/%C3%A9'],
    ['https://example.com/app#', '#', '/app'],
    // Old scripts: a hash without "#" in `keep` may be a token.
    ['https://example.com/app#access_token=1', 'p', '/app'],
    ['https://example.com/?p=1', 'p', '/?p=1'],
    ['https://example.com/?q=2&p=1', 'p|q', '/?p=1&q=2'],
    ['https://example.com/?tag=b&tag=a', 'tag', '/?tag=b&tag=a'],
    ['https://example.com/?caf%c3%a9=%7e&f%5B%5D=1', 'café|f[]', '/?caf%C3%A9=~&f%5B%5D=1'],
  ])('%s, keeping %j, is %s', (address, keep, path) => {
    expect(splitPage(address, keep)).toMatchObject({ path });
  });

  it.each(['', 'x', '/a', 'ftp://example.com/', 'javascript:1', 'https://', 'data:,x'])(
    '%j is invalid',
    (address) => expect(splitPage(address)).toBeNull(),
  );
});

describe('a referrer', () => {
  const isOwn = (host: string) => host === 'example.com' || host === 'www.example.com';

  it.each([
    ['https://other.example/', 'other.example'],
    ['https://Other.example/a/b?secret=1#c', 'other.example/a/b'],
    ['https://ada:secret@other.example/', 'other.example'],
    [undefined, null],
    ['', null],
    ['https://example.com/x', null],
    ['http://EXAMPLE.com:8080/', null],
    ['android-app://com.example/', null],
    ['not an address', null],
    ['https://www.example.com/x', null],
    ['https://other.example/caf%c3%a9/%7e', 'other.example/caf%C3%A9/~'],
  ])('%s is %s', (ref, is) => expect(externalReferrer(parseReferrer(ref), isOwn)).toBe(is));

  it('shortens a long referrer', () => {
    expect(
      externalReferrer(parseReferrer(`https://other.example/${'x'.repeat(2000)}`), isOwn)?.length,
    ).toBeLessThanOrEqual(512);
  });
});

describe('the pseudonym of a view', () => {
  it('makes the pseudonym of a view a signed 64-bit number that depends only on the id', () => {
    expect(BigInt.asIntN(64, viewHash('a'))).toBe(viewHash('a'));
    expect(new Set(['a', 'b', 'A', '', '\ud800', '\ud801', '\ufffd'].map(viewHash)).size).toBe(7);
  });
});
