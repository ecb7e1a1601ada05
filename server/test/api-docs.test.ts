import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EventList } from '../src/api/events.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, operations } from './support/api.ts';
import { event } from './support/entries.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';

/** The reference page: its samples work when pasted. */

let api: ApiWorld;
let site: Site;
let apiKey: string;
let page: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  const owner = await api.world.addOwner('example.com', 'pro');
  ({ site } = owner);
  ({ key: apiKey } = await api.key(owner.account, { scopes: ['read', 'write', 'configure'] }));
  await api.world.store.events.append(event({ siteId: site.id }));
  page = (await api.server.ask({ path: '/docs' })).text;
});

beforeEach(async () => {
  api.world.clock.advance(MINUTE_MS);
  // Each sample that changes segments finds the same ones.
  const { registry } = api.world.store;
  for (const { id } of await registry.savedQueriesOf(site.id, 'segment', null))
    await registry.removeSavedQuery(site.id, id);
  await registry.addSavedQuery({
    ...{ id: 'segment_abc123', siteId: site.id, kind: 'segment', accountId: null },
    ...{ name: 'Germany', query: 'f=country%3ADE', createdAtMs: 0 },
  });
});
afterAll(() => api.close());

function unescaped(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** Returns the samples of the page by name, with the reader's own values filled in. */
function samples(): Map<string, string> {
  const found = [...page.matchAll(/<code data-sample="([^"]+)">([^<]*)<\/code>/g)];
  return new Map(
    found.map(([, name = '', code = '']) => [
      name,
      unescaped(code).replaceAll('YOUR_API_KEY', apiKey).replaceAll('site_abc123', site.id),
    ]),
  );
}

/** Runs a program to its end without blocking the server that it sends requests to. */
function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

const isThere = (command: string) => spawnSync(command, ['--version']).status === 0;

describe('GET /docs', () => {
  it('has no script, and a policy that allows only its own style', async () => {
    const { status, headers, text } = await api.server.ask({ path: '/docs' });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).not.toMatch(/<script|\son\w+=|style="|javascript:/i);
    expect(text.match(/<style>/g)).toHaveLength(1);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; /,
    );
    const again = await api.server.ask({ path: '/docs', headers: { 'if-none-match': String(headers.etag) } });
    expect(again.status).toBe(304);
  });

  it('escapes a made-up host', async () => {
    const { text } = await api.server.ask({ path: '/docs', headers: { host: 'x"><img src=x>' } });
    expect(text).not.toContain('<img');
  });

  it('differs between servers only in the address', async () => {
    const pageOf = async (host: string) => (await api.server.ask({ path: '/docs', headers: { host } })).text;
    const one = await pageOf('one.example');
    expect(one).toContain('http://one.example/api/v1/sites');
    expect(await pageOf('two.example:8080')).toBe(one.replaceAll('one.example', 'two.example:8080'));
  });

  it('has every operation, with its parameters and a sample in three languages', () => {
    for (const { path, operation } of operations) {
      expect(page).toContain(`<code>${path}</code>`);
      const section = page.split(`<section id="${operation.operationId}">`)[1]?.split('</section>')[0] ?? '';
      for (const { name } of operation.parameters) {
        if (name !== 'id' && name !== 'segment')
          expect([path, section]).toEqual([path, expect.stringContaining(`<code>${name}</code>`)]);
      }
      for (const language of ['curl', 'JavaScript', 'Python'])
        expect(samples().has(`${operation.operationId} ${language}`)).toBe(true);
    }
  });

  it('has no broken links', () => {
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
  });
});

describe('the samples', () => {
  const names = operations.map(({ operation }) => operation.operationId);

  it.skipIf(!isThere('curl')).each(names)('%s with curl', async (name) => {
    const { code, stdout, stderr } = await run('bash', ['-c', samples().get(`${name} curl`) ?? 'false']);
    expect([code, stderr.includes('error')]).toEqual([0, false]);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    expect(answer).not.toHaveProperty('code');
  });

  it.each(names)('%s with JavaScript', async (name) => {
    const file = join(await temporaryFolder(), 'sample.mjs');
    await writeFile(file, samples().get(`${name} JavaScript`) ?? 'throw 1');
    const { code, stdout, stderr } = await run(process.execPath, [file]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.trim()).not.toMatch(/^(undefined)?$/);
  });

  it.skipIf(!isThere('python3')).each(names)('%s with Python', async (name) => {
    const file = join(await temporaryFolder(), 'sample.py');
    await writeFile(file, samples().get(`${name} Python`) ?? 'raise');
    const { code, stdout, stderr } = await run('python3', [file]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.trim()).not.toBe('');
  });
});

describe('the middleware', () => {
  it('reports crawler visits once, and ignores people and files', async () => {
    const file = join(await temporaryFolder(), 'bots.mjs');
    await writeFile(file, samples().get('middleware') ?? '');
    const { reportBots, sendWaiting } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      reportBots(request: unknown, response: unknown, next?: () => void): void;
      sendWaiting(): Promise<void>;
    };
    const app = createServer((request, response) => {
      reportBots(request, response);
      response.end('a page');
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => app.close(() => resolve())));
    const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
    const visit = (path: string, userAgent: string) =>
      ask(url, { path, headers: { host: 'example.com', 'user-agent': userAgent } });
    const startedMs = Date.now();
    expect((await visit('/pricing', 'Mozilla/5.0 (compatible; GPTBot/1.2)')).text).toBe('a page');
    await visit('/robots.txt', 'Mozilla/5.0 (compatible; GPTBot/1.2)');
    await visit(
      '/pricing',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
    );
    // The server's clock stands still; the middleware uses the real time.
    api.world.clock.nowMs = Date.now();
    await sendWaiting();
    await sendWaiting();
    const { events } = await api.read<EventList>(apiKey, `/sites/${site.id}/events?type=bot`);
    const visits = events.filter(({ path }) => path === '/pricing' || path === '/robots.txt');
    expect(visits.filter(({ timestamp }) => Date.parse(timestamp) >= startedMs)).toMatchObject([
      { bot_name: 'GPTBot', host: 'example.com', path: '/pricing' },
    ]);
  });

  it('keeps unsent visits, and never fails a request', async () => {
    const file = join(await temporaryFolder(), 'bots.mjs');
    const code = samples().get('middleware') ?? '';
    await writeFile(file, code.replace(api.server.url, 'http://127.0.0.1:1'));
    const { reportBots, sendWaiting } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      reportBots(request: object, response: unknown, next?: () => void): void;
      sendWaiting(): Promise<void>;
    };
    let passed = 0;
    const request = {
      method: 'GET',
      url: '/',
      headers: { 'user-agent': 'GPTBot', host: 'example.com' },
      socket: {},
    };
    reportBots(request, null, () => passed++);
    await sendWaiting();
    await sendWaiting();
    expect(passed).toBe(1);
  });
});
