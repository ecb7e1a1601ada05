import { get, type IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScriptFile } from '../src/collect/script.ts';
import { permissionsOf } from '../src/dashboard/api-keys/text.ts';
import { declarePages } from '../src/dashboard/index.ts';
import { addressWarning } from '../src/dashboard/install/snippets.ts';
import type { Parts } from '../src/dashboard/kit/parts.ts';
import { Router } from '../src/dashboard/kit/router.ts';
import { DAY_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { newSiteKey } from '../src/domain/keys.ts';
import { staticFile } from '../src/http/static-file.ts';
import {
  type Account,
  type Events,
  NO_SITE,
  type Site,
  StoreUnavailable,
} from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { until } from './support/poll.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

/** The most live streams that a site may have open at once. */
const LISTENERS_PER_SITE = 20;

/** How often an address without a site key is shown to owners at once. */
const STRANGER_BURST = 20;

let world: World;
let script: ScriptFile;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  script = { ...(await staticFile('a.js', Buffer.from('0'))), immutable: false };
  server = await world.serve({ scripts: [script] });
  // The first account belongs to the operator, so the owner is not the operator.
  await world.addAccount();
  world.clock.advance(1);
});
afterAll(() => world.close());

const personOf = (account: Account) => signedIn(world, server, account);

async function owner(
  domain: string,
): Promise<{ account: Account; site: Site; visitor: DashboardVisitor; base: string }> {
  const account = await world.addAccount();
  const site = await world.addSite(account, domain);
  return { account, site, visitor: await personOf(account), base: `/dashboard/sites/${site.id}` };
}

/** Sends a beacon until the collector knows the site. */
async function send(site: Site, host: string, more: Record<string, unknown> = {}): Promise<number> {
  const answer = await until(
    () =>
      server.send(
        { key: site.key, url: `https://${host}/`, ...more },
        { headers: { origin: `https://${host}` } },
      ),
    ({ status }) => status !== 404,
  );
  return answer.status;
}

/** Returns all declared routes. */
function routes() {
  const nothing = { route: () => undefined } as unknown as FastifyInstance;
  const parts = { store: world.store, clock: world.clock } as unknown as Parts;
  const router = new Router(nothing, parts);
  declarePages(router);
  return router.table;
}

describe('adding a site', () => {
  it.each([
    ['example.net', 'example.net', 'example.net'],
    ['  HTTPS://Www.Example.org/path?x=1#y ', 'www.example.org', 'www.example.org'],
    ['münchen.example', 'xn--mnchen-3ya.example', 'münchen.example'],
    ['https:/slash.example', 'slash.example', 'slash.example'],
    ['shop.example:8443', 'shop.example', 'shop.example'],
    ['localhost', 'localhost', 'localhost'],
    ['[2001:db8::1]', '2001:db8::1', '2001:db8::1'],
  ])('reads %s as %s and shows %s', async (typed, domain, shown) => {
    const account = await world.addAccount();
    const visitor = await personOf(account);
    await visitor.get('/dashboard/add-site');
    const answer = await visitor.post('/dashboard/add-site', { domain: typed });
    expect(answer.headers.location).toMatch(/^\/dashboard\/sites\/site_/);
    const page = await visitor.get(String(answer.headers.location));
    expect((await world.store.registry.sitesOf(account.id)).map((site) => site.domain)).toEqual([domain]);
    expect(page.text).toContain(`>${shown}<`);
    expect(page.text).toMatch(
      /&lt;script defer src=&quot;http:\/\/127\.0\.0\.1:\d+\/a\.js&quot; data-key=&quot;ak_\w+&quot;>/,
    );
  });

  it.each(['', '   ', 'not a domain', 'http://', '<script>alert(1)</script>'])(
    'explains why %j is invalid',
    async (typed) => {
      const visitor = await personOf(await world.addAccount());
      const answer = await visitor.post('/dashboard/add-site', { domain: typed });
      expect(answer.status).toBe(422);
      expect(answer.text).toContain('aria-invalid="true"');
      expect(answer.text).not.toContain('<script>alert');
    },
  );

  it('links to the existing site for a duplicate, and limits Free accounts to three', async () => {
    const { visitor, base } = await owner('one.example');
    const twice = await visitor.post('/dashboard/add-site', { domain: 'https://ONE.example' });
    expect(twice.status).toBe(422);
    expect(twice.text).toContain('This account already has a site for one.example.');
    expect(twice.text).toContain(`href="${base}"`);
    for (const domain of ['two.example', 'three.example'])
      expect((await visitor.post('/dashboard/add-site', { domain })).status).toBe(303);
    const fourth = await visitor.post('/dashboard/add-site', { domain: 'four.example' });
    expect(fourth.status).toBe(422);
    expect(fourth.text).toContain('All 3 sites of the Free plan are in use, so four.example was not added.');
  });
});

describe('the live check', () => {
  /** Reads an event stream until stopped. */
  async function listen(visitor: DashboardVisitor, path: string) {
    const messages: {
      what: string;
      host: string;
      month: number | null;
      refusal: { title: string; text: string; allowable: boolean } | null;
    }[] = [];
    let text = '';
    const request = get(`${server.url}${path}`, { headers: { cookie: visitor.cookieHeader } });
    const ended = new Promise<void>((resolve) => request.on('close', resolve));
    const status = await new Promise<number | undefined>((resolve) =>
      request.on('response', (response) => {
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          for (let at = text.indexOf('\n\n'); at !== -1; at = text.indexOf('\n\n')) {
            const data = /^data: (.*)$/m.exec(text.slice(0, at))?.[1];
            text = text.slice(at + 2);
            if (data !== undefined) messages.push(JSON.parse(data));
          }
        });
        resolve(response.statusCode);
      }),
    );
    const stop = async () => {
      request.destroy();
      await ended;
    };
    /** Closes the client's end, and waits until the server has closed its own. */
    const leave = async () => {
      request.socket?.end();
      await ended;
    };
    return { status, messages, stop, leave };
  }
  const addressIn = (text: string) =>
    (/data-live-check="([^"]+)"/.exec(text)?.[1] ?? '').replaceAll('&amp;', '&');

  it('names the field of a malformed event, and what it must be', async () => {
    const { site, visitor, base } = await owner('trifle.example');
    await send(site, 'trifle.example', { props: { items: ['a'] } });
    const live = await listen(visitor, `${base}/live?after=0`);
    const [message] = await until(
      () => live.messages,
      (messages) => messages.length > 0,
    );
    expect(message?.refusal).toMatchObject({
      title: 'Malformed event: props.items',
      text: expect.stringContaining('props.items must be a string of at most 500 characters'),
      allowable: false,
    });
    await live.stop();
  });

  it('shows events as they happen, and ignores earlier ones', async () => {
    const { site, visitor, base } = await owner('live.example');
    expect(await send(site, 'live.example')).toBe(202);
    const page = await visitor.get(`${base}/install`);
    const live = await listen(visitor, addressIn(page.text));
    expect(await send(site, 'staging.live.example')).toBe(403);
    await until(
      async () => live.messages.length,
      (count) => count >= 1,
    );
    expect(live.messages).toEqual([
      expect.objectContaining({
        what: 'refused',
        host: 'staging.live.example',
        month: null,
        refusal: expect.objectContaining({ allowable: true }),
      }),
    ]);

    const allowed = await visitor.post(`${base}/allow`, { host: 'staging.live.example', back: 'site' });
    expect(allowed.headers.location).toBe(`${base}/install?allowed=staging.live.example`);
    await until(
      () => send(site, 'staging.live.example'),
      (status) => status === 202,
    );
    await until(
      async () => live.messages.at(-1)?.what,
      (what) => what === 'counted',
    );
    expect(live.messages.at(-1)?.month).toBe(2);
    await live.stop();
  });

  it('includes events between the page and the stream', async () => {
    const { site, visitor, base } = await owner('between.example');
    const page = await visitor.get(base);
    await send(site, 'between.example');
    const live = await listen(visitor, addressIn(page.text));
    await until(
      async () => live.messages.length,
      (count) => count >= 1,
    );
    expect(live.messages[0]?.what).toBe('counted');
    await live.stop();
  });

  it('answers HEAD with its headers', async () => {
    const { visitor, base } = await owner('head.example');
    const answer = await server.ask({
      ...{ method: 'HEAD', path: `${base}/live` },
      headers: { cookie: visitor.cookieHeader },
    });
    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
  });

  it('refuses other accounts, and does not delay shutdown', async () => {
    const { visitor, base } = await owner('quiet.example');
    const stranger = await personOf(await world.addAccount());
    expect((await stranger.get(`${base}/live`)).status).toBe(404);
    expect((await new DashboardVisitor(server.url).get(`${base}/live`)).status).toBe(303);
    const other = await world.serve();
    const request = get(`${other.url}${base}/live`, { headers: { cookie: visitor.cookieHeader } });
    const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
    const ended = new Promise((resolve) => response.resume().on('close', resolve));
    await Promise.all([other.app.close(), ended]);
    expect(response.complete, 'the server ended the stream itself, and had it not cut off').toBe(true);
  });

  it('notices at once that a browser has left, and frees its place', async () => {
    const { visitor, base } = await owner('reloaded.example');
    for (let i = 0; i < LISTENERS_PER_SITE + 5; i++) {
      const live = await listen(visitor, `${base}/live`);
      expect(live.status).toBe(200);
      await live.leave();
    }
  });

  it('disconnects a browser that does not read, which then gets what it missed', async () => {
    const { site, visitor, base } = await owner('stalled.example');
    expect(await send(site, 'stalled.example')).toBe(202);
    const request = get(`${server.url}${base}/live`, { headers: { cookie: visitor.cookieHeader } });
    const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
    // From now on the client reads nothing, while the server sends far more than socket buffers hold.
    const path = 'x'.repeat(2_000);
    const page = `https://stalled.example/${path}`;
    let sent = 0;
    for (let batches = 0; batches < 150; batches++) {
      const batch = Array.from({ length: 20 }, () => ({ key: site.key, url: `${page}${sent++ % 10}` }));
      const { status } = await server.send(batch, { headers: { origin: 'https://stalled.example' } });
      expect(status).toBe(202);
    }
    let bytes = 0;
    const closed = new Promise((resolve) => response.on('close', resolve));
    response
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
    await closed;
    expect(bytes, 'of what was said').toBeLessThan(sent * path.length);
    const again = await listen(visitor, `${base}/live?after=0`);
    await until(
      () => again.messages.length,
      (count) => count >= 50,
    );
    await again.stop();
  });
});

describe('what was not counted', () => {
  it('balances, shows host and reason, and offers to allow the host', async () => {
    const { site, visitor, base } = await owner('books.example');
    await send(site, 'books.example', { id: 'a' });
    await send(site, 'books.example', { id: 'a' });
    await send(site, 'staging.books.example');
    await send(site, '<b>', { url: 'https://evil.example/' });
    const page = await visitor.get(`${base}/not-counted`);
    const figures = [...page.text.matchAll(/<dd><strong>([\d,]+)<\/strong>/g)].map(([, number]) =>
      Number(number),
    );
    const [received = 0, ...parts] = figures;
    expect(received).toBeGreaterThanOrEqual(4);
    expect(parts.reduce((sum, number) => sum + number, 0)).toBe(received);
    expect(page.text).toContain('Allow staging.books.example');
    await visitor.post(`${base}/allow`, { host: 'staging.books.example' });
    expect((await world.store.registry.siteById(site.id))?.extraHosts).toEqual(['staging.books.example']);
    expect((await visitor.get(`${base}/not-counted`)).text).toContain('This host is now allowed');
  });

  it('shows since when events cannot be stored, and how many of the site were refused', async () => {
    const { site, visitor, base } = await owner('full.example');
    const real = world.store.events;
    const sinceMs = world.clock.now() - 3 * MINUTE_MS;
    const full: Events = Object.assign(Object.create(real), {
      onOutage: () => undefined,
      refusedInOutage: (siteId: string) => (siteId === site.id ? { sinceMs, events: 1_234 } : null),
      async flush() {
        throw new StoreUnavailable('database or disk is full');
      },
    });
    const other = new DashboardVisitor((await world.serve({ events: full })).url);
    for (const [name, value] of visitor.cookies) other.cookies.set(name, value);
    const { status, text } = await other.get(`${base}/not-counted`);
    expect(status).toBe(200);
    expect(text).toMatch(
      /It refused 1,234 events of this site; the first one arrived <time[^>]*>3 minutes ago/,
    );
    expect((await other.get(`${base}/install`)).status).toBe(200);
    expect((await visitor.get(`${base}/not-counted`)).text).not.toContain('cannot store events');
  });

  it('shows events that were counted but shortened, outside the sums', async () => {
    const { site, visitor, base } = await owner('shortened.example');
    const stored = { siteId: site.id, host: 'shortened.example', receivedAtMs: world.clock.now() };
    await world.store.events.append(event(stored));
    await world.store.events.append(event({ ...stored, path: '(other)', isShortened: true }));
    const { text } = await visitor.get(`${base}/not-counted`);
    expect(text).toContain('Shortened: <span class="host">shortened.example</span>');
    expect(text).toContain('<strong>1</strong> event');
    expect(text).toContain('listed as “(other)”');
    expect([...text.matchAll(/<dd><strong>([\d,]+)<\/strong>/g)].map(([, number]) => number)).toEqual([
      '2',
      '2',
      '0',
      '0',
      '0',
    ]);
    expect((await visitor.get('/dashboard')).text).not.toContain(`${base}/not-counted`);
  });

  it('shows senders without a key as one line, and each address only so often', async () => {
    const { site, visitor, base } = await owner('strangers.example');
    await world.store.registry.setHostRules(site.id, { allowSubdomains: true, extraHosts: [] });
    const behind = await world.serve({ settings: { TRUST_PROXY: 'loopback' }, scripts: [script] });
    const invent = async (n: number, address: string) => {
      const url = `https://h${n}.strangers.example`;
      const headers = { origin: url, 'x-forwarded-for': address };
      expect((await behind.send({ key: newSiteKey(), url }, { headers })).status).toBe(404);
    };
    const events = 60;
    for (let n = 0; n < events; n++) {
      await invent(n, `2001:db8::${n}`);
      const headers = { referer: `https://h${n}.strangers.example/`, 'x-forwarded-for': '192.0.2.1' };
      await behind.ask({ path: '/a.js', headers });
    }
    await invent(0, '192.0.2.2');
    await world.store.events.flush();
    const today = { firstDay: utcDay(world.clock.now()), lastDay: utcDay(world.clock.now()) };
    const lines = await world.store.events.ledger(site.id, today);
    expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(STRANGER_BURST + 1);
    const unclaimed = (await world.store.events.ledger(NO_SITE, today)).reduce(
      (sum, { outcome, count }) => sum + (outcome === 'unknown-key' ? count : 0),
      0,
    );
    expect(unclaimed, 'all others are in the ledger of the operator').toBeGreaterThanOrEqual(
      events - STRANGER_BURST,
    );

    const { text } = await visitor.get(`${base}/not-counted`);
    expect(text.match(/<h3>Unknown site key/g)).toHaveLength(1);
    expect(text).toContain(`Unknown site key: ${STRANGER_BURST} hosts`);
    const beside = new DashboardVisitor(behind.url);
    for (const [name, value] of visitor.cookies) beside.cookies.set(name, value);
    const activity = (await beside.get(`${base}/activity`)).text;
    expect(activity.match(/data-what="(script|refused)"/g)).toHaveLength(2);
    expect(activity).toContain(`loaded the script · ${STRANGER_BURST} times`);
    expect(activity).toContain(`Unknown site key · ${STRANGER_BURST + 1} times`);
  });

  it('shows a tag that lost its key, and on the install page what to put instead', async () => {
    const { site, visitor, base } = await owner('lost-key.example');
    await send(site, 'lost-key.example');
    expect((await visitor.get(`${base}/install`)).text).not.toContain('had no site key');
    for (const key of [undefined, '6.4', '{{KEY}}']) await send(site, 'www.lost-key.example', { key });
    const { text } = await visitor.get(`${base}/not-counted`);
    expect(text).toContain('Missing site key: <span class="host">www.lost-key.example</span>');
    expect(text).toContain('Put the key in the script’s address instead: /a.js?key=ak_…');
    const install = (await visitor.get(`${base}/install`)).text;
    expect(install).toContain('In the last 7 days, 3 events had no site key (from www.lost-key.example).');
    expect(install).toMatch(new RegExp(`<pre id="keyed"><code>[^\n]*/a\\.js\\?key=${site.key}`));
  });

  it('names only a few hosts of tags that lost their key', async () => {
    const { site, visitor, base } = await owner('many-hosts.example');
    await world.store.registry.setHostRules(site.id, { allowSubdomains: true, extraHosts: [] });
    await until(
      async () => {
        await send(site, 'xn--bcher-kva.many-hosts.example', { key: '' });
        return (await visitor.get(`${base}/install`)).text;
      },
      (text) => text.includes('(from bücher.many-hosts.example).'),
    );
    for (const host of ['b', 'c', 'd']) await send(site, `${host}.many-hosts.example`, { key: '' });
    const { text } = await visitor.get(`${base}/install`);
    expect(text).toMatch(/site key \(from (?:(?:bücher|[bcd])\.many-hosts\.example, ){3}other hosts\)\. /);
  });

  it('shows pages that only load the script, with the likely causes and their tests', async () => {
    const { site, visitor, base } = await owner('silent.example');
    const fetchScript = () =>
      server.ask({ path: '/a.js', headers: { referer: 'https://www.silent.example/pricing' } });
    const pages = async () =>
      (await Promise.all([visitor.get(`${base}/install`), visitor.get(`${base}/not-counted`)])).map(
        ({ text }) => text,
      );
    const loaded = 'A page on www.silent.example loaded the script, but no event followed.';
    const only = 'No event has arrived since a page on www.silent.example loaded the script';
    await send(site, 'silent.example');
    await fetchScript();
    for (const text of await pages()) expect(text).not.toMatch(new RegExp(`${loaded}|${only}`));
    world.clock.advance(30_000);
    await fetchScript();
    const [install, notCounted] = await pages();
    expect(notCounted).toContain(only);
    expect(install).toContain(loaded);
    expect(install).toMatch(/<details data-check-help[^>]* open/);
    expect(
      [...(install ?? '').matchAll(/data-cause="(\w+)"( hidden)?/g)].map(([, id, hidden]) => [id, hidden]),
    ).toEqual([
      ['csp', undefined],
      ['blocker', undefined],
      ['path', ' hidden'],
      ['gpc', undefined],
      ['automation', undefined],
      ['off', undefined],
      ['file', undefined],
    ]);
    expect(install).toContain(`script-src ${server.url}; connect-src ${server.url}`);
    // What arrives later, counted or not, ends the silence.
    await send(site, 'copy.example');
    for (const text of await pages()) expect(text).not.toMatch(new RegExp(`${loaded}|${only}`));
  });

  it('warns of a snippet whose script no visitor can load', async () => {
    const { visitor, base } = await owner('public.example');
    const { text } = await visitor.get(`${base}/install`);
    expect(text).toContain(
      'This snippet does not work on public.example: it loads the script from 127.0.0.1',
    );
    const local = await owner('localhost');
    expect((await local.visitor.get(`${local.base}/install`)).text).not.toContain(
      'This snippet does not work',
    );
    for (const url of [
      'http://localhost:8080',
      'http://10.0.0.5',
      'https://stats.local',
      'http://[::1]:8080',
      'http://stats',
    ])
      expect(addressWarning(url, 'example.com'), url).toContain('does not work on example.com');
    expect(addressWarning('http://stats.example', 'example.com')).toContain('begins with http:');
    expect(addressWarning('http://stats.example', '192.168.1.7')).toBeNull();
    expect(addressWarning('https://stats.example', 'example.com')).toBeNull();
  });

  it('names the field of malformed events, and what it must be', async () => {
    const { site, visitor, base } = await owner('fields.example');
    await send(site, 'fields.example', { props: { items: ['a'] } });
    await send(site, 'fields.example', { props: { items: {} } });
    await send(site, 'fields.example', { value: '49,90' });
    await send(site, 'fields.example', { url: 'file:///index.html' });
    const page = await visitor.get(`${base}/not-counted`);
    expect(page.text).toMatch(
      /Malformed event: <code>props\.items<\/code><\/h3><p class="figure"><strong>2<\/strong>/,
    );
    expect(page.text).toContain(
      'props.items must be a string of at most 500 characters, a number, a boolean or null.',
    );
    expect(page.text).toContain('Malformed event: <code>value</code>');
    expect(page.text).toContain('A page opened from a file (file:) is not counted.');
  });

  it('previews looser rules on the refused events of last week', async () => {
    const { site, visitor, base } = await owner('loose.example');
    for (const host of [
      'loose.example',
      'app.loose.example',
      'app.loose.example',
      'copy.example',
      'localhost',
    ])
      await send(site, host);
    const preview = async (rules: Record<string, string>) =>
      (await visitor.post(`${base}/settings/hosts`, { hosts: '', ...rules, do: 'preview' })).text;
    expect(await preview({ subdomains: 'on' })).toContain(
      'Of 1 event counted in the last 7 days, all would have been counted with these rules. 2 rejected events would have been counted, from app.loose.example.',
    );
    expect(await preview({ hosts: 'localhost, copy.example' })).toMatch(
      /2 rejected events would have been counted, from (localhost, copy\.example|copy\.example, localhost)\./,
    );
    expect(await preview({})).not.toContain('rejected event');
    expect((await world.store.registry.siteById(site.id))?.extraHosts).toEqual([]);
  });

  it('previews stricter rules on last week', async () => {
    const { site, visitor, base } = await owner('strict.example');
    await visitor.post(`${base}/settings/hosts`, { hosts: '*.strict.example' });
    await until(
      () => send(site, 'app.strict.example'),
      (status) => status === 202,
    );
    const tried = await visitor.post(`${base}/settings/hosts`, { hosts: '', do: 'preview' });
    expect(tried.text).toContain('1 would have been rejected, from app.strict.example.');
    expect((await world.store.registry.siteById(site.id))?.extraHosts).toEqual(['*.strict.example']);
    // It still mentions an event after six days, but not after a week.
    for (const [days, events] of [
      [6, '1 event'],
      [1, '0 events'],
    ] as const) {
      world.clock.advance(days * DAY_MS);
      const later = await visitor.post(`${base}/settings/hosts`, { hosts: '', do: 'preview' });
      expect(later.text).toContain(`Of ${events} counted in the last 7 days`);
    }
    const wrong = await visitor.post(`${base}/settings/hosts`, { hosts: 'not a host!' });
    expect(wrong.status).toBe(422);
  });
});

describe('what is seen of me', () => {
  it('shows the proxy chain, the trusted proxies and the row that would be stored, and stores nothing', async () => {
    const { site, visitor, base } = await owner('mirror.example');
    await until(
      async () => (await visitor.get(`${base}/you`, { 'user-agent': BROWSER })).text,
      (text) => text.includes('pageview'),
    );
    const { text } = await visitor.get(`${base}/you`, {
      'user-agent': BROWSER,
      'x-forwarded-for': '203.0.113.9',
    });
    for (const seen of ['127.0.0.1', '203.0.113.9', 'no proxy is trusted', 'mirror.example', 'Chrome'])
      expect(text).toContain(seen);
    const day = Math.floor(world.clock.now() / 86_400_000);
    expect(
      (await world.store.events.countBySite([site.id], { firstDay: day, lastDay: day })).get(site.id),
    ).toBe(0);
    expect((await visitor.get(`${base}/you`, { 'user-agent': 'Googlebot/2.1' })).text).toContain('Googlebot');
  });
});

describe('API keys', () => {
  it('shows an API key once, accepts it, shows its last use, and lets only its owner revoke it', async () => {
    const { visitor, site } = await owner('keys.example');
    const made = await visitor.post('/dashboard/settings/api-keys', { name: 'nightly <b>report</b>' });
    const key = /<pre id="made-key"[^>]*><code>(sk_\w+)</.exec(made.text)?.[1] ?? '';
    expect(made.text).not.toContain('<b>report</b>');
    expect((await visitor.get('/dashboard/settings/api-keys')).text).not.toContain(key);
    const listed = (await server.sites(key)).json() as { sites: { id: string }[] };
    expect(listed.sites.map(({ id }) => id)).toEqual([site.id]);
    const page = await until(
      () => visitor.get('/dashboard/settings/api-keys'),
      ({ text }) => text.includes('Last used'),
    );
    const id = /name="id" value="(key_\w+)"/.exec(page.text)?.[1] ?? '';

    const stranger = await personOf(await world.addAccount());
    expect((await stranger.post('/dashboard/settings/api-keys/revoke', { id })).status).toBe(404);
    expect((await server.sites(key)).status).toBe(200);
    expect((await visitor.post('/dashboard/settings/api-keys/revoke', { id })).status).toBe(303);
    expect((await server.sites(key)).status).toBe(401);
  });

  it('limits a key to the chosen sites, of the same account only', async () => {
    const { account, visitor, site } = await owner('limited.example');
    const other = await world.addSite(account, 'other.example');
    const foreign = await world.addSite(await world.addAccount(), 'foreign.example');
    const add = (name: string, ...sites: readonly Site[]) =>
      visitor.post('/dashboard/settings/api-keys', [
        ['name', name],
        ...sites.map(({ id }): [string, string] => ['site', id]),
      ]);
    const keyIn = (text: string) => /<pre id="made-key"[^>]*><code>(sk_\w+)</.exec(text)?.[1] ?? '';
    const sitesOf = async (key: string) =>
      ((await server.sites(key)).json() as { sites: { id: string }[] }).sites.map(({ id }) => id);

    await visitor.get('/dashboard/settings/api-keys');
    const made = await add('partner', other);
    expect(await sitesOf(keyIn(made.text))).toEqual([other.id]);
    expect(made.text).toMatch(/partner.*Read reports · other\.example ·/);
    expect(await sitesOf(keyIn((await add('both', site, other)).text))).toEqual([site.id, other.id]);

    expect((await add('thief', other, foreign)).status).toBe(404);
    const refused = await add('', other);
    expect(refused.status).toBe(422);
    expect(refused.text).toMatch(new RegExp(`value="${other.id}" checked`));
    expect((await world.store.registry.apiKeysOf(account.id)).map(({ name }) => name)).not.toContain('thief');
  });

  it.each([
    [['read'], 'Read reports'],
    [['read', 'write'], 'Read reports and send events'],
    [['read', 'write', 'configure'], 'Read reports, send events, and change site settings'],
  ])('describes the scopes %s', (scopes, permissions) => {
    expect(permissionsOf(scopes)).toBe(permissions);
  });
});

describe('the settings of a site', () => {
  it('rotate keys with overlap, store goals, and delete the site after a typed confirmation', async () => {
    const { site, visitor, base } = await owner('settings.example');
    await visitor.post(`${base}/settings/keys`);
    expect((await visitor.post(`${base}/settings/keys/retire`, { key: 'ak_somebody_elses' })).status).toBe(
      404,
    );
    expect((await visitor.post(`${base}/settings/keys/retire`, { key: site.key })).status).toBe(303);
    const keys = await world.store.registry.siteKeysOf(site.id);
    expect(keys.find(({ key }) => key === site.key)?.state).toBe('retired');
    expect(keys).toHaveLength(2);

    await visitor.post(`${base}/settings/goals`, { kind: 'page', pattern: '/thanks*' });
    const unreachable = await visitor.post(`${base}/settings/goals`, { kind: 'event', pattern: 'leave' });
    expect([unreachable.status, unreachable.text]).toEqual([
      422,
      expect.stringContaining('It is not an event'),
    ]);
    expect((await visitor.get(`${base}/settings/goals`)).text).toContain('/thanks*');

    expect((await visitor.post(`${base}/settings/delete`, { confirm: 'other.example' })).status).toBe(422);
    expect((await visitor.post(`${base}/settings/delete`, { confirm: 'settings.example' })).status).toBe(303);
    expect((await visitor.get(base)).status).toBe(404);
  });

  it.each(['münchen.example', 'xn--mnchen-3ya.example'])(
    'show a domain in its own letters, and accept %s for it',
    async (typed) => {
      const { visitor, base } = await owner('xn--mnchen-3ya.example');
      for (const page of [
        '/dashboard',
        base,
        `${base}/settings`,
        `${base}/settings/data`,
        `${base}/install`,
      ]) {
        const { text } = await visitor.get(page);
        expect(text, page).toContain('münchen.example');
        expect(text, page).not.toMatch(/>[^<]*(?<!https:\/\/)xn--mnchen/); // links are for programs
      }
      expect((await visitor.post(`${base}/settings/delete`, { confirm: typed })).status).toBe(303);
    },
  );

  it('invite someone who has an account once', async () => {
    const { site, visitor, base } = await owner('team.example');
    const invited = await visitor.post(`${base}/settings/members`, {
      email: 'friend@example.com',
      role: 'admin',
    });
    const path = /\/invitation\/[\w-]{43}/.exec(invited.text)?.[0] ?? '';
    const friend = await world.addAccount();
    const there = await personOf(friend);
    expect((await there.get(base)).status).toBe(404);
    await there.get(path);
    expect(
      (await there.post('/invitation', { invitation: path.split('/').at(-1) ?? '' })).headers.location,
    ).toBe(base);
    expect(await world.store.registry.roleOn(site.id, friend.id)).toBe('admin');
    expect((await there.post('/invitation', { invitation: path.split('/').at(-1) ?? '' })).status).toBe(410);
    expect((await there.get('/dashboard')).text).toContain('shared with you');
  });
});

describe('an invitation', () => {
  const pathIn = (text: string) => /\/invitation\/[\w-]{43}/.exec(text)?.[0] ?? '';

  it('can be withdrawn, and ends with the role of who could return with it', async () => {
    const { site, visitor, base } = await owner('withdrawn.example');
    const friend = await world.addAccount();
    const invite = async (email: string) =>
      pathIn((await visitor.post(`${base}/settings/members`, { email, role: 'viewer' })).text);
    const [first, second] = [await invite('guest@example.com'), await invite(friend.email.toUpperCase())];
    const stranger = new DashboardVisitor(server.url);
    expect((await stranger.get(first)).status).toBe(200);
    expect((await visitor.get(`${base}/settings/team`)).text).toContain('guest@example.com');
    await visitor.post(`${base}/settings/members/withdraw`, { email: 'guest@example.com' });
    expect((await stranger.get(first)).status).toBe(410);
    expect((await visitor.get(`${base}/settings/team`)).text).not.toContain('guest@example.com');
    await world.store.registry.setMember(site.id, friend.id, 'viewer');
    await visitor.post(`${base}/settings/members/remove`, { account: friend.id });
    expect((await stranger.get(second)).status).toBe(410);
    expect(await world.store.registry.roleOn(site.id, friend.id)).toBeNull();
  });

  it('is not used up by an address that already has an account', async () => {
    const { visitor, base } = await owner('taken.example');
    const friend = await world.addAccount();
    const invited = await visitor.post(`${base}/settings/members`, { email: friend.email, role: 'viewer' });
    const path = pathIn(invited.text);
    const stranger = new DashboardVisitor(server.url);
    await stranger.get('/login');
    const fields = {
      email: friend.email,
      password: 'another password',
      invitation: path.split('/').at(-1) ?? '',
    };
    expect((await stranger.post('/signup', fields)).headers.location).toBe('/login?note=signed-up');
    expect((await stranger.get(path)).status).toBe(200);
  });
});

describe('a shared link', () => {
  it('shows only the report of its site, until it is removed', async () => {
    const { site, visitor, base } = await owner('shared.example');
    await send(site, 'shared.example');
    const made = await visitor.post(`${base}/settings/shares`, { name: 'for the board', expires: '7' });
    const path = /\/share\/[\w-]{43}/.exec(made.text)?.[0] ?? '';
    const stranger = new DashboardVisitor(server.url);
    const page = await stranger.get(path);
    expect(page.status).toBe(200);
    expect(page.text).toContain('shared.example');
    for (const secret of ['/settings', '/not-counted', site.key, base])
      expect(page.text).not.toContain(secret);
    expect((await stranger.get(`${path}/rows.csv?by=page`)).text).toMatch(/^page,name/);
    expect((await stranger.get(base)).status).toBe(303);
    expect((await stranger.get(`/share/${'x'.repeat(43)}`)).status).toBe(404);
    const [share] = await world.store.registry.sharesOf(site.id);
    await visitor.post(`${base}/settings/shares/remove`, { id: share?.id ?? '' });
    expect((await stranger.get(path)).status).toBe(404);
  });

  it('asks for its password if it has one', async () => {
    const { site, visitor, base } = await owner('locked.example');
    await send(site, 'locked.example');
    const made = await visitor.post(`${base}/settings/shares`, {
      name: 'secret',
      'share-password': 'open sesame',
    });
    const path = /\/share\/[\w-]{43}/.exec(made.text)?.[0] ?? '';
    const stranger = new DashboardVisitor(server.url);
    expect((await stranger.get(path)).text).not.toContain('locked.example');
    expect((await stranger.get(`${path}/rows.csv`)).status).toBe(404);
    expect((await stranger.post(path, { password: 'wrong' })).status).toBe(422);
    expect((await stranger.post(path, { password: 'open sesame' })).headers.location).toBe(path);
    expect((await stranger.get(path)).text).toContain('locked.example');
  });
});

describe('every route', () => {
  it('checks permissions: signed out, other account, viewer, admin, owner', async () => {
    const { account, site } = await owner('roles.example');
    const people = { viewer: await world.addAccount(), admin: await world.addAccount() };
    for (const role of ['viewer', 'admin'] as const)
      await world.store.registry.setMember(site.id, people[role].id, role);
    const visitors = {
      nobody: new DashboardVisitor(server.url),
      stranger: await personOf(await world.addAccount()),
      viewer: await personOf(people.viewer),
      admin: await personOf(people.admin),
      owner: await personOf(account),
    };
    await visitors.nobody.get('/login');
    const may: Record<string, readonly string[]> = {
      look: ['viewer', 'admin', 'owner'],
      configure: ['admin', 'owner'],
      own: ['owner'],
    };
    const forSites = routes().filter(({ need, path }) => need in may && !path.endsWith('/live'));
    expect(forSites.length).toBeGreaterThan(15);
    for (const { method, path, need } of forSites) {
      for (const [who, visitor] of Object.entries(visitors)) {
        const at = path.replace(':id', site.id);
        const { status, headers } = method === 'GET' ? await visitor.get(at) : await visitor.post(at);
        const isRefused = {
          nobody: headers.location?.startsWith('/login'),
          stranger: status === 404,
          viewer: status === 403,
          admin: status === 403,
          owner: false,
        };
        const refused = isRefused[who as keyof typeof isRefused] ?? false;
        expect({ who, method, path, status, refused }).toEqual({
          who,
          method,
          path,
          status,
          refused: !(may[need] ?? []).includes(who),
        });
        expect(status, `${who} ${method} ${path}`).not.toBe(500);
      }
    }
  }, 120_000);

  it('about the server is only for its owner', async () => {
    const stranger = await personOf(await world.addAccount());
    const nobody = new DashboardVisitor(server.url);
    await nobody.get('/login');
    const forOperator = routes().filter(({ need }) => need === 'operator');
    expect(forOperator.length).toBeGreaterThan(1);
    for (const { method, path } of forOperator) {
      for (const [visitor, status] of [
        [stranger, 404],
        [nobody, 303],
      ] as const)
        expect((await (method === 'GET' ? visitor.get(path) : visitor.post(path))).status, path).toBe(status);
    }
  });

  it('refuses forms without its token', async () => {
    const { site, visitor } = await owner('forms.example');
    const posts = routes().filter(({ method }) => method === 'POST');
    expect(posts.length).toBeGreaterThan(15);
    const token = visitor.csrf;
    for (const { path } of posts) {
      const at = path.replace(':id', site.id).replace(':token', 'x');
      const tries = {
        'no token': await visitor.post(at, { csrf: '' }),
        'a made-up token': await visitor.post(at, { csrf: 'A'.repeat(86) }),
        'another site': await visitor.post(at, { csrf: token }, { 'sec-fetch-site': 'cross-site' }),
        'another origin': await visitor.post(at, { csrf: token }, { origin: 'https://evil.example' }),
        'no origin at all': await visitor.post(at, { csrf: token }, { origin: 'null' }),
      };
      for (const [what, { status }] of Object.entries(tries))
        expect({ path, what, status }).toEqual({ path, what, status: 403 });
    }
    expect((await visitor.get('/dashboard/account')).status).toBe(200);
  }, 120_000);

  it('says which setting is missing behind a proxy that handles TLS', async () => {
    const { visitor } = await owner('proxied.example');
    const origin = 'https://stats.example';
    const textOf = async (headers: Record<string, string>) =>
      (await visitor.post('/dashboard/account/time-zone', { zone: 'UTC' }, headers)).text;
    const text = await textOf({ origin });
    expect(text).toContain(
      `Your browser shows this page at ${origin}, but the server sees itself at ${server.url},`,
    );
    expect(text).toContain(`Set PUBLIC_URL to ${origin}.`);
    for (const foreign of [
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin: '"><script>' },
      { origin: 'https://stats.example/x' },
    ])
      expect(await textOf(foreign)).toContain('This form comes from another site');
    const told = await world.serve({ settings: { PUBLIC_URL: origin } });
    const person = new DashboardVisitor(told.url);
    await person.get('/login');
    expect((await person.post('/login', {}, { origin })).status).toBe(422);
  });

  it('accepts only URL-encoded forms', async () => {
    const { visitor } = await owner('types.example');
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json\t',
    ])
      expect((await visitor.post('/dashboard/add-site', {}, { 'content-type': type })).status).toBe(415);
  });

  it('sends security headers', async () => {
    const { visitor, base } = await owner('headers.example');
    for (const path of [
      '/login',
      '/dashboard',
      base,
      `${base}/settings`,
      '/dashboard/nothing',
      '/dashboard/sites/site_none',
    ]) {
      const { headers } = await visitor.get(path);
      expect(headers['content-security-policy'], path).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      );
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});
