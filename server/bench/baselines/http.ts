import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The lower bound: Node's own server, which reads the body and responds. */
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const text = Buffer.concat(parts).toString();
    response.writeHead(text.length === 0 ? 400 : 202, { 'content-length': 0 });
    response.end();
  });
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`running at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
