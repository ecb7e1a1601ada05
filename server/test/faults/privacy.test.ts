import { cpSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { newApiKey, newSiteKey } from '../../src/keys.ts';
import type { Site } from '../../src/store/store.ts';
import { DashboardVisitor } from '../support/dashboard-visitor.ts';
import { hasPostgres, type PostgresServer, sharedPostgres } from '../support/engines/postgres.ts';
import { ask, askRaw } from '../support/http.ts';
import { makeFolder, temporaryFolder } from '../support/paths.ts';
import { command, json, type Program, startProgram } from '../support/program.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import { expectSound, ledgerOf, rowCounts } from './support/installation.ts';
import { allFiles, findMarks } from './support/marks.ts';
import { beaconOf, outcomeOf, outcomesOf, post } from './support/pages.ts';
import { eventually, PATIENT } from './support/patience.ts';

/** Nothing personal at rest: a marked address and a marked user agent go every way there is, and are nowhere afterwards. */

const ADDRESSES = ['198.51.100.237', '2001:db8:1234:5678:9abc:def0:1357:2468'];
const AGENT = 'Zq7KenntlichWvx';
const PERSON = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ${AGENT}/9.81.7263 Safari/537.36`;
const CRAWLER = `Mozilla/5.0 (compatible; Googlebot/2.1; ${AGENT}/9.81.7263)`;

/** Whole and truncated addresses, the agent and its version, and an address as bytes. */
const MARKS = {
  address: '198.51.100.237',
  'truncated address': '198.51.100',
  'IPv6 address': '2001:db8:1234:5678:9abc:def0:1357:2468',
  'truncated IPv6 address': '2001:db8:1234',
  'bytes of the IPv6 address': Buffer.from('20010db8123456789abcdef013572468', 'hex'),
  'user agent': AGENT,
  'version in the user agent': '9.81.7263',
};

/** More than a site may have at once. */
const SHOP_TRIES = 25;

const LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** What a visitor's browser and the proxies on its way say of it. */
function visitor(i: number, userAgent = PERSON): Record<string, string> {
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

interface Scene {
  url: string;
  site: ShownSite;
  shop: ShownSite;
  retired: string;
  /** An API key that may report events. */
  write: string;
}

/** Every way a request can go, each once per address. @returns the outcomes that were reached */
async function goEveryWay({ url, site, shop, retired, write }: Scene): Promise<Set<string>> {
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
    // What is no beacon.
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

/** By an image, and by the word of an owner's server, which names the visitor in so many words. */
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

/** Signs in, in vain and then in earnest, and looks around. */
async function goToTheDashboard(url: string, { email, password }: { email: string; password: string }) {
  for (const [i] of ADDRESSES.entries()) {
    const person = new DashboardVisitor(url);
    await person.get('/login', visitor(i));
    expect((await person.post('/login', { email, password: AGENT }, visitor(i))).status).toBe(422);
    expect((await person.post('/login', { email, password }, visitor(i))).status).toBe(303);
    for (const path of ['/dashboard', '/dashboard/account', '/dashboard/nowhere'])
      await person.get(path, visitor(i));
  }
}

/** Sends the start of a beacon and goes away. */
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

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };

/** Makes an owner with two sites, one of which has a retired key. @param settings of the commands */
async function prepare(dataDir: string, settings: Record<string, string> = {}): Promise<Omit<Scene, 'url'>> {
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

/** A folder that was prepared once, for every test to begin with a copy of it. */
let prepared: { folder: Awaited<ReturnType<typeof makeFolder>>; scene: Omit<Scene, 'url'> };

beforeAll(async () => {
  const folder = await makeFolder();
  prepared = { folder, scene: await prepare(folder.path) };
}, PATIENT.timeout);
afterAll(() => prepared.folder.remove());

async function stage(settings: Record<string, string>) {
  const dataDir = await temporaryFolder();
  cpSync(prepared.folder.path, dataDir, { recursive: true });
  return { dataDir, ...prepared.scene, start: starter(dataDir, settings) };
}

function starter(dataDir: string, settings: Record<string, string>) {
  return async () => {
    const program = startProgram(dataDir, { TRUST_PROXY: 'loopback', ...settings });
    return { program, url: await program.address };
  };
}

/** What there is to search: every file of the folder, and what the program said. */
function everything(dataDir: string, ...programs: readonly Program[]): Record<string, Buffer> {
  const said = programs.flatMap((program, i) => [
    [`stdout ${i}`, Buffer.from(program.stdout())],
    [`stderr ${i}`, Buffer.from(program.stderr())],
  ]);
  return { ...allFiles(dataDir), ...(Object.fromEntries(said) as Record<string, Buffer>) };
}

describe('the search', () => {
  it('finds a mark however it is written', () => {
    const written = {
      plain: Buffer.from(`x${AGENT}x`),
      utf16: Buffer.from(`x${AGENT}x`, 'utf16le'),
      hex: Buffer.from(Buffer.from(`x${AGENT}x`).toString('hex')),
      ...Object.fromEntries(
        ['', 'x', 'xx', 'xxx'].map((before) => [
          `base64 after ${before.length}`,
          Buffer.from(Buffer.from(`${before}${AGENT}xyz`).toString('base64')),
        ]),
      ),
    };
    for (const [how, bytes] of Object.entries(written))
      expect(findMarks({ mark: AGENT }, { [how]: bytes }), how).not.toEqual([]);
    expect(findMarks(MARKS, { nothing: Buffer.from('Mozilla/5.0 198.51 2001:db8 Visitor') })).toEqual([]);
  });
});

describe('a visitor’s address and user agent', PATIENT, () => {
  it.each(LEVELS)('are nowhere after every way a request can go, at log level %s', async (level) => {
    const { dataDir, start, ...scene } = await stage({
      LOG_LEVEL: level,
      SITE_RATE: '0.01',
      SITE_BURST: '40',
    });
    const { program, url } = await start();
    const reached = await goEveryWay({ url, ...scene });
    await goToTheDashboard(url, OWNER);
    expect([...reached].sort()).toEqual(
      [
        ...[
          'stored',
          'duplicate',
          'bot',
          'malformed',
          'too-large',
          'media-type',
          'unknown-key',
          'retired-key',
        ],
        ...['rate-limited', 'wrong-domain', 'local-host'],
      ].sort(),
    );
    await eventually(
      () => ledgerOf(dataDir, scene.site.id),
      (ledger) => (ledger['local-host'] ?? 0) === ADDRESSES.length,
    );
    expect(findMarks(MARKS, everything(dataDir, program)), 'while it runs').toEqual([]);
    // It had them all the same: on each of two sites two addresses are two visitors; and what may be kept is found.
    expect(rowCounts(dataDir).visits).toBe(ADDRESSES.length * 2);
    expect(findMarks({ path: '/event-' }, allFiles(dataDir))).not.toEqual([]);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(findMarks(MARKS, everything(dataDir, program)), 'after its end').toEqual([]);
  });

  it('are nowhere after a kill in the middle of it all, a restart, and in no backup', async () => {
    const { dataDir, start, ...scene } = await stage({ LOG_LEVEL: 'trace' });
    const first = await start();
    const going = goEveryWay({ url: first.url, ...scene }).catch(() => undefined);
    await eventually(
      () => ledgerOf(dataDir, scene.site.id),
      (ledger) => (ledger.stored ?? 0) > 2,
    );
    first.program.kill('SIGKILL');
    await Promise.all([going, first.program.exit]);
    expect(findMarks(MARKS, everything(dataDir, first.program)), 'as the kill left it').toEqual([]);

    const second = await start();
    await goEveryWay({ url: second.url, ...scene });
    const file = join(await temporaryFolder(), 'backup.db');
    await json(dataDir, ['backup', file]);
    expect(
      findMarks(MARKS, { ...everything(dataDir, second.program), ...allFiles(join(file, '..')) }),
    ).toEqual([]);
    await expectSound(dataDir);
  });

  it.runIf(canFailDisks)('are nowhere when the disk refuses and when it fails', async () => {
    const disk = await faultyDisk();
    const { dataDir, start, ...scene } = await stage({ LOG_LEVEL: 'trace', ...disk.settings });
    const { program, url } = await start();
    const send = () => post(url, beaconOf(scene.site), { headers: visitor(0) });
    expect(outcomeOf(await send())).toBe('stored');
    disk.fail('write', 'ENOSPC', 'events.db-wal', 'events.db');
    expect(outcomeOf(await send())).toBe('unavailable');
    expect(findMarks(MARKS, everything(dataDir, program))).toEqual([]);
    disk.heal();
    await eventually(
      async () => outcomeOf(await send()),
      (outcome) => outcome === 'stored',
    );
    disk.fail('sync', 'EIO', 'events.db-wal');
    await send().catch(() => undefined);
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(findMarks(MARKS, everything(dataDir, program))).toEqual([]);
  });

  describe.skipIf(!hasPostgres)('beside databases', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await sharedPostgres();
    }, 150_000);

    it('are in no spool, in no row of PostgreSQL, and in nothing that a kill leaves behind', async () => {
      const databases = server.createDatabase();
      // Nobody answers there: what is acknowledged waits on this machine.
      const settings = { DATABASE_URL: databases, CLICKHOUSE_URL: 'http://127.0.0.1:1' };
      const dataDir = await temporaryFolder();
      const scene = await prepare(dataDir, settings);
      const start = starter(dataDir, { ...settings, LOG_LEVEL: 'trace' });
      const rows = () =>
        Buffer.from(server.sql(databases.split('/').at(-1) ?? '', "SELECT database_to_xml(true, false, '')"));
      const first = await start();
      const reached = await goEveryWay({ url: first.url, ...scene });
      await goToTheDashboard(first.url, OWNER);
      expect(reached).toContain('stored');
      const kept = () => ({ ...everything(dataDir, first.program), PostgreSQL: rows() });
      // The search finds what may be there.
      expect(
        findMarks({ path: '/event-' }, { spool: allFiles(dataDir)['spool.db-wal'] ?? Buffer.of() }),
      ).not.toEqual([]);
      expect(findMarks({ email: OWNER.email }, { PostgreSQL: rows() })).not.toEqual([]);
      expect(findMarks(MARKS, kept()), 'while it runs').toEqual([]);
      first.program.kill('SIGKILL');
      await first.program.exit;
      const second = await start();
      await goEveryWay({ url: second.url, ...scene });
      second.program.kill('SIGTERM');
      expect(await second.program.exit).toEqual({ code: 0, signal: null });
      expect(findMarks(MARKS, { ...kept(), ...everything(dataDir, second.program) })).toEqual([]);
    });
  });
});
