import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection to a server over which nothing was said yet. It is taken by the system, and maybe not by the server. Closed with the test. */
export async function openSocket(url: string): Promise<Socket> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}
