import { connect } from 'node:net';
import { expect } from 'vitest';
import { BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../../tracker/wire/limits.ts';
import { newApiKey, newSiteKey } from '../../../src/domain/keys.ts';
import type { Site } from '../../../src/store/contract/store.ts';
import { DashboardVisitor } from '../../support/dashboard-visitor.ts';
import { ask, askRaw } from '../../support/http.ts';
import { command, type Program, startProgram } from '../../support/program.ts';
import { allFiles } from './marks.ts';
import { beaconOf, outcomesOf, post } from './pages.ts';

/** A visitor with a marked address and user agent who sends every kind of request, and the places to search for the marks. */

export const ADDRESSES = ['198.51.100.237', '2001:db8:1234:5678:9abc:def0:1357:2468'];
export const AGENT = 'Zq7KenntlichWvx';
const PERSON = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ${AGENT}/9.81.7263 Safari/537.36`;
const CRAWLER = `Mozilla/5.0 (compatible; Googlebot/2.1; ${AGENT}/9.81.7263)`;

/** The marks: whole and truncated addresses, the user agent and its version, and an address as bytes. */
export const MARKS = {
  address: '198.51.100.237',
  'truncated address': '198.51.100',
  'IPv6 address': '2001:db8:1234:5678:9abc:def0:1357:2468',
  'truncated IPv6 address': '2001:db8:1234',
  'bytes of the IPv6 address': Buffer.from('20010db8123456789abcdef013572468', 'hex'),
  'user agent': AGENT,
  'version in the user agent': '9.81.7263',
};

/** More events than a site may send at once. */
const SHOP_TRIES = 25;

/** Returns the headers that a visitor's browser and the proxies send. */
export function visitor(i: number, userAgent = PERSON): Record<string, string> {
  const address = ADDRESSES[i % ADDRESSES.length] ?? '';
  return {
    'user-agent': userAgent,
    'x-forwarded-for': address,
    'x-real-ip': address,
    'cf-connecting-ip': address,
    forwarded: `for="[${address}]"`,
    'sec-ch-ua': `"${AGENT}";v="9.81.7263"`,
  };
}

type ShownSite = Pick<Site, 'id' | 'key' | 'domain'>;

export interface Scene {
  url: string;
  site: ShownSite;
  shop: ShownSite;
  retired: string;
  /** An API key that may send events. */
  write: string;
}

/** Sends every kind of request, once per address. @returns the outcomes that were reached */
export async function goEveryWay({ url, site, shop, retired, write }: Scene): Promise<Set<string>> {
  const reached = new Set<string>();
  const send = async (body: unknown, i: number, headers: Record<string, string> = {}, origin?: string) => {
    const answer = await post(url, body, {
      headers: { ...visitor(i), ...headers },
      ...(origin === undefined ? {} : { origin }),
    });
    for (const outcome of outcomesOf(answer)) reached.add(outcome);
    return answer;
  };
  for (const [i] of ADDRESSES.entries()) {
    const again = beaconOf(site);
    await send(again, i);
    await send(again, i);
    await send(beaconOf(site, { name: 'leave', engaged: 1 }), i);
    await send(beaconOf(site), i, { 'content-type': 'application/json' });
    await send([beaconOf(site), beaconOf(site, { name: 7 })], i);
    await send(beaconOf(site), i, { 'user-agent': CRAWLER });
    await send(beaconOf(site), i, {}, 'https://copy.example');
    await send(beaconOf(site, { url: 'http://localhost/' }), i, {}, 'http://localhost');
    await send(beaconOf({ ...site, key: retired }), i);
    await send(beaconOf({ ...site, key: newSiteKey() }), i);
    await send(beaconOf({ key: newSiteKey(), domain: 'nobody.example' }), i);
    await send(beaconOf(site, { url: 7 }), i);
    await send('{"key":', i);
    await send(beaconOf(site, { x: 'x'.repeat(BEACON_MAX_BYTES) }), i);
    await send('x'.repeat(BATCH_MAX_BYTES + 1), i);
    await send(beaconOf(site), i, { 'content-type': 'application/xml' });
    for (let tries = 0; tries < SHOP_TRIES; tries++)
      await send(beaconOf(shop), i, {}, 'https://shop.example');
    await goWithoutScript({ url, site, write }, i);
    // Requests that are not beacons.
    for (const method of ['GET', 'PUT', 'OPTIONS', 'PROPFIND'])
      await ask(url, { method, path: '/e', headers: visitor(i) });
    for (const path of ['/a.js', '/healthz', '/readyz', '/nowhere', '/%', '/login', '/dashboard'])
      await ask(url, { path, headers: visitor(i) });
    for (const authorization of ['', 'Bearer x', `Bearer ${newApiKey()}`, `Basic ${AGENT}`])
      await ask(url, { path: '/api/v1/sites', headers: { ...visitor(i), authorization } });
    const head = Object.entries(visitor(i))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    await askRaw(url, `POST /e HTTP/1.1\r\nHost: x\r\n${head}Content-Length: x\r\n\r\n`);
    await askRaw(url, `BREW /e HTTP/1.1\r\n${head}\r\n`);
    await askRaw(url, `POST /e HTTP/1.1\r\nHost: x\r\n${head}X: ${'x'.repeat(20_000)}\r\n\r\n`);
    await hangUpHalfWay(url, head);
  }
  return reached;
}

/** Reports views without a script: by image, and from an owner's server that names the visitor explicitly. */
async function goWithoutScript({ url, site, write }: Pick<Scene, 'url' | 'site' | 'write'>, i: number) {
  for (const page of [`https://${site.domain}/pixel`, 'https://copy.example/']) {
    const query = new URLSearchParams({ key: site.key, url: page });
    expect((await ask(url, { path: `/p.gif?${query}`, headers: visitor(i) })).status).toBe(200);
  }
  const named = { url: `https://${site.domain}/reported`, address: ADDRESSES[i], user_agent: PERSON };
  const answer = await ask(url, {
    method: 'POST',
    path: `/api/v1/sites/${site.id}/events`,
    headers: { ...visitor(i), authorization: `Bearer ${write}`, 'content-type': 'application/json' },
    body: JSON.stringify([
      named,
      { ...named, user_agent: CRAWLER },
      { ...named, url: 'https://copy.example/' },
      { ...named, address: 7 },
      { ...named, time: 'x' },
    ]),
  });
  const { outcomes } = answer.json() as { outcomes: { outcome: string }[] };
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'bot', ...Array(3).fill('refused')]);
}

/** Tries wrong credentials, then signs in and visits the pages. */
export async function goToTheDashboard(
  url: string,
  { email, password }: { email: string; password: string },
) {
  for (const [i] of ADDRESSES.entries()) {
    const person = new DashboardVisitor(url);
    await person.get('/login', visitor(i));
    expect((await person.post('/login', { email, password: AGENT }, visitor(i))).status).toBe(422);
    expect((await person.post('/login', { email, password }, visitor(i))).status).toBe(303);
    for (const path of ['/dashboard', '/dashboard/account', '/dashboard/nowhere'])
      await person.get(path, visitor(i));
  }
}

/** Sends the start of a beacon and closes the connection. */
async function hangUpHalfWay(url: string, head: string): Promise<void> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(
    `POST /e HTTP/1.1\r\nHost: x\r\n${head}Content-Type: text/plain\r\nContent-Length: 500\r\n\r\n{"key":`,
    () => socket.destroy(),
  );
  await closed;
}

export const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };

/** Creates an owner with two sites, one of which has a retired key. @param settings of the commands */
export async function prepare(
  dataDir: string,
  settings: Record<string, string> = {},
): Promise<Omit<Scene, 'url'>> {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], settings);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as { id: string; key: string };
  };
  const { email, password } = OWNER;
  await run('account', 'add', '--email', email, '--password', password);
  const addSite = async (domain: string) => ({
    ...(await run('site', 'add', '--account', email, '--domain', domain)),
    domain,
  });
  const [first, shop] = [await addSite('example.com'), await addSite('shop.example')];
  const { key } = await run('site', 'rotate-key', '--site', first.id);
  await run('site', 'retire-key', '--key', first.key);
  const { key: write } = await run('key', 'add', '--account', email, '--name', 'w', '--scopes', 'write');
  return { site: { ...first, key }, shop, retired: first.key, write };
}

export function starter(dataDir: string, settings: Record<string, string>) {
  return async () => {
    const program = startProgram(dataDir, { TRUST_PROXY: 'loopback', ...settings });
    return { program, url: await program.address };
  };
}

/** Returns everything to search: all files of the folder, and the program's output. */
export function everything(dataDir: string, ...programs: readonly Program[]): Record<string, Buffer> {
  const said = programs.flatMap((program, i) => [
    [`stdout ${i}`, Buffer.from(program.stdout())],
    [`stderr ${i}`, Buffer.from(program.stderr())],
  ]);
  return { ...allFiles(dataDir), ...(Object.fromEntries(said) as Record<string, Buffer>) };
}
