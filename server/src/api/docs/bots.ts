import { PLACEHOLDERS } from './samples.ts';

/** Visits that no script in a page sees, and how they are reported. */

/**
 * A middleware for Node that reports the visits of crawlers: for Express, Connect, Fastify (`@fastify/middie`) and plain
 * `http` servers. What is no page is left alone, nothing waits for it, and nothing it does can fail a request.
 */
export function botMiddleware(server: string): string {
  return `// bots.mjs: reports the visits of crawlers, which run no script.
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
      id: crypto.randomUUID(), // so that a batch that is sent again counts once
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
    // The other side is away: try again with the next batch.
  }
  waiting = [...batch, ...waiting].slice(0, MAX_WAITING);
}
`;
}

/** How the middleware is put to use. */
export const BOT_MIDDLEWARE_USE = `import { reportBots } from './bots.mjs';

app.use(reportBots); // Express, Connect
// plain http: createServer((request, response) => { reportBots(request, response); … })`;

export function pixelTag(server: string): string {
  return `<noscript><img src="${server}/p.gif?key=ak_…&amp;url=https%3A%2F%2Fexample.com%2Fpricing" alt="" width="1" height="1"></noscript>`;
}
