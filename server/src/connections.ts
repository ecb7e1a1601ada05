import type { Server } from 'node:http';
import { SECOND_MS } from './clock.ts';

/**
 * Open connections: so many and no more. Each takes a descriptor of the process and some 14 kB, and whoever opens one has not
 * said yet who he is. One too many is closed before anything is read of it, and counted.
 */

/** Descriptors left to everything else: files of the store, databases, threads, mail, the listener of the numbers. */
const OTHER_DESCRIPTORS = 256;
/** Of the places. Above it, a connection that waits for its next request soon has to make room, */
const SCARCE_SHARE = 0.75;
/** after this instead of the time it has otherwise. Whoever sends more often than that keeps his place. */
const SCARCE_KEEP_ALIVE_MS = 5 * SECOND_MS;
/** At most one line of the log in this time says that connections were dropped, however many. */
const REPORT_EVERY_MS = 60 * SECOND_MS;

export interface Connections {
  /** Open now. */
  readonly open: number;
  /** The most that may be. */
  readonly max: number;
  /** Closed because there were as many, since the start. */
  readonly dropped: number;
}

/**
 * How many connections fit into what a process may open: as many as wanted, where enough is left for everything else. A
 * connection that cannot be taken is lost, a file that cannot be opened may be the store's.
 *
 * @param openFiles the process's limit of descriptors; null where there is none that is known
 */
export function connectionsWithin(wanted: number, openFiles: number | null): number {
  if (openFiles === null) return wanted;
  // Of very few descriptors each side has half.
  return Math.min(wanted, Math.floor(Math.max(openFiles - OTHER_DESCRIPTORS, openFiles / 2)));
}

/**
 * Holds a server to so many connections at once, and keeps it alive where the process has no descriptor for one more.
 *
 * @param keepAliveMs how long a connection may wait for its next request while there is room
 * @param onTrouble told at most once a minute: in words, with what is to be logged beside them
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
    // Read by Node whenever it has answered, so that it also holds for connections that are open already.
    server.keepAliveTimeout = connections.open > max * SCARCE_SHARE ? SCARCE_KEEP_ALIVE_MS : keepAliveMs;
  };
  server.on('connection', (socket) => {
    changed(1);
    socket.once('close', () => changed(-1));
  });
  const reportDropped = nowAndThen((since: number) =>
    onTrouble('connections were dropped: as many as may be are open', { max, dropped: since }),
  );
  server.on('drop', () => {
    connections.dropped += 1;
    reportDropped();
  });
  // An error before that is the affair of whoever asked to listen. Later ones are about a connection that could not be taken,
  // and nobody listening for them would end the process: https://nodejs.org/api/net.html#event-error
  server.once('listening', () => {
    let last: Error | null = null;
    const reportFailed = nowAndThen((since: number) =>
      onTrouble('connections could not be taken', { err: last, failed: since }),
    );
    server.on('error', (error) => {
      last = error;
      reportFailed();
    });
  });
  return connections;
}

/** Passes calls on at once, and those of the next while together, as their number. */
function nowAndThen(report: (calls: number) => void): () => void {
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
