import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import { addOwner, expectSound } from './support/owner.ts';
import { connections, OutcomeCounts } from './support/pages.ts';

/** The API sends a well-formed response to any request and stays up. */

const SEED = 20_260_514;

/** Text that is valid in a request line without encoding. */
const lineText = fc
  .string({ unit: 'binary-ascii', maxLength: 120 })
  .map((text) => text.replace(/[^\x21-\x7e]|#/g, ''));

const ODD_PATHS = [
  ...[
    '',
    '/',
    '//',
    '/..',
    '/../..',
    '/%2e%2e/',
    '/%',
    '/%00',
    '/%ff',
    '/%E0%A4%A',
    '/v1',
    '/v1/',
    '/v1//',
    '/v1/sites/',
  ],
  ...[
    '/v1/sites?',
    '/v1/sites?x=%',
    '/v1/sites?x[]=1&x=2',
    '/v1/sites?__proto__=1',
    '/v1/sites;x',
    '/v1/sites%2f',
    '/V1/SITES',
  ],
  ...[
    '/v1/sites/..',
    '/v1/sites/%00',
    `/v1/sites/${'x'.repeat(5_000)}`,
    '/v1/sites/__proto__',
    '/v1/sites/constructor',
  ],
  ...[
    '/v2/sites',
    '/v1/openapi.json',
    '/v1/sites/site_x/stats',
    '/v1/sites/site_x/ledger?days=-1',
    '/v1/sites/site_x/events?limit=1e9',
  ],
];

const path = fc.oneof(
  fc.constantFrom(...ODD_PATHS),
  fc.webPath().map((tail) => `/v1${tail}`),
  fc
    .tuple(fc.constantFrom('/v1/sites/', '/v1/sites?', '/v1/', '/'), lineText)
    .map(([head, tail]) => head + tail),
);

const headerValue = fc
  .string({ unit: 'binary-ascii', maxLength: 300 })
  .map((text) => text.replace(/[^\t\x20-\x7e]/g, '').trim());

const ODD_AUTHORIZATIONS = [
  '',
  'Bearer',
  'Bearer ',
  'Bearer  x',
  'Basic dTpw',
  'bearer sk_',
  'Bearer sk_0 sk_1',
  `Bearer ${'x'.repeat(5_000)}`,
];

/** Generates headers with a valid key, a malformed one or none. */
function headers(apiKey: string) {
  return fc
    .record(
      {
        authorization: fc.oneof(
          { weight: 3, arbitrary: fc.constant(`Bearer ${apiKey}`) },
          fc.constantFrom(...ODD_AUTHORIZATIONS),
          headerValue,
          headerValue.map((text) => `Bearer ${text}`),
        ),
        'content-type': fc.oneof(
          fc.constantFrom('application/json', 'text/plain', 'multipart/form-data', 'x'),
          headerValue,
        ),
        'if-none-match': fc.oneof(fc.constantFrom('*', 'W/"x"', '"', ',,,'), headerValue),
        accept: headerValue,
        'accept-language': headerValue,
        origin: headerValue,
        cookie: headerValue,
        'x-http-method-override': fc.constantFrom('DELETE', 'GET'),
        range: headerValue,
        // Without a key the rate limit is per address, so each request has a new one and most get past the limit.
        'x-forwarded-for': fc.oneof(
          { weight: 20, arbitrary: fc.ipV4() },
          { weight: 1, arbitrary: headerValue },
        ),
      },
      { requiredKeys: ['x-forwarded-for'] },
    )
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE', 'SEARCH'];

describe('the API', () => {
  it('answers any request with its own error format', async () => {
    const dataDir = await temporaryFolder();
    const { apiKey } = await addOwner(dataDir, 'example.com');
    const program = startProgram(dataDir, { LOG_LEVEL: 'warn', TRUST_PROXY: 'loopback' });
    const url = await program.address;
    const agent = connections(4);
    const statuses = new OutcomeCounts();
    const body = fc.option(
      fc.oneof(fc.json(), fc.string(), fc.constant('['.repeat(20_000)), fc.constant('x'.repeat(70_000))),
      {
        nil: undefined,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...METHODS),
        path,
        headers(apiKey),
        body,
        async (method, tail, given, text) => {
          const answer = await ask(url, {
            method,
            path: `/api${tail}`,
            headers: {
              ...given,
              ...(text === undefined ? {} : { 'content-length': Buffer.byteLength(text) }),
            },
            ...(text === undefined ? {} : { body: text }),
            agent,
          });
          statuses.add(String(answer.status));
          expect(answer.status, answer.text).toBeLessThan(500);
          expect(answer.headers, 'the collector’s open door is not the API’s').not.toHaveProperty(
            'access-control-allow-origin',
          );
          expect(answer.text).not.toMatch(/FST_|node_modules|\bat \w+ \(/);
          if (answer.status < 400 || method === 'HEAD') return;
          const { error, code } = answer.json() as { error: unknown; code: keyof typeof ERRORS };
          expect(error).toBeTypeOf('string');
          expect(ERRORS[code]?.status, answer.text).toBe(answer.status);
          if (answer.status === 429) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
          // A path that cannot be decoded matches no route, so the caller is unknown.
          if (code !== 'INVALID_REQUEST') expect(answer.headers).toHaveProperty('x-ratelimit-remaining');
        },
      ),
      { numRuns: 1_000, seed: SEED, endOnFailure: true },
    );
    for (const status of ['200', '401', '404', '405']) expect(statuses.of(status), status).toBeGreaterThan(0);
    expect(program.stderr()).toBe('');
    await expectSound(dataDir);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });
});
