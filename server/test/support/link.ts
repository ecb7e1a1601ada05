import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxied connection to a local server that can be cut like a network cable. */
export interface Link {
  port: number;
  /** Ends every connection and accepts no new ones. */
  cut(): void;
  /** Stops forwarding on all connections, old and new, without ending any, like a network that drops every packet. */
  stall(): void;
  /** Forwards this many bytes to the server per connection, and then cuts it. */
  cutAfter(bytes: number): void;
  mend(): void;
  close(): void;
}

export async function linkTo(port: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let state: 'whole' | 'cut' | 'stalled' = 'whole';
  let bytesMax = Number.POSITIVE_INFINITY;
  const cut = () => {
    state = 'cut';
    for (const socket of sockets) socket.destroy();
  };
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
      if (from === client && bytesMax !== Number.POSITIVE_INFINITY)
        pipeUpTo(bytesMax, from, { to, atEnd: cut });
      else from.pipe(to);
      if (state === 'stalled') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    stall() {
      state = 'stalled';
      for (const socket of sockets) socket.pause();
    },
    cutAfter(bytes) {
      bytesMax = bytes;
    },
    mend() {
      state = 'whole';
      bytesMax = Number.POSITIVE_INFINITY;
      for (const socket of sockets) socket.resume();
    },
    close() {
      server.close();
      cut();
    },
  };
}

function pipeUpTo(bytes: number, from: Socket, { to, atEnd }: { to: Socket; atEnd: () => void }): void {
  let left = bytes;
  from.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    // What was let through must arrive before the cut.
    to.write(part, left === 0 ? atEnd : undefined);
  });
}
