import { checkDatabases } from '../config.ts';
import { moveStore } from '../store/open.ts';
import { CommandError, type Commands } from './command.ts';

const BAR_CHARS = 40;

/** A bar on the terminal; nothing where there is none. */
function showProgress(share: number): void {
  if (!process.stderr.isTTY) return;
  const done = Math.floor(share * BAR_CHARS);
  const bar = `${'█'.repeat(done)}${'░'.repeat(BAR_CHARS - done)}`;
  process.stderr.write(`\rMoving ${bar} ${Math.floor(share * 100)} %${share === 1 ? '\n' : ''}`);
}

export const moveCommands: Commands = {
  move: {
    usage: 'move [--to POSTGRES CLICKHOUSE]',
    sentence:
      'Copy everything from DATA_DIR into PostgreSQL and ClickHouse, by default those of the settings. Again: what changed.',
    required: [],
    optional: ['to', 'CLICKHOUSE'],
    positional: 'CLICKHOUSE',
    async runOnFolder(config, { to: postgres = '', CLICKHOUSE: clickhouse = '' }) {
      const to = checkDatabases(postgres, clickhouse) ?? config.databases;
      if (to === null)
        throw new CommandError(
          'USAGE',
          'Say where to: --to postgres://… http://…, or set DATABASE_URL and CLICKHOUSE_URL.',
        );
      const { registryRows, ...moved } = await moveStore({
        dataDir: config.dataDir,
        to,
        onProgress: showProgress,
      });
      return { ...moved, registry_rows: registryRows };
    },
    say: ({ days, unchanged, rows, events, registry_rows }) =>
      `Moved ${days} days of sites with ${rows} rows; ${unchanged} had not changed. The databases hold ${events} counted events and ${registry_rows} rows of accounts, sites and keys, equal to the last byte.`,
  },
};
