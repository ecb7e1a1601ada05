import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from './support/dashboard-person.ts';
import { exchange } from './support/raw-http.ts';
import { builtScripts, type RunningServer, World } from './support/world.ts';

let world: World;
let overHttps: RunningServer;
let overHttp: RunningServer;

beforeAll(async () => {
  world = await World.open();
  const scripts = await builtScripts();
  overHttps = await world.serve({ scripts, settings: { PUBLIC_URL: 'https://stats.example' } });
  overHttp = await world.serve({ scripts, settings: { PUBLIC_URL: 'http://stats.example' } });
});
afterAll(() => world.close());

/** A response of each kind, as the bytes that ask for it. */
const KINDS: Readonly<Record<string, string>> = {
  health: 'GET /healthz HTTP/1.1\r\nHost: x',
  script: 'GET /a.js HTTP/1.1\r\nHost: x',
  pixel: 'GET /p.gif HTTP/1.1\r\nHost: x',
  'refused event': 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0',
  preflight: 'OPTIONS /e HTTP/1.1\r\nHost: x',
  API: 'GET /api/v1/sites HTTP/1.1\r\nHost: x',
  reference: 'GET /docs HTTP/1.1\r\nHost: x',
  form: 'GET /login HTTP/1.1\r\nHost: x',
  'unknown path': 'GET /nowhere HTTP/1.1\r\nHost: x',
  'page of an unknown path': 'GET /nowhere HTTP/1.1\r\nHost: x\r\nAccept: text/html',
  'target that is none': 'GET * HTTP/1.1\r\nHost: x',
  'wrong host': 'GET / HTTP/1.1\r\nHost: a:99999',
  noise: 'noise',
};

/** The kinds that browsers get from this server's own host only. */
const HTTPS_ONLY = ['API', 'reference', 'form', 'page of an unknown path'];
/** The kinds that are pages. */
const PAGES = ['reference', 'form', 'page of an unknown path'];
/** The kinds that pages of other sites use. */
const CROSS_ORIGIN = ['script', 'pixel', 'refused event', 'preflight'];

const asked = async ({ url }: RunningServer, kind: string) =>
  (await exchange(url, `${KINDS[kind]}\r\nConnection: close\r\n\r\n`))?.headers ?? {};

describe('every response', () => {
  it.each(Object.keys(KINDS))('says what a browser may do with it: %s', async (kind) => {
    expect(await asked(overHttps, kind)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-resource-policy': CROSS_ORIGIN.includes(kind) ? 'cross-origin' : 'same-origin',
    });
  });

  it.each(Object.keys(KINDS))(
    'asks for HTTPS where it is in use, except for what others may proxy: %s',
    async (kind) => {
      const name = 'strict-transport-security';
      expect((await asked(overHttps, kind))[name]).toBe(
        HTTPS_ONLY.includes(kind) ? 'max-age=31536000' : undefined,
      );
      expect((await asked(overHttp, kind))[name]).toBeUndefined();
    },
  );

  it('includes that to an accepted event, which any page can read', async () => {
    const { site } = await world.addOwner('headers.example');
    const beacon = { key: site.key, url: 'https://headers.example/', name: 'leave' };
    const send = () => overHttps.send(beacon, { headers: { origin: 'https://headers.example' } });
    await expect
      .poll(async () => (await send()).headers)
      .toMatchObject({
        'x-attractos-outcome': 'stored',
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      });
    expect((await send()).headers).not.toHaveProperty('strict-transport-security');
  });

  it.each(Object.keys(KINDS))(
    'cannot be framed, and runs nothing that it does not name: %s',
    async (kind) => {
      const { 'content-security-policy': policy, ...headers } = await asked(overHttp, kind);
      expect(policy?.split('; ')).toEqual(
        expect.arrayContaining(["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]),
      );
      if (PAGES.includes(kind))
        expect(headers).toMatchObject({
          'x-frame-options': 'DENY',
          'cross-origin-opener-policy': 'same-origin',
        });
      else expect(policy).not.toMatch(/-src (?!'none')/);
    },
  );
});

it('deletes cached pages from the browser when a session ends, and not before', async () => {
  const account = await world.addAccount();
  const visitor = await signedIn(world, overHttp, account);
  expect((await visitor.get('/dashboard/account')).headers).not.toHaveProperty('clear-site-data');
  const out = await visitor.post('/logout');
  expect([out.status, out.headers['clear-site-data']]).toEqual([303, '"cache"']);
});
