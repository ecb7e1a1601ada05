import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST_PORT = 15_000;
const FIRST_EPHEMERAL_PORT = 32_768;
const PORT_TRIES = 20;

/**
 * Finds a loopback port that nothing listens on. It is below the ports for outgoing connections (32768 and up on Linux, 49152
 * and up by RFC 6335), which another test's flood could take before a program binds one.
 *
 * @throws if none of a few candidates is free
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = randomInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${PORT_TRIES} ports tried is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
