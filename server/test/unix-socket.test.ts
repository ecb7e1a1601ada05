import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenOnSocket } from '../src/http/unix-socket.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { ask } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { command, startProgram } from './support/program.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

/** Leaves the file of a socket on which nothing listens. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}-1`, resolve));
  renameSync(`${path}-1`, path);
  await new Promise((resolve) => server.close(resolve));
}

describe('SOCKET_PATH', () => {
  it('replaces the socket of a killed server, for the group too, and removes it at the end', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'http.sock');
    await leaveSocket(path);
    const settings = { SOCKET_PATH: path, PUBLIC_URL: 'https://stats.example' };
    const program = startProgram(folder, settings);
    await until(
      () => program.stdout(),
      (text) => text.includes(`running at ${path}\n`),
    );
    expect(program.stdout()).toContain('https://stats.example/setup?token=');
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect((await ask(path, { path: '/readyz' })).status).toBe(200);
    const check = await command(folder, ['healthcheck', '--json'], settings);
    expect([check.code, JSON.parse(check.stdout)]).toEqual([0, expect.objectContaining({ ok: true })]);
    await expect(listenOnSocket(path, () => Promise.reject(new Error('listened')))).rejects.toThrow(
      'another server is listening there',
    );
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('stops the server from starting if it is not a socket', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'mine');
    const program = startProgram(folder, { SOCKET_PATH: path });
    await expect(program.address).rejects.toThrow();
    expect((await program.exit).code).toBe(1);
    expect(program.stderr()).toContain(
      `Cannot listen on SOCKET_PATH "${path}": it exists and is not a socket.`,
    );
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

describe('requests over a Unix socket', () => {
  let world: World;
  let server: RunningServer;
  let site: Site;
  let visitor: DashboardVisitor;
  beforeAll(async () => {
    world = await World.open();
    const { account, site: own } = await world.addOwner();
    site = own;
    const socketPath = join(world.dataDir, 'http.sock');
    const settings = { SOCKET_PATH: socketPath, COUNTRY_HEADER: 'X-Country', TRUST_PROXY: '10.0.0.0/8' };
    server = await world.serve({ settings, socketPath });
    visitor = await signedIn(world, server, account);
  });
  afterAll(() => world.close());

  const seen = async (headers: Record<string, string>) => {
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/you`, {
      'user-agent': BROWSER,
      ...headers,
    });
    return Object.fromEntries(
      [...text.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name = '', value = '']) => [
        name,
        value.replaceAll(/<[^>]*>/g, ''),
      ]),
    );
  };

  it('have the client that the proxy names', async () => {
    expect(await seen({ 'x-forwarded-for': '198.51.100.1, 203.0.113.9', 'x-country': 'NZ' })).toMatchObject({
      'Connecting IP address': 'none (Unix socket)',
      'Trusted proxies': 'the peer at the Unix socket, 10.0.0.0/8',
      'Resolved IP address': '203.0.113.9',
      country: 'NZ',
    });
    // A proxy in front of the proxy is trusted only if it is listed.
    const listed = await seen({ 'x-forwarded-for': '203.0.113.9, 10.0.0.1' });
    expect(listed['Resolved IP address']).toBe('203.0.113.9');
    expect(await seen({})).toMatchObject({ 'Resolved client': '', visitor: expect.any(String) });
  });

  it('are counted, one visitor for each client', async () => {
    for (const [id, address] of [
      ['1', '203.0.113.1'],
      ['2', '203.0.113.2'],
      ['3', '203.0.113.2'],
      ['4', undefined],
    ]) {
      const headers = address === undefined ? {} : { 'x-forwarded-for': address };
      const answer = await server.send({ key: site.key, id, url: 'https://example.com/' }, { headers });
      expect(answer.headers['x-attractos-outcome']).toBe('stored');
    }
    const account = await world.store.registry.accountById(site.accountId);
    if (account === null) throw new Error('the site has no owner');
    const { key } = await world.addApiKey(account);
    const stats = await server.ask({
      path: `/api/v1/sites/${site.id}/stats`,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(stats.json()).toMatchObject({ totals: { pageviews: 4, visitors: 3 } });
  });

  it('use the protocol and the host that the proxy names', async () => {
    const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'stats.example' };
    const { text } = await server.ask({ path: '/docs', headers: proxied });
    expect(text).toContain('https://stats.example/api/v1');
    expect((await server.ask({ path: '/login' })).headers['set-cookie']).toEqual([
      expect.stringMatching(/^attractos_visit=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });
});
