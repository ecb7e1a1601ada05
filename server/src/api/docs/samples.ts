import type { Operation } from '../operations.ts';

/** Code samples for curl, JavaScript and Python, ready to paste. A test runs every one. */

export type Language = 'curl' | 'JavaScript' | 'Python';

export interface Sample {
  language: Language;
  code: string;
}

/** Placeholders for the reader's own values. */
export const PLACEHOLDERS = {
  apiKey: 'YOUR_API_KEY',
  siteId: 'site_abc123',
  segmentId: 'segment_abc123',
} as const;

interface Example {
  /** A list repeats its parameter. */
  query?: Readonly<Record<string, string | readonly string[]>>;
  body?: unknown;
  /** The property of the response that the sample prints. */
  show: string;
}

const PERIOD = { start: '2026-05-01', end: '2026-05-31' };

const EXAMPLES: Readonly<Record<string, Example>> = {
  sites: { show: 'sites' },
  site: { show: 'domain' },
  stats: { query: { ...PERIOD, compare: 'previous' }, show: 'totals' },
  timeseries: { query: { ...PERIOD, granularity: 'week' }, show: 'timeseries' },
  events: { query: { ...PERIOD, type: 'conversion', limit: '10' }, show: 'events' },
  breakdown: {
    query: { by: 'page', ...PERIOD, filter: 'country:DE|AT', search: 'blog' },
    show: 'breakdown',
  },
  vitals: { query: { by: 'page', ...PERIOD, filter: 'device:phone' }, show: 'vitals' },
  goals: { query: PERIOD, show: 'goals' },
  funnel: { query: { step: ['page:/pricing*', 'event:signup'], ...PERIOD }, show: 'funnel' },
  journey: { query: { page: '/pricing', ...PERIOD }, show: 'journey' },
  ledger: { query: PERIOD, show: 'refused' },
  exclusions: { show: 'pages' },
  changeExclusions: { body: { pages: ['/admin/*'], addresses: ['203.0.113.9'] }, show: 'addresses' },
  segments: { show: 'segments' },
  createSegment: {
    body: { name: 'Phones in Germany', filters: ['country:DE', 'device:phone'] },
    show: 'id',
  },
  changeSegment: { body: { filters: ['country:DE|AT|CH'] }, show: 'filters' },
  deleteSegment: { show: 'name' },
  realtime: { show: 'visitors' },
  usage: { show: 'events_this_month' },
  reportEvents: {
    body: [
      {
        id: 'order-1001',
        name: 'purchase',
        url: 'https://example.com/checkout',
        value: 49.9,
        currency: 'EUR',
      },
      {
        id: 'visit-7f3a',
        url: 'https://example.com/pricing',
        user_agent: 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)',
      },
    ],
    show: 'outcomes',
  },
  mcp: { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' }, show: 'result' },
  openapi: { show: 'info' },
};

/** Creates the samples of an operation. @param server the URL of this server, without a trailing slash */
export function samplesOf(operation: Operation, server: string): Sample[] {
  const { query = {}, body, show } = EXAMPLES[operation.name] ?? { show: 'code' };
  const url = `${server}${operation.path.replace('{id}', PLACEHOLDERS.siteId).replace('{segment}', PLACEHOLDERS.segmentId)}`;
  const headers: [string, string][] = [
    ...(operation.scope === null
      ? []
      : [['Authorization', `Bearer ${PLACEHOLDERS.apiKey}`] as [string, string]]),
    ...(body === undefined ? [] : [['Content-Type', 'application/json'] as [string, string]]),
  ];
  const { method } = operation;
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one): [string, string] => [name, one]),
  );
  const asked: Asked = { url, method, query: pairs, headers, body, show };
  return [
    { language: 'curl', code: curl(asked) },
    { language: 'JavaScript', code: javaScript(asked) },
    { language: 'Python', code: python(asked) },
  ];
}

interface Asked {
  url: string;
  method: Operation['method'];
  query: [string, string][];
  headers: [string, string][];
  body: unknown;
  show: string;
}

function curl({ url, method, query, headers, body }: Asked): string {
  return [
    ...(query.length > 0 ? [`curl -G "${url}"`] : [`curl "${url}"`]),
    ...(isImplied(method) ? [] : [`-X ${method}`]),
    ...headers.map(([name, value]) => `-H "${name}: ${value}"`),
    ...query.map(([name, value]) => `--data-urlencode "${name}=${value}"`),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body)}'`]),
  ].join(' \\\n  ');
}

function javaScript({ url, method, query, headers, body, show }: Asked): string {
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length === 0
      ? []
      : ['  headers: {', ...headers.map(([name, value]) => `    '${name}': '${value}',`), '  },']),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${indented(JSON.stringify(body, null, 2))}),`]),
  ];
  const address = query.length > 0 ? `\`${url}?\${query}\`` : `'${url}'`;
  return [
    ...(query.length > 0
      ? hasRepeated(query)
        ? ['const query = new URLSearchParams([', ...pairsOf(query, '  [', ']'), ']);']
        : [
            'const query = new URLSearchParams({',
            ...query.map(([name, value]) => `  ${name}: '${value}',`),
            '});',
          ]
      : []),
    ...(options.length > 0
      ? [`const response = await fetch(${address}, {`, ...options, '});']
      : [`const response = await fetch(${address});`]),
    'const data = await response.json();',
    `console.log(data.${show});`,
  ].join('\n');
}

/** Whether clients use a method without being told: GET, and POST with a body. */
function isImplied(method: Operation['method']): boolean {
  return method === 'GET' || method === 'POST';
}

/** Whether a parameter is repeated, so that an object cannot have them all. */
function hasRepeated(query: Asked['query']): boolean {
  return new Set(query.map(([name]) => name)).size < query.length;
}

function pairsOf(query: Asked['query'], open: string, close: string): string[] {
  return query.map(([name, value]) => `${open}'${name}', '${value}'${close},`);
}

function python({ url, method, query, headers, body, show }: Asked): string {
  const address = query.length > 0 ? `f'${url}?{query}'` : `'${url}'`;
  return [
    'import json',
    ...(query.length > 0 ? ['from urllib.parse import urlencode'] : []),
    'from urllib.request import Request, urlopen',
    '',
    ...(query.length > 0
      ? hasRepeated(query)
        ? ['query = urlencode([', ...pairsOf(query, '    (', ')'), '])']
        : ['query = urlencode({', ...query.map(([name, value]) => `    '${name}': '${value}',`), '})']
      : []),
    ...(body === undefined ? [] : [`body = ${JSON.stringify(body, null, 4)}`]),
    'request = Request(',
    `    ${address},`,
    ...(isImplied(method) ? [] : [`    method='${method}',`]),
    ...(body === undefined ? [] : ['    data=json.dumps(body).encode(),']),
    ...(headers.length === 0
      ? []
      : ['    headers={', ...headers.map(([name, value]) => `        '${name}': '${value}',`), '    },']),
    ')',
    'with urlopen(request) as response:',
    '    data = json.load(response)',
    `print(data['${show}'])`,
  ].join('\n');
}

/** Indents every line but the first by two spaces. */
function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
