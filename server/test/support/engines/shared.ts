import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../poll.ts';

/** The longest that creating and starting an engine may take on a busy machine. */
const START_DEADLINE_MS = 120_000;

/**
 * Creates something that all suites of a run share: the first suite that needs it creates it, and the others wait.
 *
 * @param folder is created here, for `make` to fill
 * @param make returns, as text, what the other suites need to find it
 * @throws immediately, in every suite, if creating it failed
 */
export async function madeOnce(folder: string, make: () => Promise<string>): Promise<string> {
  const [ready, failed] = [join(folder, 'ready'), join(folder, 'failed')];
  try {
    mkdirSync(folder);
  } catch {
    // Another suite was first.
    await until(
      () => existsSync(ready) || existsSync(failed),
      (settled) => settled,
      START_DEADLINE_MS,
    );
    if (existsSync(failed)) throw new Error(readFileSync(failed, 'utf8'));
    return readFileSync(ready, 'utf8');
  }
  try {
    const made = await make();
    putWhole(ready, made);
    return made;
  } catch (error) {
    putWhole(failed, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** Writes a file under another name and renames it, so that readers never see a partial file. */
function putWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
