import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from './config.ts';

/**
 * Names and values of the file `.env` in the folder the program was started in; nothing where there is none.
 *
 * @throws ConfigError where there is one that cannot be read
 */
export function readEnvFile(): Record<string, string | undefined> {
  if (!existsSync('.env')) return {};
  try {
    // Some editors begin a file with a mark that would be part of the first name.
    return parseEnv(readFileSync('.env', 'utf8').replace(/^\u{FEFF}/u, ''));
  } catch (error) {
    throw new ConfigError(`.env cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
