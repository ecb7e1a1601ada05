import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newApiKey, newSiteKey } from '../src/keys.ts';
import { ask, askRaw } from './support/http.ts';
import { temporaryFolder } from './support/paths.ts';
import { json, type Program, startProgram } from './support/program.ts';
import { BROWSER } from './support/world.ts';

/**
 * Nothing personal at rest: a marked address and a marked user agent go through every path there is, and are then looked for
 * in everything that the program has written.
 */

const MARK = 'Zaphod7Q';
const ADDRESSES = ['203.0.113.77', '2001:db8:cafe:77::4242'];
const USER_AGENTS = [
  `${BROWSER} ${MARK}Browser/42.7`,
  `${MARK}Agent/1.0 (ada@example.com)`,
  `Mozilla/5.0 (compatible; ${MARK}Bot/2.1; +https://${MARK}.example/bot)`,
  MARK,
];
/** Of the addresses already the part that truncating leaves is too much. */
const TRACES = [MARK, '203.0.113', '2001:db8:cafe', '2001:0db8', 'ada@example.com'];
const ENCODINGS = ['utf8', 'utf16le', 'base64', 'hex'] as const;

/** Every file below a folder. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

/** Where traces are found, in files and in what the program said. */
function findings(dataDir: string, program: Program): string[] {
  const written = files(dataDir).map((path) => [path, readFileSync(path)] as const);
  expect(written.map(([path]) => path).some((path) => path.endsWith('-wal'))).toBe(true);
  const places = [
    ...written,
    ['standard output', Buffer.from(program.stdout())],
    ['standard error', Buffer.from(program.stderr())],
  ] as const;
  return places.flatMap(([place, bytes]) => {
    const lowerCase = Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
    return TRACES.flatMap((trace) =>
      ENCODINGS.flatMap((encoding) => {
        const needle = Buffer.from(trace);
        const text =
          encoding === 'base64' || encoding === 'hex'
            ? Buffer.from(needle.toString(encoding).replace(/.=*$/, ''))
            : Buffer.from(trace, encoding);
        const wanted = Buffer.from(text.toString('latin1').toLowerCase(), 'latin1');
        return lowerCase.includes(wanted) ? [`${trace} (${encoding}) in ${place}`] : [];
      }),
    );
  });
}

/** Sends beacons and questions of every fate there is, from each address and with each user agent. */
async function sendEverything(
  url: string,
  { siteKey, retiredKey, apiKey }: { siteKey: string; retiredKey: string; apiKey: string },
): Promise<Set<string>> {
  const outcomes = new Set<string>();
  for (const address of ADDRESSES) {
    for (const userAgent of USER_AGENTS) {
      const who = { 'x-forwarded-for': address, 'user-agent': userAgent };
      const post = async (body: unknown, headers: Record<string, string> = {}) => {
        const answer = await ask(url, {
          method: 'POST',
          path: '/e',
          headers: { 'content-type': 'text/plain', ...who, ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        });
        outcomes.add(String(answer.headers['x-attractos-outcome']));
        expect(TRACES.filter((trace) => answer.text.includes(trace))).toEqual([]);
      };
      const beacon = { key: siteKey, id: 'same', url: 'https://example.com/' };
      await post(beacon);
      await post(beacon);
      await post({ ...beacon, id: undefined, name: 'leave', engaged: 1 });
      await post([beacon, { ...beacon, id: undefined, name: 'purchase' }]);
      await post({ ...beacon, url: 'https://copy.example/' });
      await post({ ...beacon, url: 'http://localhost/' });
      await post(beacon, { origin: 'https://copy.example', referer: 'https://copy.example/' });
      await post({ ...beacon, id: 7 });
      await post('no JSON');
      await post({ ...beacon, filling: 'x'.repeat(9000) });
      await post('x'.repeat(70_000));
      await post(beacon, { 'content-type': 'application/xml' });
      await post({ ...beacon, key: newSiteKey() });
      await post({ ...beacon, key: 'ak_invented' });
      await post({ ...beacon, key: retiredKey });
      for (const key of [apiKey, newApiKey(), 'nonsense'])
        await ask(url, { path: '/api/v1/sites', headers: { ...who, authorization: `Bearer ${key}` } });
      for (const path of ['/', '/a.js', '/e', '/healthz', '/readyz', '/nowhere', '/api/nowhere', '/%zz'])
        await ask(url, { path, headers: who });
      await askRaw(url, `GET / HTTP/9\r\nUser-Agent: ${userAgent}\r\nX-Forwarded-For: ${address}\r\n\r\n`);
    }
  }
  return outcomes;
}

async function begin(settings: Record<string, string>) {
  const dataDir = await temporaryFolder();
  await json(dataDir, ['account', 'add', '--email', 'owner@example.org']);
  const site = await json(dataDir, [
    'site',
    'add',
    '--account',
    'owner@example.org',
    '--domain',
    'example.com',
  ]);
  const rotated = await json(dataDir, ['site', 'rotate-key', '--site', String(site.id)]);
  await json(dataDir, ['site', 'retire-key', '--key', String(site.key)]);
  const { key } = await json(dataDir, ['key', 'add', '--account', 'owner@example.org', '--name', 'test']);
  const program = startProgram(dataDir, { TRUST_PROXY: 'loopback', ...settings });
  const keys = { siteKey: String(rotated.key), retiredKey: String(site.key), apiKey: String(key) };
  return { dataDir, program, keys, url: await program.address };
}

describe('nothing personal is written', () => {
  it.each(['trace', 'debug', 'info', 'error'])(
    'at log level %s, whatever becomes of a beacon, and after a crash',
    async (level) => {
      const { dataDir, program, keys, url } = await begin({ LOG_LEVEL: level });
      const outcomes = await sendEverything(url, keys);
      expect([...outcomes].sort()).toEqual([
        'bot',
        'bot, bot',
        'duplicate',
        'duplicate, stored',
        'refused; reason=local-host',
        'refused; reason=malformed',
        'refused; reason=media-type',
        'refused; reason=retired-key',
        'refused; reason=too-large',
        'refused; reason=unknown-key',
        'refused; reason=wrong-domain',
        'stored',
      ]);
      expect(findings(dataDir, program)).toEqual([]);
      program.kill('SIGKILL');
      await program.exit;
      expect(findings(dataDir, program)).toEqual([]);
    },
  );

  it('over the rate of a site either', async () => {
    const { dataDir, program, keys, url } = await begin({
      LOG_LEVEL: 'trace',
      SITE_RATE: '0.001',
      SITE_BURST: '1',
    });
    expect(await sendEverything(url, keys)).toContain('refused; reason=rate-limited');
    expect(findings(dataDir, program)).toEqual([]);
  });

  it('and the search finds what is there', async () => {
    const { dataDir, program, keys, url } = await begin({ LOG_LEVEL: 'error' });
    const beacon = { key: keys.siteKey, url: `https://example.com/${MARK}` };
    await ask(url, {
      method: 'POST',
      path: '/e',
      headers: { 'content-type': 'text/plain', 'user-agent': BROWSER },
      body: JSON.stringify(beacon),
    });
    expect(findings(dataDir, program).join()).toContain(
      `${MARK} (utf8) in ${join(dataDir, 'events.db-wal')}`,
    );
  });
});
