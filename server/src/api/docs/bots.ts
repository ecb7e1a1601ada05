import { PLACEHOLDERS } from './samples.ts';

/** Code samples that report visits without JavaScript: crawler visits, and visits counted by the pixel. */

/**
 * Returns the code of a Node.js middleware that reports crawler visits, for Express, Connect, Fastify (`@fastify/middie`) and
 * plain `http` servers. It reports page requests only, never delays a response and never fails a request.
 */
export function botMiddleware(server: string): string {
  return `// bots.mjs: reports visits of crawlers, which do not run JavaScript.
const ENDPOINT = '${server}/api/v1/sites/${PLACEHOLDERS.siteId}/events';
const API_KEY = '${PLACEHOLDERS.apiKey}'; // with the scope "write"
const BOT = /bot|crawl|spider|slurp|GPT|Claude|Perplexity|Gemini|facebookexternalhit|Bytespider|curl|wget|python|Go-http/i;
const MAX_WAITING = 500;

let waiting = [];
let timer = null;

export function reportBots(request, response, next) {
  const userAgent = request.headers['user-agent'] ?? '';
  const wantsPage = request.method === 'GET' && !/\\.\\w{2,5}$/.test(request.url.split('?')[0]);
  if (wantsPage && BOT.test(userAgent) && waiting.length < MAX_WAITING) {
    waiting.push({
      id: crypto.randomUUID(), // so that a retried batch counts once
      url: \`https://\${request.headers.host}\${request.originalUrl ?? request.url}\`,
      user_agent: userAgent,
      address: request.socket.remoteAddress,
      time: new Date().toISOString(),
    });
    timer ??= setTimeout(sendWaiting, 2000).unref();
  }
  next?.();
}

export async function sendWaiting() {
  clearTimeout(timer);
  timer = null;
  const batch = waiting;
  waiting = [];
  if (batch.length === 0) return;
  try {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: { authorization: \`Bearer \${API_KEY}\`, 'content-type': 'application/json' },
      body: JSON.stringify(batch),
    });
    if (response.status < 429) return;
  } catch {
    // The server is unreachable: retry with the next batch.
  }
  waiting = [...batch, ...waiting].slice(0, MAX_WAITING);
}
`;
}

/** A code sample that installs the middleware. */
export const BOT_MIDDLEWARE_USE = `import { reportBots } from './bots.mjs';

app.use(reportBots); // Express, Connect
// plain http: createServer((request, response) => { reportBots(request, response); … })`;

export function pixelTag(server: string): string {
  return `<noscript><img src="${server}/p.gif?key=ak_…&amp;url=https%3A%2F%2Fexample.com%2Fpricing" alt="" width="1" height="1"></noscript>`;
}
