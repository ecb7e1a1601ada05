import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SECRET_KEY } from '../domain/secret-box.ts';
import { newToken } from '../domain/tokens.ts';
import { createDataDir, filesIn } from './data-dir.ts';
import { flush } from './shared/flush.ts';

/** The secret key in the data folder. It is not in the databases, so a copy of them does not contain it. */

/** A failure to use the file of the secret key. */
export class InvalidSecretKey extends Error {
  override readonly name = 'InvalidSecretKey';
}

/** Reads the secret key of a data folder; null if it has none. @throws InvalidSecretKey */
export function readSecretKey(dataDir: string): string | null {
  const { secretKey: file } = filesIn(dataDir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (SECRET_KEY.test(text)) return text;
  throw new InvalidSecretKey(
    `${file} must contain at least 32 printable ASCII characters, without spaces. Put back the file as it was, or set SECRET_KEY.`,
  );
}

/** Reads the secret key of a data folder, which gets one if it has none. Only the server that has the lock calls it. */
export async function takeSecretKey(dataDir: string): Promise<string> {
  const found = readSecretKey(dataDir);
  if (found !== null) return found;
  const made = newToken();
  await writeSecretKey(dataDir, made);
  return made;
}

/** Writes the secret key of a data folder, readable only by this user, and flushes it. */
export async function writeSecretKey(dataDir: string, secretKey: string): Promise<void> {
  const { secretKey: file } = await createDataDir(dataDir);
  const unfinished = `${file}.unfinished`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(`${secretKey}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  await flush(dirname(file));
}
