import { parseArgs } from 'node:util';
import { accountCommands } from './commands/account.ts';
import { type Answer, type Command, CommandError, type Commands, type Options } from './commands/command.ts';
import { keyCommands } from './commands/key.ts';
import { maintenanceCommands } from './commands/maintenance.ts';
import { moveCommands } from './commands/move.ts';
import { siteCommands } from './commands/site.ts';
import { type Config, readConfig, withEnvFile } from './config.ts';
import { entryOf } from './entry-of.ts';
import { readEnvFile } from './env-file.ts';
import { settingsCatalogue } from './settings.ts';
import { openShared } from './store/open.ts';
import { RegistryConflict } from './store/store.ts';

/**
 * The operator's commands. They share the data folder, or the databases, with running servers, which see a change within a
 * second.
 */
const COMMANDS: Commands = {
  ...accountCommands,
  ...siteCommands,
  ...keyCommands,
  ...maintenanceCommands,
  ...moveCommands,
};

const CONFLICT_CODES: Readonly<Record<RegistryConflict['reason'], string>> = {
  'email-taken': 'EMAIL_TAKEN',
  'domain-taken': 'DOMAIN_TAKEN',
  'site-limit': 'SITE_LIMIT_REACHED',
  'key-limit': 'KEY_LIMIT_REACHED',
  'last-key': 'CURRENT_KEY',
};

function help(): string {
  const columns = (rows: readonly (readonly [string, string])[]) => {
    const width = Math.max(...rows.map(([left]) => left.length));
    return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
  };
  const commands = Object.values(COMMANDS).map(({ usage, sentence }) => [usage, sentence] as const);
  const settings = settingsCatalogue().map(
    (setting) =>
      [`${setting.name}${setting.default === '' ? '' : `=${setting.default}`}`, setting.sentence] as const,
  );
  return `attractos <command> [--json]

Commands
${columns([['serve', 'Run the server.'], ['demo', 'Run a throw-away server with 90 days of made-up traffic.'], ...commands])}

Settings, from the environment or a .env file
${columns(settings)}
`;
}

/** What `main.ts` does, with nothing behind it. */
const SERVERS: readonly string[] = ['serve', 'demo'];

/** Commands are one word or two. */
function find(args: readonly string[]): { command: Command; rest: string[] } {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ');
    const command = entryOf(COMMANDS, name);
    if (command !== undefined) return { command, rest: args.slice(words) };
  }
  const [name = ''] = args;
  if (SERVERS.includes(name)) {
    throw new CommandError(
      'USAGE',
      `"${name}" stands alone: settings come from the environment or a .env file. See: attractos --help`,
    );
  }
  throw new CommandError(
    'UNKNOWN_COMMAND',
    `There is no command "${args.slice(0, 2).join(' ')}". See: attractos --help`,
  );
}

function readOptions(command: Command, rest: string[]): Options {
  const usage = `Usage: attractos ${command.usage}`;
  const names = [...command.required, ...command.optional].filter((name) => name !== command.positional);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: rest,
      allowPositionals: command.positional !== undefined,
      options: {
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
        json: { type: 'boolean' as const },
      },
      tokens: true,
    });
  } catch (error) {
    const sentence = String(error instanceof Error ? error.message : error).replaceAll('\n', ' ');
    throw new CommandError('USAGE', `${sentence.replace(/\.$/, '')}. ${usage}`);
  }
  const given = (parsed.tokens ?? []).flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const twice = names.find((name) => given.indexOf(name) !== given.lastIndexOf(name));
  if (twice !== undefined) throw new CommandError('USAGE', `--${twice} is given more than once. ${usage}`);
  const [first, ...others] = parsed.positionals;
  if (others.length > 0)
    throw new CommandError('USAGE', `There is more than one ${command.positional}. ${usage}`);
  const positional =
    command.positional === undefined || first === undefined || first === ''
      ? {} // an empty one is a variable of a script that was not set
      : { [command.positional]: first };
  const options = { ...parsed.values, ...positional } as Options; // every option but `json` was declared a string
  const missing = command.required.find((name) => options[name] === undefined);
  if (missing !== undefined) throw new CommandError('USAGE', `${missing} is missing. ${usage}`);
  return options;
}

function readEnvironment(): Config {
  return readConfig(withEnvFile(process.env, readEnvFile()));
}

async function run(command: Command, options: Options): Promise<Answer> {
  const config = readEnvironment();
  if ('runOnFolder' in command) return command.runOnFolder(config, options);
  const store = await openShared(config);
  try {
    return await command.run(store, options);
  } finally {
    await store.close();
  }
}

function explain(error: unknown): { error: string; code: string } {
  if (error instanceof CommandError) return { error: error.message, code: error.code };
  if (error instanceof RegistryConflict) return { error: error.message, code: CONFLICT_CODES[error.reason] };
  return { error: error instanceof Error ? error.message : String(error), code: 'FAILED' };
}

async function main(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  try {
    const { command, rest } = find(args);
    const answer = await run(command, readOptions(command, rest));
    process.stdout.write(`${json ? JSON.stringify(answer) : command.say(answer)}\n`);
    if (answer.ok === false) process.exitCode = 1;
  } catch (error) {
    const explained = explain(error);
    process.stderr.write(`${json ? JSON.stringify(explained) : explained.error}\n`);
    process.exit(1);
  }
}

process.umask(0o077);
const args = process.argv.slice(2);
if (args.length === 0 || args.includes('--help') || args[0] === 'help') process.stdout.write(help());
else await main(args);
