import { Argument, Option } from 'commander';
import { checkDatabases } from '../config/config.ts';
import { moveStore } from '../store/offline/move.ts';
import { CommandError, type Commands } from './command.ts';

const BAR_CHARS = 40;

/** Shows a progress bar, if there is a terminal. */
function showProgress(share: number): void {
  if (!process.stderr.isTTY) return;
  const done = Math.floor(share * BAR_CHARS);
  const bar = `${'█'.repeat(done)}${'░'.repeat(BAR_CHARS - done)}`;
  process.stderr.write(`\rMoving ${bar} ${Math.floor(share * 100)}%${share === 1 ? '\n' : ''}`);
}

export const moveCommands: Commands = {
  move: {
    description:
      'Copy all data from DATA_DIR to PostgreSQL and ClickHouse. Run it again to copy what has changed since.',
    optional: [
      new Option(
        '--to <postgres>',
        'URL of PostgreSQL, followed by that of ClickHouse. Default: the settings.',
      ),
    ],
    argument: new Argument('[clickhouse]', 'URL of ClickHouse.'),
    async runOnFolder(config, { to: postgres = '', clickhouse = '' }) {
      const to = checkDatabases(postgres, clickhouse) ?? config.databases;
      if (to === null)
        throw new CommandError(
          'USAGE',
          'Name the target databases: --to postgres://… http://…, or set DATABASE_URL and CLICKHOUSE_URL.',
        );
      const { registryRows, ...moved } = await moveStore({
        dataDir: config.dataDir,
        to,
        onProgress: showProgress,
      });
      return { ...moved, registry_rows: registryRows };
    },
    say: ({ days, unchanged, rows, events, registry_rows }) =>
      `Moved ${rows} rows (${days} days of sites; ${unchanged} more had not changed). The databases hold ${events} counted events and ${registry_rows} rows of accounts, sites and keys, identical to the source.`,
  },
};
