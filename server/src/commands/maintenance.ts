import { backup, restore } from '../store/open.ts';
import { type Answer, CommandError, type Commands } from './command.ts';
import { type Check, examine } from './doctor.ts';

const HEALTH_TIMEOUT_MS = 5000;

export const maintenanceCommands: Commands = {
  backup: {
    usage: 'backup FILE',
    sentence: 'Write a consistent copy of everything stored to a new file, while the server runs.',
    required: ['FILE'],
    optional: [],
    positional: 'FILE',
    runOnFolder: async (config, { FILE: file = '' }) => backup({ ...config, file }),
    say: ({ file, bytes, events }) => `Backup written to ${file}: ${bytes} bytes, ${events} events.`,
  },

  restore: {
    usage: 'restore FILE',
    sentence: 'Fill an empty data folder from a backup. The server must not run on it.',
    required: ['FILE'],
    optional: [],
    positional: 'FILE',
    runOnFolder: async (config, { FILE: file = '' }) => restore({ ...config, file }),
    say: ({ dataDir, events }) => `Restored into ${dataDir}: ${events} events.`,
  },

  doctor: {
    usage: 'doctor',
    sentence:
      'Check counters against rows, the ledger, the files, the databases, disk space, permissions and the clock.',
    required: [],
    optional: [],
    async runOnFolder(config): Promise<Answer> {
      const checks = await examine(config);
      return { ok: checks.every((check) => check.ok), checks };
    },
    say: ({ checks }) =>
      (checks as Check[])
        .map(
          ({ ok, name, found, advice }) =>
            `${ok ? 'ok   ' : 'WRONG'}  ${name}: ${found}${ok ? '' : `\n       ${advice}`}`,
        )
        .join('\n'),
  },

  healthcheck: {
    usage: 'healthcheck',
    sentence: 'Ask the running server whether it can accept events.',
    required: [],
    optional: [],
    async runOnFolder(config): Promise<Answer> {
      const host = ['0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
      const address = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}/readyz`;
      try {
        const answer = await fetch(address, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
        return { ok: answer.ok, ...((await answer.json()) as object) };
      } catch (error) {
        throw new CommandError(
          'NOT_REACHABLE',
          `Nothing answers at ${address}: ${error instanceof Error ? error.message : error}`,
        );
      }
    },
    say: (answer) =>
      Object.entries(answer)
        .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
        .join('\n'),
  },
};
