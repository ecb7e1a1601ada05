import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST_PORT = 15_000;
const FIRST_EPHEMERAL_PORT = 32_768;
const PORT_TRIES = 20;

/**
 * A port of the loopback that nothing listens on. Below those that systems give to outgoing connections (32768 and up on Linux,
 * 49152 and up by RFC 6335), since another test's flood could take one of those before a program binds it.
 *
 * @throws where none of a few tried is free
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
