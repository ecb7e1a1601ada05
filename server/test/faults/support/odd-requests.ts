import fc from 'fast-check';
import { BROWSER } from '../../support/world.ts';

/** Generates requests of strangers and of signed-in users, of which hardly any makes sense. */

/** What a request may contain that is right. */
export interface Valid {
  /** The host of the server's own origin. */
  host: string;
  /** The cookies and the form token of a session. */
  cookie: string;
  csrf: string;
  apiKey: string;
  siteId: string;
  siteKey: string;
}

export interface OddRequest {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: string;
  /** Whether it is sent with a session and its form token. */
  isSignedIn: boolean;
}

/** Difficult text: unpaired surrogates, control characters, right-to-left text, template and SQL syntax, and much of it. */
const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    ...['', ' ', '\0', '\ud800', '\u202e', '\r\nx: y', "'; DROP TABLE sites; --", '__proto__', 'constructor'],
    ...['<script>', '{{x}}', '%00', '%', '..', '../../etc/passwd', '-1', '0', '1e999', 'NaN', 'null'],
    ...['9'.repeat(400), 'x'.repeat(3_000), '//evil.example', 'javascript:x', '2026-02-30', '2026-05-14'],
    ...['*', '*'.repeat(99), '(a+)+$', '::1/0', '192.0.2.0/24', 'example.com', 'admin', 'owner', 'on'],
  ),
);

const oddSegment = oddText.map((text) => encodeURIComponent(text.toWellFormed()));

/** The fields of all forms, and others. */
const FIELDS = [
  ...['account', 'back', 'code', 'confirm', 'days', 'do', 'domain', 'email', 'expires', 'exclusions', 'host'],
  ...['hosts', 'id', 'invitation', 'key', 'kind', 'name', 'next', 'password', 'pattern', 'role', 'scope'],
  ...['secret', 'subdomains', 'ticket', 'token', 'zone', 'username', '__proto__', 'x'],
];

const PARAMETERS = [
  ...[
    'range',
    'from',
    'to',
    'start',
    'end',
    'by',
    'filter',
    'f',
    'metric',
    'compare',
    'limit',
    'cursor',
    'type',
  ],
  ...[
    'granularity',
    'period',
    'time_zone',
    'since',
    'after',
    'table',
    'vitals',
    'events',
    'sources',
    'q',
    'days',
  ],
  ...['key', 'url', 'name', 'next', 'token', 'saved', 'problem', 'plan', 'month'],
];

const PARAMETER_VALUES = [
  ...[
    '7d',
    '28d',
    'all',
    'custom',
    'today',
    'page',
    'country',
    'prop:x',
    'page:/a',
    'country!DE',
    'source~goo',
  ],
  ...['goal:goal_x', 'hour', 'day', 'UTC', 'Europe/Berlin', 'visitors', 'previous', '10', 'time', 'goal'],
];

function pairs(names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, oddText), value), {
      maxLength: 5,
    })
    .map((list) => new URLSearchParams(list.map(([name, each]) => [name.toWellFormed(), each])).toString());
}

const query = fc.oneof(
  { weight: 5, arbitrary: pairs(PARAMETERS, fc.oneof(fc.constantFrom(...PARAMETER_VALUES), oddText)) },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: 'binary-ascii', maxLength: 60 })
      .map((text) => text.replace(/[^!-~]|#/g, '')),
  },
);

/** Text that is valid in a header. */
const headerValue = fc
  .string({ unit: 'binary-ascii', maxLength: 120 })
  .map((text) => text.replace(/[^\t\x20-\x7e]/g, '').trim());

const otherHeaders = fc.record(
  {
    accept: fc.oneof(fc.constantFrom('text/html', 'application/json', 'text/csv', '*/*'), headerValue),
    'accept-encoding': fc.oneof(fc.constantFrom('gzip', 'br', 'identity', '*;q=0'), headerValue),
    'accept-language': headerValue,
    'content-encoding': fc.constantFrom('gzip', 'br', 'x'),
    cookie: headerValue.map((text) => `attractos_session=${text}; ${text}`),
    'if-none-match': fc.oneof(fc.constantFrom('*', 'W/"x"', '"'), headerValue),
    'last-event-id': headerValue,
    origin: fc.oneof(fc.constantFrom('null', 'https://example.com', 'https://evil.example'), headerValue),
    range: headerValue,
    referer: fc.oneof(fc.constantFrom('https://example.com/x?y', '//'), headerValue),
    'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin', 'none', 'x'),
    'user-agent': fc.oneof(fc.constantFrom(BROWSER, 'curl/8', ''), headerValue),
    'x-forwarded-host': headerValue,
    'x-forwarded-proto': headerValue,
    'x-http-method-override': fc.constantFrom('DELETE', 'GET'),
  },
  { requiredKeys: [] },
);

const MEDIA_TYPES = [
  ...[
    'text/plain',
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ],
  ...['a/b/c', '', ';', 'text/plain;charset=utf-16', 'application/csp-report', 'image/png'],
];

function bodies({ csrf, siteKey }: Valid): fc.Arbitrary<[type: string, body: string]> {
  const form = pairs(FIELDS, oddText);
  const json = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc
      .dictionary(
        fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'key', 'url', 'events'),
        fc.jsonValue(),
      )
      .map((fields) => JSON.stringify({ jsonrpc: '2.0', key: siteKey, ...fields })),
    fc.constantFrom('['.repeat(20_000), '"', '{"a":', JSON.stringify('x'.repeat(70_000))),
  );
  return fc.oneof(
    {
      weight: 6,
      arbitrary: form.map((text): [string, string] => [
        'application/x-www-form-urlencoded',
        `csrf=${csrf}&${text}`,
      ]),
    },
    { weight: 3, arbitrary: json.map((text): [string, string] => ['application/json', text]) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...MEDIA_TYPES), fc.oneof(json, form, oddText)) },
  );
}

const ODD_METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'TRACE',
  'SEARCH',
];

/** Fills the parameters of a route's pattern. */
function targets(pattern: string, { siteId }: Valid): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: fc.constant(siteId) }, oddSegment),
      fc.oneof({ weight: 6, arbitrary: fc.constant('') }, oddSegment),
      fc.option(query),
    )
    .map(
      ([segment, more, search]) =>
        `${pattern.replace(/:\w+/g, () => segment).replace('*', () => `/${more}`)}${search === null ? '' : `?${search}`}`,
    );
}

/** Generates requests to routes, mostly with a method that they have. */
export function oddRequests(
  routes: readonly { path: string; methods: readonly string[] }[],
  valid: Valid,
): fc.Arbitrary<OddRequest> {
  const route = fc.constantFrom(...routes).chain(({ path, methods }) =>
    fc.record({
      method: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...methods.filter((each) => /^(GET|POST|PUT)$/.test(each))) },
        { weight: 1, arbitrary: fc.constantFrom(...ODD_METHODS) },
      ),
      target: targets(path, valid),
    }),
  );
  return fc
    .record({
      route,
      isSignedIn: fc.boolean(),
      hasKey: fc.boolean(),
      address: fc.ipV4(),
      others: otherHeaders,
      body: bodies(valid),
    })
    .map(({ route: { method, target }, isSignedIn, hasKey, address, others, body: [type, text] }) => {
      const hasBody = !['GET', 'HEAD'].includes(method);
      // Limits are per address, so each request has another one, and most get past them.
      const headers: Record<string, string> = { ...others, host: valid.host, 'x-forwarded-for': address };
      if (hasBody) headers['content-type'] = type;
      if (isSignedIn) {
        headers.cookie = valid.cookie;
        headers['sec-fetch-site'] = 'same-origin';
        headers.origin = `http://${valid.host}`;
        delete headers['content-encoding'];
      }
      if (hasKey) headers.authorization = `Bearer ${valid.apiKey}`;
      return { method, target, headers: Object.entries(headers), body: hasBody ? text : '', isSignedIn };
    });
}

/** Returns the bytes of a request, one character each. */
export function bytesOf({ method, target, headers, body }: OddRequest): string {
  const bytes = Buffer.from(body).toString('latin1');
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${target} HTTP/1.1\r\n${lines}content-length: ${bytes.length}\r\nconnection: close\r\n\r\n${bytes}`;
}
