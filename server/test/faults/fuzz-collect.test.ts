import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_MAX_BYTES } from '../../../tracker/wire/limits.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { NO_SITE, type Site } from '../../src/store/contract/store.ts';
import { type Answer, ask, askRaw } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { type Program, startProgram } from '../support/program.ts';
import { BROWSER } from '../support/world.ts';
import { addSite, expectSound, ledgerOf, rowCounts } from './support/owner.ts';
import { beaconOf, connections, expectProperAnswer, OutcomeCounts, outcomesOf } from './support/pages.ts';

/** Whatever is sent to the collector, it sends its own response, counts the outcome and stays up. */

const SEED = 20_260_514;

/** Text that is valid in a header without encoding. */
const headerValue = fc
  .string({ unit: 'binary-ascii', maxLength: 200 })
  .map((text) => text.replace(/[^\t\x20-\x7e]/g, '').trim());

/** Content types that have confused parsers: other charsets, tabs, lists, quotes, mixed case, extreme lengths. */
const ODD_TYPES = [
  ...[
    '',
    'text/plain',
    'TEXT/PLAIN',
    'text/plain;',
    'text/plain;charset=utf-16',
    'text/plain;charset="utf-8"',
  ],
  ...[
    'text/plain; charset=UTF-8; charset=x',
    'text/plain\t;charset=utf-8',
    'text/plain;\tcharset=utf-8',
    'text/plain,text/html',
  ],
  ...[
    'text/plainx',
    'xtext/plain',
    'text/plain x',
    'text/plain/x',
    'text',
    '/',
    ';',
    ';text/plain',
    '*/*',
    'text/*',
  ],
  ...[
    'application/json',
    'application/json;charset=latin1',
    'application/json\t',
    'application/jsonp',
    'application/ld+json',
  ],
  ...[
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/html',
  ],
  ...[
    'application/octet-stream',
    'application/csp-report',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    `text/${'x'.repeat(5_000)}`,
  ],
];

const contentType = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ODD_TYPES) }, headerValue);

/** Generates difficult text: unpaired surrogates, control characters, right-to-left text, and template and SQL syntax. */
const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(
    '\0',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    "'; DROP TABLE events; --",
    '__proto__',
    '<script>',
    '%00',
    '{{x}}',
  ),
  fc.string({ maxLength: 3_000 }),
);

/** Generates any JSON, including numbers that are out of range. */
const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  oddText,
  fc.constantFrom(1e308, -0, 5e-324, 2 ** 53 + 2),
);

const FIELDS = [
  'key',
  'id',
  'url',
  'ref',
  'nav',
  'props',
  'value',
  'currency',
  'view',
  'engaged',
  'scroll',
  'width',
  'tz',
  'vitals',
];

/** Generates a beacon of the site in which some fields have any value. It is never a leave, because no ledger counts those. */
function nearlyABeacon(site: Site): fc.Arbitrary<unknown> {
  return fc
    .tuple(
      fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), oddText), anyJson, { maxKeys: 4 }),
      fc.boolean(),
      fc.option(
        oddText.filter((name) => name !== 'leave'),
        { nil: undefined },
      ),
    )
    .map(([changes, whole, name]) => {
      const beacon = { ...beaconOf(site), ...(name === undefined ? {} : { name }) };
      return whole ? { ...beacon, ...changes, name: beacon.name } : { ...changes, name: undefined };
    });
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

/** Returns bodies designed to break a parser, by name, so that counterexamples stay readable. */
function troubles({ key, domain }: Site): Record<string, string> {
  const start = `{"key":"${key}","url":"https://${domain}/"`;
  return {
    'arrays in arrays': nested('[', ']', 30_000),
    'a beacon that nests deep': `${start},"x":${nested('[', ']', 15_000)}}`,
    'a batch that nests deep': `[${start},"x":${nested('[', ']', 15_000)}}]`,
    'a batch of objects in objects': `[${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}]`,
    'a number that is too large': `${start},"value":1e999}`,
    'a number that is too small': `${start},"value":-1e-999}`,
    'names that stand twice': `${start},"key":"x","url":7}`,
    'names of prototypes': `${start},"props":{"__proto__":"x","constructor":"y"}}`,
    'a prototype for a beacon': `{"__proto__":${start}}}`,
    'a byte order mark': `\ufeff${start}}`,
    'more than a batch may hold': 'x'.repeat(BATCH_MAX_BYTES + 1),
  };
}

type Body = { text: string } | { bytes: Uint8Array } | { trouble: string };

function bodies(site: Site): fc.Arbitrary<Body> {
  const beacon = nearlyABeacon(site);
  const text = fc.oneof(
    { weight: 6, arbitrary: beacon.map((said) => JSON.stringify(said)) },
    { weight: 3, arbitrary: fc.array(beacon, { maxLength: 22 }).map((said) => JSON.stringify(said)) },
    {
      weight: 1,
      arbitrary: anyJson.filter((said) => !isLeaveLike(said)).map((said) => JSON.stringify(said) ?? ''),
    },
    { weight: 1, arbitrary: oddText },
  );
  return fc.oneof(
    { weight: 8, arbitrary: text.map((said) => ({ text: said })) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((bytes) => ({ bytes })) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(troubles(site))).map((trouble) => ({ trouble })) },
  );
}

function bytesOf(body: Body, site: Site): Buffer {
  if ('bytes' in body) return Buffer.from(body.bytes);
  return Buffer.from('text' in body ? body.text : (troubles(site)[body.trouble] ?? ''));
}

function isLeaveLike(said: unknown): boolean {
  return JSON.stringify(said)?.includes('leave') ?? false;
}

const headers = fc
  .record(
    {
      'content-type': contentType,
      origin: fc.oneof(
        fc.constantFrom('null', 'https://example.com', 'https://example.com.', 'file://', 'x'),
        headerValue,
      ),
      referer: fc.oneof(fc.constantFrom('https://example.com/x?y', '//', 'about:blank'), headerValue),
      'user-agent': fc.oneof(fc.constantFrom(BROWSER, '', 'curl/8'), headerValue),
      'x-forwarded-for': headerValue,
      'x-forwarded-host': headerValue,
      'accept-encoding': headerValue,
      'content-encoding': fc.constantFrom('gzip', 'br', 'x'),
      cookie: headerValue,
      authorization: headerValue,
      'if-none-match': headerValue,
      range: headerValue,
      'x-http-method-override': fc.constantFrom('DELETE', 'GET'),
    },
    { requiredKeys: [] },
  )
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));

/** Starts a server with one site, and counts its responses. */
async function stage() {
  const dataDir = await temporaryFolder();
  const site = await addSite(dataDir, 'example.com');
  const program = startProgram(dataDir, { LOG_LEVEL: 'warn' });
  const url = await program.address;
  const answered = new OutcomeCounts();
  const agent = connections(4);
  /** Sends a POST, and checks everything that must hold for any response. */
  const check = async (body: Buffer, given: Record<string, string>, chunked = false): Promise<Answer> => {
    const answer = await ask(url, {
      method: 'POST',
      path: '/e',
      headers: { ...given, ...(chunked ? {} : { 'content-length': body.length }) },
      ...(chunked ? { chunks: [body] } : { body }),
      agent,
    });
    expect(answer.status, answer.text).toBeLessThan(500);
    expectProperAnswer(answer);
    for (const outcome of outcomesOf(answer)) answered.add(outcome);
    return answer;
  };
  return { dataDir, site, program, url, answered, check };
}

/** Asserts that every outcome in a response is in a ledger once, and that the process is up and logged no errors. */
async function expectBalance(
  dataDir: string,
  site: Site,
  answered: OutcomeCounts,
  program: Program,
): Promise<void> {
  const total = () => {
    const sums = new OutcomeCounts();
    for (const id of [NO_SITE, site.id])
      for (const [outcome, count] of Object.entries(ledgerOf(dataDir, id))) sums.add(outcome, count);
    return sums;
  };
  const ledger = await until(total, (sums) => sums.total >= answered.total);
  expect(ledger.counts).toEqual(answered.counts);
  expect(rowCounts(dataDir).events).toBe(answered.of('stored'));
  expect(program.stderr()).toBe('');
  expect(
    program
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{')),
  ).toEqual([]);
  await expectSound(dataDir);
  program.kill('SIGTERM');
  expect(await program.exit).toEqual({ code: 0, signal: null });
}

describe('the collector', () => {
  it('answers any body and headers with its own error format, and counts each once', async () => {
    const { dataDir, site, program, answered, check } = await stage();
    await fc.assert(
      fc.asyncProperty(bodies(site), headers, fc.boolean(), async (body, given, chunked) => {
        await check(bytesOf(body, site), given, chunked);
      }),
      { numRuns: 1_500, seed: SEED, endOnFailure: true },
    );
    expect(answered.of('stored')).toBeGreaterThan(10);
    expect(answered.of('malformed')).toBeGreaterThan(100);
    await expectBalance(dataDir, site, answered, program);
  });

  it('accepts two content types with any parameters, and no others', async () => {
    const { dataDir, site, program, answered, check } = await stage();
    for (const type of ODD_TYPES) {
      const before = answered.of('stored');
      const { status } = await check(Buffer.from(JSON.stringify(beaconOf(site))), {
        'content-type': type,
        origin: 'https://example.com',
        'user-agent': BROWSER,
      });
      const taken = ['text/plain', 'application/json'].includes(
        type.split(';')[0]?.trim().toLowerCase() ?? '',
      );
      expect({ type, status, stored: answered.of('stored') - before }).toEqual({
        type,
        status: taken ? 202 : 415,
        stored: taken ? 1 : 0,
      });
    }
    await expectBalance(dataDir, site, answered, program);
  });
});

describe('malformed HTTP', () => {
  const line = 'POST /e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
  const REQUESTS: readonly { name: string; bytes: string }[] = [
    { name: 'noise', bytes: '\0\x01\x02\xff\r\n\r\n' },
    { name: 'a TLS hello', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n' },
    { name: 'an HTTP/2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    { name: 'no version', bytes: 'POST /e\r\n\r\n' },
    { name: 'no host', bytes: 'POST /e HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' },
    { name: 'an unknown method', bytes: 'BREW /e HTTP/1.1\r\nHost: x\r\n\r\n' },
    { name: 'a lower-case method', bytes: 'post /e HTTP/1.1\r\nHost: x\r\n\r\n' },
    { name: 'a method that opens a tunnel', bytes: 'CONNECT /e HTTP/1.1\r\nHost: x\r\n\r\n' },
    {
      name: 'a wish for another protocol',
      bytes: `${line.replace('close', 'upgrade, close')}Upgrade: websocket\r\nContent-Length: 0\r\n\r\n`,
    },
    { name: 'an unknown expectation', bytes: `${line}Expect: banana\r\nContent-Length: 2\r\n\r\n{}` },
    { name: 'two lengths', bytes: `${line}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}` },
    { name: 'a negative length', bytes: `${line}Content-Length: -1\r\n\r\n{}` },
    { name: 'a length that is not a number', bytes: `${line}Content-Length: 0x2\r\n\r\n{}` },
    { name: 'a huge length', bytes: `${line}Content-Length: 99999999999999999999\r\n\r\n{}` },
    {
      name: 'length and chunks',
      bytes: `${line}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
    { name: 'chunks not last', bytes: `${line}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n` },
    { name: 'a broken chunk', bytes: `${line}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n` },
    { name: 'a huge chunk size', bytes: `${line}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n` },
    { name: 'a NUL in a header', bytes: `${line}X: a\0b\r\n\r\n` },
    { name: 'a folded header', bytes: `${line}X: a\r\n b\r\nContent-Length: 0\r\n\r\n` },
    { name: 'a blank before the colon', bytes: `${line}X : a\r\nContent-Length: 0\r\n\r\n` },
    { name: 'headers too large', bytes: `${line}X: ${'a'.repeat(20_000)}\r\n\r\n` },
    { name: 'too many headers', bytes: `${line}${'X: a\r\n'.repeat(3_000)}\r\n` },
    {
      name: 'an address too long',
      bytes: `POST /${'e'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    },
    {
      name: 'an address that cannot be decoded',
      bytes: 'POST /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    },
    {
      name: 'a whole address',
      bytes:
        'POST http://elsewhere.example/e HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    },
    {
      name: 'an asterisk for an address',
      bytes: 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    },
    { name: 'an old version', bytes: 'POST /e HTTP/1.0\r\nContent-Length: 0\r\n\r\n' },
  ];

  it('gets our error format or no answer, and the next request is served', async () => {
    const { dataDir, site, url, answered, check, program } = await stage();
    const wrong: string[] = [];
    for (const { name, bytes } of REQUESTS) {
      const text = await askRaw(url, Buffer.from(bytes, 'latin1'));
      const complaint = judge(text);
      if (complaint !== null) wrong.push(`${name}: ${complaint}`);
      const next = await check(Buffer.from(JSON.stringify(beaconOf(site))), {
        'content-type': 'text/plain',
        origin: 'https://example.com',
        'user-agent': BROWSER,
      });
      expect(next.status, `after ${name}`).toBe(202);
    }
    expect(wrong).toEqual([]);
    expect(answered.counts).toEqual({ stored: REQUESTS.length });
    expect(ledgerOf(dataDir, site.id)).toEqual(answered.counts);
    expect(program.stderr()).toBe('');
  });
});

describe('valid but unusual HTTP', () => {
  const head = (length: number, more = '', line = 'POST /e HTTP/1.1') =>
    `${line}\r\nHost: x\r\nContent-Type: text/plain\r\nUser-Agent: ${BROWSER}\r\nContent-Length: ${length}\r\n${more}\r\n`;
  const whole = (body: string, more = 'Connection: close\r\n', line?: string) =>
    head(Buffer.byteLength(body), more, line) + body;
  const chunked = (chunks: readonly string[], end = '0\r\n\r\n') =>
    head(0, 'Connection: close\r\nTransfer-Encoding: chunked\r\n').replace('Content-Length: 0\r\n', '') +
    chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('') +
    end;

  const CASES: readonly { name: string; bytes: (beacon: () => string) => string; outcomes: string[] }[] = [
    {
      name: 'pipelined, one of them broken',
      bytes: (beacon) => whole(beacon(), '') + whole('{', '') + whole(beacon(), '') + whole(beacon()),
      outcomes: ['stored', 'malformed', 'stored', 'stored'],
    },
    {
      name: 'pipelined by the hundred',
      bytes: (beacon) => Array.from({ length: 99 }, () => whole(beacon(), '')).join('') + whole(beacon()),
      outcomes: Array(100).fill('stored'),
    },
    { name: 'in chunks of a byte', bytes: (beacon) => chunked([...beacon()]), outcomes: ['stored'] },
    {
      name: 'with a trailer',
      bytes: (beacon) => chunked([beacon()], '0\r\nX-Trailer: x\r\n\r\n'),
      outcomes: ['stored'],
    },
    {
      name: 'that ask first',
      bytes: (beacon) => whole(beacon(), 'Expect: 100-continue\r\nConnection: close\r\n'),
      outcomes: ['stored'],
    },
    {
      name: 'that ask first, and are too large',
      bytes: () => head(BATCH_MAX_BYTES + 1, 'Expect: 100-continue\r\nConnection: close\r\n'),
      outcomes: ['too-large'],
    },
    {
      name: 'by a whole address',
      bytes: (beacon) =>
        whole(beacon(), 'Connection: close\r\n', 'POST https://elsewhere.example/e?x=1 HTTP/1.1'),
      outcomes: ['stored'],
    },
    {
      name: 'of another time',
      bytes: (beacon) => whole(beacon(), '', 'POST /e HTTP/1.0'),
      outcomes: ['stored'],
    },
    {
      name: 'that say where they are from twice',
      bytes: (beacon) =>
        whole(
          beacon(),
          'Origin: https://example.com\r\nOrigin: https://copy.example\r\nConnection: close\r\n',
        ),
      outcomes: ['wrong-domain'],
    },
    {
      name: 'that say what they are twice',
      bytes: (beacon) => whole(beacon(), 'Content-Type: text/html\r\nConnection: close\r\n'),
      outcomes: ['stored'],
    },
  ];

  it('answers unusual HTTP in order and counts it once, even if the sender has closed its end', async () => {
    const { dataDir, site, program, url, answered } = await stage();
    const beacon = () => JSON.stringify(beaconOf(site));
    for (const { name, bytes, outcomes } of CASES) {
      for (const ask of [askRaw, askAndClose]) {
        const text = await ask(url, bytes(beacon));
        const said = [...text.matchAll(/^x-attractos-outcome: (?:refused; reason=)?(.+)\r$/gim)];
        expect({ name, said: said.map(([, outcome]) => outcome) }).toEqual({ name, said: outcomes });
        for (const outcome of outcomes) answered.add(outcome);
      }
    }
    // An incomplete event is never stored, however the request ends.
    const half = beacon();
    for (const bytes of [
      head(half.length * 2) + half,
      head(half.length) + half.slice(0, 20),
      head(half.length),
    ])
      expect(await askAndClose(url, bytes)).not.toContain('stored');
    await expectBalance(dataDir, site, answered, program);
  });
});

/** Sends bytes, closes the sending side, and reads the complete response. */
function askAndClose(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject).on('end', () => socket.destroy());
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });
}

/** Returns what is wrong with the bytes of a response, or null. Whatever follows a malformed body is a response to it. */
function judge(text: string): string | null {
  if (text === '') return null;
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  if (!(status >= 200 && status < 500)) return `status ${status}`;
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  const body = length === undefined ? rest.join('') : rest.join('\r\n\r\n').slice(0, Number(length));
  if (status < 400) return null;
  try {
    const { error, code } = JSON.parse(body) as { error: unknown; code: string };
    return typeof error === 'string' && code in ERRORS ? null : `a body of another shape: ${body}`;
  } catch {
    return `no JSON: ${text}`;
  }
}
