import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declarePages } from '../src/dashboard/index.ts';
import type { Parts } from '../src/dashboard/kit/parts.ts';
import { Router } from '../src/dashboard/kit/router.ts';
import { DAY_MS } from '../src/domain/clock.ts';
import { digestToken, newToken } from '../src/domain/tokens.ts';
import type { Account, OneTimeToken, Site } from '../src/store/contract/store.ts';
import { PASSWORD, signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { type Answer, ask } from './support/http.ts';
import { type RunningServer, World } from './support/world.ts';

/** Requests of an attacker. */

let world: World;
let server: RunningServer;
let account: Account;
let site: Site;
let visitor: DashboardVisitor;
let base: string;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  account = await world.addAccount();
  site = await world.addSite(account, 'hostile.example');
  base = `/dashboard/sites/${site.id}`;
  visitor = await signedIn(world, server, account);
});
afterAll(() => world.close());

function routes() {
  const nothing = { route: () => undefined } as unknown as FastifyInstance;
  const router = new Router(nothing, { store: world.store, clock: world.clock } as unknown as Parts);
  declarePages(router);
  return router.table;
}

describe('a request', () => {
  it('changes nothing for a method that is not allowed, and names the allowed ones', async () => {
    const table = routes();
    for (const path of new Set(table.map((route) => route.path))) {
      const taken = table.filter((route) => route.path === path).map(({ method }) => method as string);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !taken.includes(one))) {
        const answer = await ask(server.url, {
          method,
          path: path.replace(':id', site.id).replace(':token', 'x'),
          headers: { cookie: visitor.cookieHeader },
        });
        expect({ method, path, status: answer.status }).toEqual({ method, path, status: 405 });
        expect(String(answer.headers.allow).split(', ')).toEqual(expect.arrayContaining(taken));
        expect(answer.text).toContain('Method not allowed');
      }
    }
    // GET /logout was one of the requests.
    expect((await visitor.get('/dashboard/account')).status).toBe(200);
  }, 60_000);

  it('answers an unknown path with a page in browsers and JSON in programs', async () => {
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    for (const path of ['/nowhere', '/dashboard/nowhere']) {
      const page = await ask(server.url, { path, headers: { accept: browser } });
      expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
      expect(page.text).toContain('Page not found');
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
      const json = await ask(server.url, { path, headers: { accept: 'application/json' } });
      expect([json.status, json.json()]).toMatchObject([404, { code: 'NOT_FOUND' }]);
    }
    const wrong = await ask(server.url, {
      ...{ method: 'PUT', path: '/login', headers: { accept: 'application/json' } },
    });
    expect([wrong.status, wrong.json()]).toMatchObject([405, { code: 'METHOD_NOT_ALLOWED' }]);
    expect((await ask(server.url, { path: '/nowhere' })).json()).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuses an oversized form before reading it', async () => {
    for (const path of ['/login', '/dashboard/add-site', `${base}/settings/exclusions`]) {
      const answer = await visitor.post(path, { domain: 'x'.repeat(600_000) });
      expect({ path, status: answer.status }).toEqual({ path, status: 413 });
      expect(answer.text).toContain('This form could not be read');
    }
  });

  it('returns markup in a URL as text', async () => {
    const mark = '"><img src=x onerror=alert(1)>';
    for (const path of [
      `/login?next=${encodeURIComponent(mark)}&note=${encodeURIComponent(mark)}`,
      `/signup?invitation=${encodeURIComponent(mark)}`,
      `/reset/${encodeURIComponent(mark)}`,
      `/invitation/${encodeURIComponent(mark)}`,
      `/share/${encodeURIComponent(mark)}`,
      `/setup?token=${encodeURIComponent(mark)}`,
      `${base}/not-counted?allowed=${encodeURIComponent(mark)}&days=${encodeURIComponent(mark)}`,
      `${base}/install?allowed=${encodeURIComponent(mark)}`,
      `${base}/settings/goals?done=${encodeURIComponent(mark)}`,
      `/dashboard/account?done=${encodeURIComponent(mark)}`,
      `/dashboard?from=${encodeURIComponent(mark)}`,
      `${base}?range=${encodeURIComponent(mark)}&f=${encodeURIComponent(mark)}&by=${encodeURIComponent(mark)}`,
    ]) {
      for (const by of [visitor, new DashboardVisitor(server.url)]) {
        const { status, text } = await by.get(path);
        expect(status, path).toBeLessThan(500);
        expect(text, path).not.toContain('<img');
      }
    }
  });

  it('may contain inherited names such as "constructor"', async () => {
    // Removes what is different each time the page is rendered.
    const drawn = ({ status, text }: Answer, word: string) =>
      [status, text.replaceAll(/value="[^"]*"/g, '').replaceAll(word, 'WORD')] as const;
    for (const word of ['constructor', '__proto__', 'toString']) {
      for (const path of [
        `${base}/settings?done=WORD`,
        '/dashboard/account?done=WORD',
        `${base}?f=is.channel.WORD`,
        '/login?note=WORD',
      ]) {
        const by = path.startsWith('/login') ? new DashboardVisitor(server.url) : visitor;
        const asWith = async (one: string) => drawn(await by.get(path.replace('WORD', one)), one);
        expect(await asWith(word), path).toEqual(await asWith('unheard-of'));
      }
      await visitor.get('/dashboard/settings/api-keys');
      const made = await visitor.post('/dashboard/settings/api-keys', { name: word });
      expect({ word, status: made.status }).toEqual({ word, status: 200 });
      for (const scope of [word, 'unheard-of']) {
        const refused = await visitor.post('/dashboard/settings/api-keys', { name: 'refused', scope });
        expect({ scope, status: refused.status }).toEqual({ scope, status: 422 });
      }
      const keys = await world.store.registry.apiKeysOf(account.id);
      expect(keys.find(({ name }) => name === word)?.scopes).toEqual(['read']);
      expect(keys.map(({ name }) => name)).not.toContain('refused');
    }
  });

  it('cannot redirect away from the dashboard, even when signed in', async () => {
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/\t/evil.example',
      '/dashboard//../..//evil.example',
    ]) {
      const there = await visitor.get(`/login?next=${encodeURIComponent(next)}`);
      expect(there.headers.location, next).toMatch(/^\/dashboard(?:$|\/(?!\/))/);
      const form = await new DashboardVisitor(server.url).get(`/login?next=${encodeURIComponent(next)}`);
      expect(form.text, next).not.toContain('evil.example');
    }
  });
});

describe('a one-time link', () => {
  const ticketOf = async (kind: OneTimeToken['kind']): Promise<string> => {
    const token = newToken();
    await world.store.registry.createOneTimeToken(
      {
        ...{ kind, email: account.email, accountId: account.id },
        ...(kind === 'invitation'
          ? { siteId: site.id, role: 'admin' as const }
          : { siteId: null, role: null }),
        expiresAtMs: world.clock.now() + DAY_MS,
      },
      digestToken(token),
    );
    return token;
  };

  it('works only for its purpose', async () => {
    const invitation = await ticketOf('invitation');
    const reset = await ticketOf('reset');
    expect((await visitor.get(`/reset/${invitation}`)).status).toBe(410);
    expect((await visitor.post('/reset', { token: invitation, password: 'a whole new one' })).status).toBe(
      410,
    );
    expect((await visitor.get(`/invitation/${reset}`)).status).toBe(410);
    const stranger = new DashboardVisitor(server.url);
    expect((await stranger.get(`/signup?invitation=${reset}`)).text).toContain('Sign-up is closed');
    await stranger.get('/login');
    expect(
      (await stranger.post('/signup', { invitation: reset, email: 'a@example.org', password: PASSWORD }))
        .status,
    ).toBe(403);
    expect((await stranger.signIn(account.email, PASSWORD)).status).toBe(303);
  });

  it('expires as stated', async () => {
    const token = await ticketOf('reset');
    world.clock.advance(DAY_MS + 1);
    expect((await new DashboardVisitor(server.url).get(`/reset/${token}`)).status).toBe(410);
  });
});

describe('a shared link', () => {
  const share = async (fields: Record<string, string>): Promise<string> => {
    const made = await visitor.post(`${base}/settings/shares`, fields);
    return /\/share\/[\w-]{43}/.exec(made.text)?.[0] ?? '';
  };

  it('expires as stated', async () => {
    const path = await share({ name: 'a week', expires: '7' });
    const stranger = new DashboardVisitor(server.url);
    expect((await stranger.get(path)).status).toBe(200);
    world.clock.advance(7 * DAY_MS + 1);
    expect((await stranger.get(path)).status).toBe(404);
    expect((await stranger.get(`${path}/rows.csv`)).status).toBe(404);
    // A session ends after a week without use.
    await visitor.signIn(account.email, PASSWORD);
  });

  it('refuses a password that is too short or too long, and cuts none', async () => {
    for (const password of ['1234567', 'x'.repeat(201)]) {
      const answer = await visitor.post(`${base}/settings/shares`, {
        name: 'weak',
        'share-password': password,
      });
      expect(answer.status).toBe(422);
      expect(answer.text).toContain('Use a password of 8 to 200 characters.');
    }
    const long = 'correct horse battery staple '.repeat(7).slice(0, 200);
    const path = await share({ name: 'long', 'share-password': long });
    const stranger = new DashboardVisitor(server.url);
    await stranger.get(path);
    expect((await stranger.post(path, { password: `${long}x` })).status).toBe(422);
    expect((await stranger.post(path, { password: long })).status).toBe(303);
  });

  it('limits the guesses at one link, from wherever they come', async () => {
    const proxied = await world.serve({ settings: { TRUST_PROXY: 'loopback' } });
    const path = await share({ name: 'guessed', 'share-password': 'open sesame' });
    const guess = async (address: string, password: string) => {
      const stranger = new DashboardVisitor(proxied.url);
      await stranger.get(path);
      return (await stranger.post(path, { password }, { 'x-forwarded-for': address })).status;
    };
    const inOneNetwork: number[] = [];
    for (let i = 0; i < 60; i++) inOneNetwork.push(await guess(`2001:db8::${i}`, 'guess'));
    expect(inOneNetwork).toEqual([...Array<number>(10).fill(422), ...Array<number>(50).fill(429)]);
    // What the network's limit refused is not counted for the link.
    for (let i = 0; i < 20; i++) expect(await guess(`198.51.100.${i}`, 'guess')).toBe(422);
    expect(await guess('203.0.113.9', 'open sesame')).toBe(429);
    world.clock.advance(15 * 60_000);
    expect(await guess('203.0.113.9', 'open sesame')).toBe(303);
  });

  it('asks each shared link with a password for its own password', async () => {
    const [one, other] = [
      await share({ name: 'one', 'share-password': 'open sesame' }),
      await share({ name: 'other', 'share-password': 'open sesame' }),
    ];
    const stranger = new DashboardVisitor(server.url);
    await stranger.get(one);
    expect((await stranger.post(one, { password: 'open sesame' })).headers.location).toBe(one);
    expect((await stranger.get(one)).text).toContain('hostile.example');
    expect((await stranger.get(other)).text).not.toContain('hostile.example');
    expect((await stranger.get(`${other}/rows.csv`)).status).toBe(404);
  });
});

it('refuses an invitation with two addresses or a line break', async () => {
  for (const email of [
    'a@example.com\r\nBcc: b@example.com',
    'a@example.com b@example.com',
    '<a@example.com>',
    'a'.repeat(300),
  ]) {
    const answer = await visitor.post(`${base}/settings/members`, { email });
    expect({ email, status: answer.status }).toEqual({ email, status: 422 });
  }
  expect(await world.store.registry.invitationsTo(site.id, world.clock.now())).toEqual([]);
});
