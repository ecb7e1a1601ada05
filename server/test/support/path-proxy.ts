import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy whose host has other content: it passes on the requests below one path, as nginx does with `location /stats/`. */
export class PathProxy {
  /** The address of the host, without a trailing slash. */
  origin = '';
  /** The requests outside of the path. */
  readonly strays: string[] = [];
  /** The server behind the proxy. */
  target = '';
  readonly #server: Server;

  /** @param options `strips`: whether it removes the path (`proxy_pass http://app/`) or keeps it (`proxy_pass http://app`) */
  constructor({ path, strips }: { path: string; strips: boolean }) {
    this.#server = createServer((asked, answer) => {
      const { url = '', method, headers } = asked;
      if (!url.startsWith(`${path}/`)) {
        this.strays.push(url);
        answer.writeHead(404).end();
        return;
      }
      const { hostname, port } = new URL(this.target);
      const passed = strips ? url.slice(path.length) : url;
      const asking = request({ hostname, port, method, path: passed, headers, agent: false }, (received) => {
        answer.writeHead(received.statusCode ?? 502, received.headers);
        received.pipe(answer);
      });
      asking.on('error', () => answer.destroy());
      answer.on('close', () => asking.destroy());
      asked.pipe(asking);
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
