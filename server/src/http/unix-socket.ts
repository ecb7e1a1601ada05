import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** Listens on a Unix socket, at a path where an earlier server may have left its file. */

/** The mode of the socket's file: the proxy in the server's group can connect, others cannot. */
const SOCKET_MODE = 0o660;

/**
 * Calls `listen`, and lets the server's group connect. The file of a server that was killed is replaced.
 *
 * @throws if another server listens there, or if the path names something other than a socket, which is left as it is
 */
export async function listenOnSocket<Result>(path: string, listen: () => Promise<Result>): Promise<Result> {
  await removeStaleSocket(path);
  const result = await listen();
  await chmod(path, SOCKET_MODE);
  return result;
}

async function removeStaleSocket(path: string): Promise<void> {
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return;
  if (!file.isSocket()) throw new Error('it exists and is not a socket');
  if (await hasListener(path)) throw new Error('another server is listening there');
  await unlink(path);
}

/** Returns whether a process listens on a socket. @throws if that is unknown, for example for lack of permission */
function hasListener(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve(false);
      // A listener whose queue is full.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}
