import { describe, expect, it, onTestFinished } from 'vitest';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { event } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';
import { startProgram } from './support/program.ts';
import { complaintAbout, exchange, improperLines, logLines, type RawAnswer } from './support/raw-http.ts';
import { World } from './support/world.ts';

/** Requests that no program of ours sends. */

const PATHS = [
  ...['/', '/a.js', '/p.gif', '/e', '/healthz', '/readyz', '/docs', '/nowhere', '/assets/nothing.css'],
  ...['/api/v1/sites', '/api/v1/sites/site_x/stats', '/api/v1/mcp', '/api/v1/nowhere', '/api'],
  ...['/login', '/signup', '/forgot', '/setup', '/dashboard', '/dashboard/account', '/dashboard/nowhere'],
];

const BODIES: Readonly<Record<string, [type: string, body: string]>> = {
  'a media type that is none': ['a/b/c', '{}'],
  'a media type that nothing reads': ['image/png', 'x'],
  'broken JSON': ['application/json', '{"a":'],
  '70 kB of JSON': ['application/json', JSON.stringify('x'.repeat(70_000))],
  '70 kB of text': ['text/plain', 'x'.repeat(70_000)],
  '600 kB of a form': ['application/x-www-form-urlencoded', `a=${'x'.repeat(600_000)}`],
};

const HOSTS: Readonly<Record<string, string>> = {
  'a port that is too large': 'Host: a:99999\r\n',
  'a port that is no number': 'Host: a:b\r\n',
  'no IP address': 'Host: 1.2.3.4.5\r\n',
  'a quote': 'Host: a"b\r\n',
  'a separator of a policy': "Host: a;script-src'*'\r\n",
  'a blank': 'Host: a b\r\n',
  'a user': 'Host: b@a\r\n',
  nothing: 'Host:\r\n',
  'no line': '',
  'two lines': 'Host: a\r\nHost: a\r\n',
  'two lines in other letters': 'Host: a\r\nhOST: b\r\n',
  'too much': `Host: ${'a'.repeat(5_000)}\r\n`,
};

const TARGETS = [
  ...[
    '//',
    '///evil.example/%2e%2e',
    '/%ff',
    '/%',
    '/%00',
    '/..',
    '/../..',
    '/\\',
    '*',
    '?',
    '/?',
    '/;',
    '/#',
  ],
  ...[
    'http://x:99999/api/v1/sites',
    'http://x:99999/dashboard',
    'http://',
    'http:///',
    'https://x',
    'ftp://x/e',
  ],
  ...[
    'x:',
    'x',
    'http://x?y=/z',
    '/dashboard?range=%ff',
    '/login?next=//evil.example&next=%',
    `/${'a/'.repeat(4_000)}`,
  ],
  ...[
    '/p.gif?key=%00&url=%',
    '/share/%ff',
    '/reset/..%2f',
    '/api/v1/sites/%ff/stats?start=%00',
    '/docs?%',
    '/a.js?%',
  ],
];

const METHODS = [
  'PROPFIND',
  'TRACE',
  'SEARCH',
  'QUERY',
  'CONNECT',
  'BREW',
  'get',
  'G=T',
  'PURGE',
  'M-SEARCH',
];

const HEADERS: Readonly<Record<string, string>> = {
  'a negative length': 'Content-Length: -1\r\n',
  'a length that is no number': 'Content-Length: 1e3\r\n',
  'two lengths': 'Content-Length: 1\r\nContent-Length: 2\r\n',
  'a huge header': `X: ${'x'.repeat(20_000)}\r\n`,
  'too many headers': 'X: x\r\n'.repeat(3_000),
  'a coding that is none': 'Accept-Encoding: ;q=x,,br;q=9,\xff\r\n',
  'a refusal of all codings': 'Accept-Encoding: *;q=0\r\n',
  'tags that are none': 'If-None-Match: ",W/,,"\xff\r\n',
  'ranges that are none': 'Range: bytes=9-1,-,\r\n',
  'cookies that are none': 'Cookie: =; ;attractos_session; __proto__=x; a=%ff; attractos_session=%00\r\n',
  'a proxy that is none':
    'X-Forwarded-For: ,,\xff\r\nX-Forwarded-Host: a:99999\r\nX-Forwarded-Proto: javascript\r\n',
  'a key that is none': 'Authorization: Bearer \xff\r\n',
  'types that are none': 'Accept: ;;q=,text/csv;q=x\r\nContent-Type: ;\r\n',
};

const head = (method: string, target: string, more: string) =>
  `${method} ${target} HTTP/1.1\r\nConnection: close\r\n${more}\r\n`;

/** Starts the program, and returns a function that sends requests and records what is wrong with the responses. */
async function stage(settings: Record<string, string> = {}) {
  const program = startProgram(await temporaryFolder(), settings);
  const url = await program.address;
  const wrong: string[] = [];
  let sent = 0;
  const send = async (name: string, method: string, bytes: string): Promise<RawAnswer> => {
    sent++;
    const answer = await exchange(url, bytes);
    if (answer === null) throw new Error(`${name}: no answer`);
    const complaint = complaintAbout(method, answer);
    if (complaint !== null) wrong.push(`${name}: ${complaint}: ${answer.all.slice(0, 300)}`);
    return answer;
  };
  const conclude = () => {
    expect(wrong).toEqual([]);
    expect(program.stderr()).toBe('');
    expect(improperLines(program.stdout())).toEqual([]);
    expect(logLines(program.stdout()).length).toBeLessThanOrEqual(sent + 1);
  };
  return { send, conclude };
}

describe('a request of a stranger', () => {
  it('gets a named refusal for a body that no route reads', async () => {
    const { send, conclude } = await stage();
    for (const path of PATHS) {
      for (const [name, [type, body]] of Object.entries(BODIES)) {
        const more = `Host: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
        for (const accept of ['', 'Accept: text/html\r\n', 'Accept: application/json\r\n']) {
          const { status } = await send(
            `POST ${path} with ${name}, ${accept}`,
            'POST',
            head('POST', path, more + accept) + body,
          );
          expect(status, `POST ${path} with ${name}`).toBeGreaterThanOrEqual(400);
        }
      }
    }
    conclude();
  });

  it('gets 400 if its host is none', async () => {
    const { send, conclude } = await stage();
    for (const [name, lines] of Object.entries(HOSTS)) {
      for (const path of PATHS) {
        const { status, text } = await send(`GET ${path}`, 'GET', head('GET', path, lines));
        expect({ name, path, status, text }).toEqual({
          ...{ name, path, status: 400 },
          text: '{"error":"The request is invalid.","code":"INVALID_REQUEST"}',
        });
      }
    }
    conclude();
  });

  it('needs no host in HTTP/1.0', async () => {
    const { send, conclude } = await stage();
    for (const path of ['/healthz', '/docs', '/api/v1/openapi.json', '/setup']) {
      const answer = await send(path, 'GET', `GET ${path} HTTP/1.0\r\n\r\n`);
      expect([path, answer.status]).toEqual([path, path === '/setup' ? 403 : 200]);
    }
    conclude();
  });

  it('gets a named refusal for targets and methods that are none', async () => {
    const { send, conclude } = await stage();
    for (const target of TARGETS) {
      for (const method of ['GET', 'POST', 'OPTIONS', ...METHODS])
        await send(`${method} ${target}`, method, head(method, target, 'Host: x\r\n'));
    }
    conclude();
  });

  it('gets a named refusal, or is served, whatever its other headers say', async () => {
    for (const settings of [{}, { TRUST_PROXY: 'loopback' }]) {
      const { send, conclude } = await stage(settings);
      for (const path of PATHS) {
        for (const [name, lines] of Object.entries(HEADERS))
          await send(`${path} with ${name}`, 'GET', head('GET', path, `Host: x\r\n${lines}`));
      }
      conclude();
    }
  });
});

it('pages through a list as CSV by a whole URL, whatever its host', async () => {
  const world = await World.open();
  onTestFinished(() => world.close());
  const { site, apiKey } = await world.addOwner();
  for (const path of ['/a', '/b'])
    await world.store.events.append(
      event({ siteId: site.id, receivedAtMs: world.clock.now() - MINUTE_MS, path }),
    );
  const server = await world.serve();
  const answer = await exchange(
    server.url,
    head(
      'GET',
      `http://x:99999/api/v1/sites/${site.id}/events?limit=1`,
      `Host: x\r\nAccept: text/csv\r\nAuthorization: Bearer ${apiKey}\r\n`,
    ),
  );
  expect(answer?.status, answer?.all).toBe(200);
  expect(answer?.headers.link).toMatch(new RegExp(`^</api/v1/sites/${site.id}/events\\?limit=1&cursor=`));
});
