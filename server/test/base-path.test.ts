import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trackerFrom } from '../src/dashboard/install/snippets.ts';
import { loadAssets } from '../src/dashboard/kit/assets.ts';
import { newToken } from '../src/domain/tokens.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { ask } from './support/http.ts';
import { PathProxy } from './support/path-proxy.ts';
import { root } from './support/paths.ts';
import { until } from './support/poll.ts';
import { runScript } from './support/run-script.ts';
import { builtScripts, pageHeaders, World } from './support/world.ts';

const BASE = '/stats';
const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
/** Attributes whose value may begin with a slash without being a path of the server. */
const NO_LINKS = /^(value|placeholder|title|data-key-focus)$/;

const scripts = await builtScripts();

/** Returns the links in a page: all attributes that begin with a slash. */
function linksOf(html: string): string[] {
  return [...html.matchAll(/ ([\w-]+)="(\/[^"]*)"/g)]
    .filter(([, name = '']) => !NO_LINKS.test(name))
    .map(([, , link = '']) => link.replaceAll('&amp;', '&'));
}

const under = (link: unknown) => expect(link).toMatch(/^\/stats\//);

describe.each([
  { proxy: 'strips the path', strips: true },
  { proxy: 'keeps the path', strips: false },
])('a server below /stats, behind a proxy that $proxy', ({ strips }) => {
  const proxy = new PathProxy({ path: BASE, strips });
  const setupToken = newToken();
  let world: World;
  let visitor: DashboardVisitor;
  let site = { id: '', key: '' };
  beforeAll(async () => {
    world = await World.open();
    await proxy.open();
    const server = await world.serve({
      settings: { PUBLIC_URL: `${proxy.origin}${BASE}/`, SIGNUPS: 'open' },
      ...{ scripts, assets: await loadAssets(`${root}/dist/dashboard`), setupToken },
    });
    proxy.target = server.url;
    visitor = new DashboardVisitor(proxy.origin);
  });
  afterAll(async () => {
    expect(proxy.strays).toEqual([]);
    proxy.close();
    await world.close();
  });

  const beacon = (url: string) => {
    const [sent] = runScript(script, { src: `${proxy.origin}${BASE}/a.js`, key: site.key });
    expect(sent?.to).toBe(`${proxy.origin}${BASE}/e`);
    const body = JSON.stringify({ ...(JSON.parse(sent?.body ?? '') as object), id: url, url });
    return ask(proxy.origin, { method: 'POST', path: `${BASE}/e`, headers: pageHeaders(), body });
  };
  let script = '';

  it('creates the owner with the setup link, and the first site', async () => {
    const home = await visitor.get(`${BASE}/`);
    expect([home.status, home.headers.location]).toEqual([303, `${BASE}/dashboard`]);
    const login = await visitor.get(`${BASE}/dashboard`);
    expect(login.headers.location).toBe(`${BASE}/login?next=%2Fdashboard`);
    expect(login.headers['set-cookie']).toEqual([
      expect.stringMatching(/^attractos_visit=[\w-]{43}; Path=\/stats; HttpOnly; SameSite=Lax$/),
    ]);
    await visitor.get(`${BASE}/setup?token=${setupToken}`);
    const made = await visitor.post(`${BASE}/setup`, { ...OWNER, token: setupToken });
    expect([made.status, made.headers.location]).toEqual([303, `${BASE}/dashboard/add-site`]);
    for (const cookie of made.headers['set-cookie'] ?? []) expect(cookie).toContain('; Path=/stats;');
    await visitor.get(`${BASE}/dashboard/add-site`);
    const added = await visitor.post(`${BASE}/dashboard/add-site`, { domain: 'example.com' });
    const [, id = ''] =
      /^\/stats\/dashboard\/sites\/(site_[\w-]+)/.exec(String(added.headers.location)) ?? [];
    site = { id, key: (await world.store.registry.siteById(id))?.key ?? '' };
  });

  it('refuses forms of other origins', async () => {
    const from = (origin: string, site: string) =>
      visitor.post(`${BASE}/logout`, {}, { origin, 'sec-fetch-site': site });
    expect((await from('https://evil.example', 'cross-site')).status).toBe(403);
    const moved = await from('https://new.example', 'same-origin');
    expect(moved.status).toBe(403);
    expect(moved.text).toContain('Set PUBLIC_URL to https://new.example/stats.');
  });

  it('counts a page with the tag, which the stream reports', async () => {
    const page = await visitor.get(`${BASE}/dashboard/sites/${site.id}/install`);
    const src = `${proxy.origin}${BASE}/a.js`;
    expect(page.text).toContain(`src=&quot;${src}&quot; data-key=&quot;${site.key}&quot;`);
    expect(page.text).toContain(` data-api=&quot;${proxy.origin}${BASE}/e&quot;`);
    const [, live = ''] = / data-live-check="([^"]+)"/.exec(page.text) ?? [];
    under(live);
    const stream = await fetch(`${proxy.origin}${live}`, { headers: { cookie: visitor.cookieHeader } });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    script = (await ask(proxy.origin, { path: `${BASE}/a.js` })).text;
    const sent = await until(
      () => beacon('https://example.com/'),
      ({ status }) => status === 202,
    );
    expect(sent.headers['x-attractos-outcome']).toBe('stored');
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"counted"')) break;
    }
    expect(text).toContain('"counted"');
  });

  it('serves the API, with links to next pages and to itself', async () => {
    for (const page of ['/a', '/b']) await beacon(`https://example.com${page}`);
    const account = await world.store.registry.siteById(site.id);
    const owner = await world.store.registry.accountById(account?.accountId ?? '');
    if (owner === null) throw new Error('the setup link made no account');
    const headers = { authorization: `Bearer ${(await world.addApiKey(owner)).key}`, accept: 'text/csv' };
    const path = `${BASE}/api/v1/sites/${site.id}/breakdown?by=page&limit=1`;
    const first = await ask(proxy.origin, { path, headers });
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link)) ?? [];
    under(next);
    const second = await ask(proxy.origin, { path: next, headers });
    expect(second.status).toBe(200);
    expect(second.text).not.toBe(first.text);
    const spec = await ask(proxy.origin, { path: `${BASE}/api/v1/openapi.json` });
    expect(spec.json()).toMatchObject({
      servers: [{ url: `${proxy.origin}${BASE}` }],
      externalDocs: { url: `${proxy.origin}${BASE}/docs` },
    });
    const mcp = await ask(proxy.origin, {
      method: 'POST',
      path: `${BASE}/api/v1/mcp`,
      headers: { authorization: headers.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    });
    expect(mcp.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    for (const health of ['/healthz', '/readyz'])
      expect((await ask(proxy.origin, { path: `${BASE}${health}` })).status).toBe(200);
  });

  // Behind the proxy, both servers are alike. One crawl is enough.
  it.runIf(strips)('never links outside of its path', async () => {
    const settings = `${BASE}/dashboard/sites/${site.id}/settings`;
    await visitor.get(settings);
    const shared = await visitor.post(`${settings}/shares`, { name: 'All', password: '' });
    const [share = ''] = new RegExp(`${proxy.origin}/stats/share/[\\w-]+`).exec(shared.text) ?? [];
    const waiting = [`${BASE}/dashboard`, `${BASE}/nothing`, share.slice(proxy.origin.length)];
    waiting.push(
      ...['login', 'signup', 'forgot', 'docs', 'dashboard/nothing', 'logout'].map((at) => `${BASE}/${at}`),
    );
    const pages = new Map<string, number>();
    for (const path of waiting) {
      // Pages differ in their path. One query of each is enough.
      const [page = ''] = path.split(/[?#]/);
      if (pages.has(page)) continue;
      under(page);
      // These are streams, and what a form asks for with its fields.
      if (/\/(live|now|suggestions)$/.test(page)) continue;
      const answer = await visitor.get(path, { accept: 'text/html' });
      pages.set(page, answer.status);
      const { location } = answer.headers;
      const type = String(answer.headers['content-type']);
      waiting.push(...(location === undefined ? [] : [location]));
      if (!type.startsWith('text/html')) continue;
      const links = linksOf(answer.text);
      expect(links, page).not.toEqual([]);
      waiting.push(...links);
    }
    expect(pages.size).toBeGreaterThan(25);
    const failed = [...pages].filter(([, status]) => status >= 400).map(([page]) => page);
    // Unknown pages, and forms, which are no pages.
    expect(failed.filter((page) => pages.get(page) !== 405)).toEqual([
      `${BASE}/nothing`,
      `${BASE}/dashboard/nothing`,
    ]);
  });

  it('signs out below its path', async () => {
    await visitor.get(`${BASE}/dashboard/account`);
    const out = await visitor.post(`${BASE}/logout`);
    expect(out.headers.location).toBe(`${BASE}/login`);
    expect(out.headers['set-cookie']).toContainEqual(
      expect.stringMatching(/^attractos_session=; Max-Age=0; Path=\/stats; /),
    );
  });
});

describe('PUBLIC_URL with a path', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world.close());

  const serve = (settings: Record<string, string>) => world.serve({ settings, scripts });

  it('limits cookies to the path, and leaves HTTPS to the host', async () => {
    const { ask: asked } = await serve({ PUBLIC_URL: 'https://example.com/stats' });
    const { headers } = await asked({ path: '/login' });
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Secure-attractos_visit=[\w-]{43}; Path=\/stats; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  it('is removed only as a whole', async () => {
    const { ask: asked } = await serve({ PUBLIC_URL: 'https://example.com/a/b' });
    const status = async (path: string) => (await asked({ path })).status;
    for (const path of ['/a/b/healthz', '/healthz', '/a/b/healthz?x=/a/b', '/a.js', '/a/b/a.js'])
      expect(await status(path), path).toBe(200);
    for (const path of ['/a/b-healthz', '/a/healthz', '/a/b/a/b/healthz', '/a', '/x/a/b/healthz'])
      expect(await status(path), path).toBe(404);
    for (const path of ['/a/b', '/a/b?x', '/a/b/', 'http://example.com/a/b/'])
      expect((await asked({ path })).headers.location, path).toBe('/a/b/dashboard');
  });

  it('leaves pinned scripts as they are, and puts the rest below it', async () => {
    const { ask: asked } = await serve({
      ...{ PUBLIC_URL: 'https://example.com/stats', SCRIPT_PATH: '/js/app.js', COLLECT_PATH: '/js/log' },
    });
    const key = 'ak_1';
    for (const [file, to] of [
      ['a.micro.js', '/stats/e'],
      ['a.full.js', '/stats/e'],
      ['js/app.js', '/stats/js/log'],
    ]) {
      const src = `https://example.com/stats/${file}`;
      const [sent] = runScript((await asked({ path: `/stats/${file}` })).text, { src, key });
      expect(sent?.to, file).toBe(`https://example.com${to}`);
    }
    for (const { name, identity } of scripts.filter(({ immutable }) => immutable))
      expect((await asked({ path: `/${name}` })).text).toBe(identity.toString());
    expect(trackerFrom(scripts, { script: null, collect: null }, '/stats').collect).toBe('/e');
  });

  it.each([
    { PUBLIC_URL: 'https://example.com/dashboard' },
    { PUBLIC_URL: 'https://example.com/e' },
    { PUBLIC_URL: 'https://example.com/stats', SCRIPT_PATH: '/stats/app.js' },
  ])('stops the server from starting if a route begins with it: %o', async (settings) => {
    await expect(serve(settings)).rejects.toThrow(/^The path "\/\w+" of PUBLIC_URL is already in use: \//);
  });
});
