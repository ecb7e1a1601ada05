import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from './config.ts';

/**
 * Reads the `.env` file in the current folder. Returns an empty object if there is none.
 *
 * @throws ConfigError if it cannot be read
 */
export function readEnvFile(): Record<string, string | undefined> {
  if (!existsSync('.env')) return {};
  try {
    // Some editors write a byte order mark, which would become part of the first name.
    return parseEnv(readFileSync('.env', 'utf8').replace(/^\u{FEFF}/u, ''));
  } catch (error) {
    throw new ConfigError(`Cannot read .env: ${error instanceof Error ? error.message : error}`);
  }
}
