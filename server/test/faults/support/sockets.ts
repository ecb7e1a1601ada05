import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Opens a connection without sending anything. The system accepts it, the server possibly not. It is closed with the test. */
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
