import type { Server } from 'node:http';
import { SECOND_MS } from '../domain/clock.ts';

/**
 * Limits open connections. Each connection takes a file descriptor and about 14 kB before its client is known. A connection
 * over the limit is counted, and closed before anything is read from it.
 */

/** The descriptors reserved for everything else: the store's files, databases, threads, mail, the metrics listener. */
const OTHER_DESCRIPTORS = 256;
/** The fraction of the limit above which idle connections are closed early. */
const SCARCE_SHARE = 0.75;
/** The keep-alive timeout above `SCARCE_SHARE`. Clients that send more often than this keep their connections. */
const SCARCE_KEEP_ALIVE_MS = 5 * SECOND_MS;
/** The shortest time between two log lines about dropped connections. */
const REPORT_EVERY_MS = 60 * SECOND_MS;

export interface Connections {
  /** The number of open connections. */
  readonly open: number;
  /** The most connections that may be open at once. */
  readonly max: number;
  /** The number of connections closed at the limit since the start. */
  readonly dropped: number;
}

/**
 * Returns how many connections fit into the open-file limit: as many as wanted if that leaves enough descriptors for everything
 * else. A refused connection loses one request, but a file that cannot be opened may be the store's.
 *
 * @param openFiles the process's open-file limit; null if it has none, or it is unknown
 */
export function connectionsWithin(wanted: number, openFiles: number | null): number {
  if (openFiles === null) return wanted;
  // If the limit is very low, connections get half of the descriptors.
  return Math.min(wanted, Math.floor(Math.max(openFiles - OTHER_DESCRIPTORS, openFiles / 2)));
}

/**
 * Limits the connections of a server, and keeps the process alive when it has no descriptor left for another one.
 *
 * @param keepAliveMs how long a connection may wait for its next request while there is room
 * @param onTrouble called at most once a minute with a message and details to log
 */
export function limitConnections(
  server: Server,
  {
    max,
    keepAliveMs,
    onTrouble,
  }: { max: number; keepAliveMs: number; onTrouble: (message: string, details: object) => void },
): Connections {
  const connections = { open: 0, max, dropped: 0 };
  server.maxConnections = max;
  const changed = (by: 1 | -1) => {
    connections.open += by;
    // Node reads this after each response, so that it also applies to connections that are already open.
    server.keepAliveTimeout = connections.open > max * SCARCE_SHARE ? SCARCE_KEEP_ALIVE_MS : keepAliveMs;
  };
  server.on('connection', (socket) => {
    changed(1);
    socket.once('close', () => changed(-1));
  });
  const reportDropped = throttle((since: number) =>
    onTrouble('connections dropped: MAX_CONNECTIONS reached', { max, dropped: since }),
  );
  server.on('drop', () => {
    connections.dropped += 1;
    reportDropped();
  });
  // Errors before this event belong to the caller of `listen`. Later errors are about connections that could not be accepted,
  // and would end the process if they had no listener: https://nodejs.org/api/net.html#event-error
  server.once('listening', () => {
    let last: Error | null = null;
    const reportFailed = throttle((since: number) =>
      onTrouble('failed to accept connections', { err: last, failed: since }),
    );
    server.on('error', (error) => {
      last = error;
      reportFailed();
    });
  });
  return connections;
}

/** Reports the first call at once, then the number of further calls at most once a minute. */
function throttle(report: (calls: number) => void): () => void {
  let waiting = 0;
  let timer: NodeJS.Timeout | null = null;
  const pass = () => {
    timer = null;
    if (waiting === 0) return;
    const calls = waiting;
    waiting = 0;
    timer = setTimeout(pass, REPORT_EVERY_MS).unref();
    report(calls);
  };
  return () => {
    waiting += 1;
    if (timer === null) pass();
  };
}
