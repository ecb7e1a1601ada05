import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server on the loopback that can be cut, as a network cable can. */
export interface Link {
  port: number;
  /** Ends every connection and takes no other. */
  cut(): void;
  /** Says nothing more on any connection, old or new, and ends none: as a network that swallows everything. */
  stall(): void;
  mend(): void;
  close(): void;
}

export async function linkTo(port: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let state: 'whole' | 'cut' | 'stalled' = 'whole';
  const server: Server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const other = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, other],
      [other, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
      if (state === 'stalled') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      state = 'cut';
      endAll();
    },
    stall() {
      state = 'stalled';
      for (const socket of sockets) socket.pause();
    },
    mend() {
      state = 'whole';
      for (const socket of sockets) socket.resume();
    },
    close() {
      server.close();
      endAll();
    },
  };
}
