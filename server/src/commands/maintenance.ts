import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { Argument, Option } from 'commander';
import { noteRestore } from '../app/annotations.ts';
import { systemClock } from '../domain/clock.ts';
import { backup, restore } from '../store/offline/backup-data-dir.ts';
import { openShared } from '../store/open.ts';
import { type Answer, CommandError, type Commands } from './command.ts';
import { type Check, examine } from './doctor.ts';

const HEALTH_TIMEOUT_MS = 5000;

export const maintenanceCommands: Commands = {
  backup: {
    description: 'Write a consistent copy of all data to a new file. The server can keep running.',
    argument: new Argument('<file>', 'File to write; it must not exist.'),
    optional: [
      new Option(
        '--with-secret-key',
        'Include the key that encrypts two-factor secrets. Whoever has the file can then read them.',
      ),
    ],
    runOnFolder: async (config, { file = '', withSecretKey }) =>
      backup({ ...config, file, withSecretKey: withSecretKey !== undefined }),
    say: ({ file, bytes, events }) => `Backup written to ${file}: ${bytes} bytes, ${events} events.`,
  },

  restore: {
    description: 'Fill an empty data folder from a backup. Stop the server first.',
    argument: new Argument('<file>', 'Backup to read.'),
    async runOnFolder(config, { file = '' }): Promise<Answer> {
      const restored = await restore({ ...config, file });
      const store = await openShared(config);
      try {
        await noteRestore({ ...store, clock: systemClock });
      } finally {
        await store.close();
      }
      return restored;
    },
    say: ({ dataDir, events }) => `Restored into ${dataDir}: ${events} events.`,
  },

  doctor: {
    description: 'Check counters, ledger, secrets, files, databases, disk space, permissions and the clock.',
    async runOnFolder(config): Promise<Answer> {
      const checks = await examine(config);
      return { ok: checks.every((check) => check.ok), checks };
    },
    say: ({ checks }) =>
      (checks as Check[])
        .map(
          ({ ok, name, found, advice }) =>
            `${ok ? 'ok   ' : 'FAIL '}  ${name}: ${found}${ok ? '' : `\n       ${advice}`}`,
        )
        .join('\n'),
  },

  healthcheck: {
    description: 'Ask the running server whether it accepts events.',
    async runOnFolder(config): Promise<Answer> {
      const { port, socketPath } = config;
      const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
      const address = socketPath ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}/readyz`;
      try {
        return await askReadiness(socketPath === null ? { host, port } : { socketPath });
      } catch (error) {
        throw new CommandError(
          'NOT_REACHABLE',
          `No response from ${address}: ${error instanceof Error ? error.message : error}. Is the server running?`,
        );
      }
    },
    say: (answer) =>
      Object.entries(answer)
        .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
        .join('\n'),
  },
};

/** Asks a server whether it is ready. `fetch` cannot use Unix sockets. @throws if it does not answer in time */
async function askReadiness(
  server: { host: string; port: number } | { socketPath: string },
): Promise<Answer> {
  const asking = get({ ...server, path: '/readyz', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  // After the response has begun, an error is that of its body, too.
  asking.on('error', () => undefined);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return { ok: answer.statusCode === 200, ...((await json(answer)) as object) };
}
