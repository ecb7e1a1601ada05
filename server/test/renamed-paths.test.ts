import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pinnedTag, snippetsFor, trackerFrom } from '../src/dashboard/install/snippets.ts';
import type { Site } from '../src/store/contract/store.ts';
import { runScript } from './support/run-script.ts';
import { builtScripts, pageHeaders, type RunningServer, World } from './support/world.ts';

/** The tracker and the collector under paths of the owner's choice, for a proxy on the site's own domain. */

const SETTINGS = { SCRIPT_PATH: '/assets/app.js', COLLECT_PATH: '/assets/log' };
const PATHS = { script: SETTINGS.SCRIPT_PATH, collect: SETTINGS.COLLECT_PATH };

let world: World;
let server: RunningServer;
let site: Site;

beforeAll(async () => {
  world = await World.open();
  site = (await world.addOwner()).site;
  server = await world.serve({ settings: SETTINGS, scripts: await builtScripts() });
});

afterAll(() => world.close());

const script = async (path: string) => (await server.ask({ path })).text;

describe('renamed paths', () => {
  it.each(['app.js', 'app.micro.js', 'app.full.js'])('%s sends to the renamed collector', async (name) => {
    const src = `https://example.com/assets/${name}`;
    const [beacon, ...more] = runScript(await script(`/assets/${name}`), { src, key: site.key });
    expect(more).toEqual([]);
    expect(beacon?.to).toBe('https://example.com/assets/log');
    const answer = await server.ask({
      method: 'POST',
      path: new URL(beacon?.to ?? '').pathname,
      headers: pageHeaders(),
      body: beacon?.body ?? '',
    });
    expect(answer.status).toBe(202);
    expect(answer.headers['x-attractos-outcome']).toBe('stored');
  });

  it('do not change standard paths and pinned scripts', async () => {
    const built = await builtScripts();
    for (const { name, identity } of built) expect(await script(`/${name}`)).toBe(identity.toString());
    expect((await server.send({ key: site.key, id: 'standard', url: 'https://example.com/' })).status).toBe(
      202,
    );
    expect(built.filter(({ immutable }) => immutable).length).toBeGreaterThan(0);
    expect((await server.ask({ path: '/assets/app.manifest.json' })).status).toBe(404);
  });

  it('behave like the standard paths', async () => {
    const { headers } = await server.ask({ path: '/assets/app.js', headers: { 'accept-encoding': 'br' } });
    expect(headers).toMatchObject({
      'content-encoding': 'br',
      'access-control-allow-origin': '*',
      'content-type': 'text/javascript; charset=utf-8',
    });
    const again = { 'if-none-match': String(headers.etag) };
    expect((await server.ask({ path: '/assets/app.js', headers: again })).status).toBe(304);
    expect(headers.etag).not.toBe((await server.ask({ path: '/a.js' })).headers.etag);
    expect((await server.ask({ method: 'GET', path: '/assets/log' })).status).toBe(405);
    expect((await server.ask({ method: 'OPTIONS', path: '/assets/log' })).status).toBe(204);
    const refused = await server.ask({
      method: 'POST',
      path: '/assets/log',
      headers: pageHeaders(),
      body: '{',
    });
    expect(refused.status).toBe(400);
    expect(refused.headers['x-attractos-outcome']).toBe('refused; reason=malformed');
  });

  it('puts renamed paths in every snippet; a pinned tag has data-api', async () => {
    const tracker = trackerFrom(await builtScripts(), PATHS);
    for (const [build, path] of [
      ['core', '/assets/app.js'],
      ['full', '/assets/app.full.js'],
    ] as const) {
      const choice = { build, attributes: [] };
      const parts = { baseUrl: 'https://example.com', siteKey: 'ak_1', tracker, choice };
      for (const { code } of snippetsFor(parts)) {
        expect(code).toContain(`https://example.com${path}`);
        expect(code).not.toContain('a.js"');
      }
      expect(await script(path)).toContain('"/assets/log"');
      expect(pinnedTag(parts)).toMatch(
        / data-key="ak_1" data-api="https:\/\/example\.com\/assets\/log"><\/script>$/,
      );
      const pinned = / src="https:\/\/example\.com(\S+)"/.exec(pinnedTag(parts) ?? '')?.[1] ?? '';
      expect(pinned).toMatch(build === 'core' ? /^\/a\.[0-9a-f]+\.js$/ : /^\/a\.full\.[0-9a-f]+\.js$/);
      expect((await server.ask({ path: pinned })).status).toBe(200);
    }
  });

  it('stops the server from starting if a renamed path is in use', async () => {
    await expect(
      world.serve({
        settings: { SCRIPT_PATH: '/x.js', COLLECT_PATH: '/login' },
        scripts: await builtScripts(),
      }),
    ).rejects.toThrow("'/login'");
  });
});
