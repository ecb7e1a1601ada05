import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { OPERATOR, type RecordEvent, SecurityLog } from './app/security-log.ts';
import { UseCaseError } from './app/use-case-error.ts';
import { accountCommands } from './commands/account.ts';
import { type Answer, type Command, CommandError, type Options } from './commands/command.ts';
import { keyCommands } from './commands/key.ts';
import { maintenanceCommands } from './commands/maintenance.ts';
import { moveCommands } from './commands/move.ts';
import { buildProgram } from './commands/program.ts';
import { siteCommands } from './commands/site.ts';
import { type Config, readConfig, withEnvFile } from './config/config.ts';
import { readEnvFile } from './config/env-file.ts';
import { settingsCatalogue } from './config/settings.ts';
import { systemClock } from './domain/clock.ts';
import { visibleLines, visibleText } from './domain/visible-text.ts';
import { basePathOf } from './http/base-path.ts';
import { openShared } from './store/open.ts';

/**
 * Runs the operator's commands. They work on the data folder or the databases, even while servers run. Servers see a change
 * within a second.
 */

/** The URL of `package.json`, relative to `dist/server/src`, where this file runs. */
const PACKAGE = new URL('../../../package.json', import.meta.url);

function describedSettings(): { term: string; description: string }[] {
  return settingsCatalogue().map(({ name, default: fallback, sentence }) => ({
    term: fallback === '' ? name : `${name}=${fallback}`,
    description: sentence,
  }));
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  return version;
}

function readEnvironment(): Config {
  return readConfig(withEnvFile(process.env, readEnvFile()));
}

async function run(command: Command, options: Options): Promise<Answer> {
  const config = readEnvironment();
  if ('runOnFolder' in command) return command.runOnFolder(config, options);
  const store = await openShared(config);
  try {
    const securityLog = new SecurityLog({
      ...{ registry: store.registry, clock: systemClock },
      // The output is the command's answer. The account's activity shows the event.
      log: () => undefined,
      onFailure: (error) => {
        process.stderr.write(
          `${visibleText(`The change is not in the account's activity: ${explain(error).error}`)}\n`,
        );
      },
    });
    const record: RecordEvent = (event) => securityLog.record(event, OPERATOR);
    const refusesPasswords = config.singleSignOn?.only === true;
    const basePath = basePathOf(config.publicUrl);
    return await command.run({ ...store, clock: systemClock, record, refusesPasswords, basePath }, options);
  } finally {
    await store.close();
  }
}

function explain(error: unknown): { error: string; code: string } {
  if (error instanceof CommandError || error instanceof UseCaseError)
    return { error: error.message, code: error.code };
  return { error: error instanceof Error ? error.message : String(error), code: 'FAILED' };
}

async function main(args: readonly string[]): Promise<void> {
  const program = buildProgram({
    args,
    version: readVersion(),
    commands: {
      ...accountCommands,
      ...siteCommands,
      ...keyCommands,
      ...maintenanceCommands,
      ...moveCommands,
    },
    servers: {
      serve: 'Run the server.',
      demo: 'Run a temporary server with 90 days of sample traffic.',
    },
    settings: describedSettings(),
    async run(command, options) {
      const answer = await run(command, options);
      process.stdout.write(`${visibleLines(isJson() ? JSON.stringify(answer) : command.say(answer))}\n`);
      if (answer.ok === false) process.exitCode = 1;
    },
  });
  const isJson = () => program.opts<{ json?: boolean }>().json === true;
  try {
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    const explained = explain(error);
    process.stderr.write(`${visibleText(isJson() ? JSON.stringify(explained) : explained.error)}\n`);
    process.exit(1);
  }
}

process.umask(0o077);
await main(process.argv.slice(2));
