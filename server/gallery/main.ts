import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadAssets } from '../src/dashboard/kit/assets.ts';
import { allSamples, type Samples } from './samples.ts';

/**
 * The gallery shows every view with sample data, for work on the design of pages. It has no store and is never deployed: only
 * `npm run gallery` builds and starts it. PORT sets its port.
 */

const assets = await loadAssets(fileURLToPath(new URL('../../dashboard', import.meta.url)));
const samples = await allSamples(assets);
const files = new Map(assets.files.map((file) => [`/assets/${file.name}`, file]));

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://gallery');
  const file = files.get(pathname);
  const html = pathname === '/' ? contents(samples) : samples.get(pathname.slice(1));
  response.statusCode = file === undefined && html === undefined ? 404 : 200;
  // As in production: no inline code, and no resources from other origins.
  response.setHeader(
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'",
  );
  response.setHeader('content-type', file?.contentType ?? 'text/html; charset=utf-8');
  response.end(file?.identity ?? html ?? 'There is no such view.');
});
server.listen(Number(process.env.PORT ?? 8090), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // an object, because the server listens on TCP
  process.stdout.write(`Gallery of ${samples.size} views: http://127.0.0.1:${port}/\n`);
});

function contents(views: Samples): string {
  const items = [...views.keys()].map((name) => `<li><a href="/${name}">${name}</a></li>`);
  return `<!doctype html><html lang="en"><title>Gallery</title><h1>Gallery</h1><ul>${items.join('')}</ul></html>`;
}
