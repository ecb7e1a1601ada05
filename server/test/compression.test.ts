import { beforeAll, describe, expect, it } from 'vitest';
import { acceptedEncoding } from '../src/http/compression.ts';
import { staticFile } from '../src/http/static-file.ts';
import { type RunningServer, World } from './support/world.ts';

/** Which responses are compressed, and how that affects the entity tag. */

const TEXT = 'const answer = 42;\n'.repeat(200);

describe('the encoding of a response', () => {
  it.each([
    { header: undefined, encoding: null },
    { header: '', encoding: null },
    { header: 'gzip', encoding: 'gzip' },
    { header: 'gzip, deflate, br, zstd', encoding: 'br' },
    { header: 'br;q=0, gzip', encoding: 'gzip' },
    { header: 'br;q=0.0,gzip;q=0.000', encoding: null },
    { header: 'br; q=0.2, gzip; q=0.8', encoding: 'gzip' },
    { header: 'identity, gzip;q=0.5', encoding: null },
    { header: '*', encoding: 'br' },
    { header: '*;q=0', encoding: null },
    { header: 'zstd', encoding: null },
    { header: 'brotli, xgzip, gzipped', encoding: null },
  ])('answers Accept-Encoding $header with $encoding', ({ header, encoding }) => {
    expect(acceptedEncoding(header)).toBe(encoding);
  });
});

describe('a response', () => {
  let world: World;
  let server: RunningServer;
  let apiKey: string;

  beforeAll(async () => {
    world = await World.open();
    const { account, apiKey: key } = await world.addOwner('example.com', 'pro');
    apiKey = key;
    for (let i = 0; i < 10; i++) await world.addSite(account, `site-${i}.example`);
    const css = await staticFile('dashboard-1.css', Buffer.from(TEXT));
    server = await world.serve({
      scripts: [{ ...(await staticFile('a.js', Buffer.from(TEXT))), immutable: false }],
      assets: {
        files: [css],
        style: '/assets/dashboard-1.css',
        script: '/assets/none.js',
        marks: '/assets/none.svg',
      },
    });
    return () => world.close();
  });

  /** Sends a request like a browser, which decodes the response. */
  const get = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(server.url + path, {
      headers: { authorization: `Bearer ${apiKey}`, ...headers },
    });
    return { answer, headers: answer.headers, text: await answer.text() };
  };

  const PATHS = ['/a.js', '/assets/dashboard-1.css', '/api/v1/sites', '/login', '/docs'];

  it.each(PATHS)('compresses %s as the client prefers, with Vary', async (path) => {
    const plain = await get(path, { 'accept-encoding': 'identity' });
    expect(plain.text.length).toBeGreaterThan(1_000);
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.headers.get('vary')).toContain('Accept-Encoding');
    for (const [accepted, encoding] of [
      ['br', 'br'],
      ['gzip', 'gzip'],
      ['gzip, br;q=0', 'gzip'],
      ['br;q=0, gzip;q=0', null],
    ]) {
      const { answer, headers, text } = await get(path, { 'accept-encoding': accepted ?? '' });
      expect([accepted, answer.status, headers.get('content-encoding')]).toEqual([accepted, 200, encoding]);
      expect(headers.get('vary')).toContain('Accept-Encoding');
      // Each page has its own CSRF token.
      if (path !== '/login') expect(text).toBe(plain.text);
    }
  });

  it.each(PATHS.filter((path) => path !== '/login'))(
    'of %s has a weak ETag when encoded, which matches in any encoding',
    async (path) => {
      const plain = await get(path, { 'accept-encoding': 'identity' });
      const zipped = await get(path, { 'accept-encoding': 'gzip' });
      expect(zipped.headers.get('etag')).toMatch(/^W\/"/);
      for (const tag of [plain.headers.get('etag'), zipped.headers.get('etag')])
        for (const accepted of ['identity', 'gzip', 'br']) {
          const again = await get(path, { 'accept-encoding': accepted, 'if-none-match': String(tag) });
          expect([again.answer.status, again.text]).toEqual([304, '']);
          expect(again.headers.get('vary')).toContain('Accept-Encoding');
        }
      expect((await get(path, { 'if-none-match': '"other"' })).answer.status).toBe(200);
    },
  );

  it('does not compress a short response', async () => {
    const { account } = await world.addOwner('short.example');
    const { key } = await world.addApiKey(account);
    const { headers } = await get('/api/v1/sites', {
      authorization: `Bearer ${key}`,
      'accept-encoding': 'gzip, br',
    });
    expect(headers.get('content-encoding')).toBeNull();
    expect(headers.get('vary')).toContain('Accept-Encoding');
  });

  it('answers HEAD with the headers of GET', async () => {
    const headersOf = async (method: string) => {
      const answer = await fetch(`${server.url}/api/v1/sites`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'accept-encoding': 'gzip' },
      });
      await answer.arrayBuffer();
      return ['content-encoding', 'content-length', 'etag', 'vary'].map((name) => answer.headers.get(name));
    };
    expect(await headersOf('HEAD')).toEqual(await headersOf('GET'));
  });

  it('never compresses a response of the collector', async () => {
    const answer = await server.send('{', { headers: { 'accept-encoding': 'gzip, br' } });
    expect(answer.status).toBe(400);
    expect(answer.headers.vary).toBeUndefined();
  });
});
