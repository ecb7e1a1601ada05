import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../poll.ts';

/** As long as making and starting an engine may take on a busy machine. */
const START_DEADLINE_MS = 120_000;

/**
 * What all suites of a run share is made once, by whoever asks first; the others wait for it.
 *
 * @param folder made here, for `make` to fill
 * @param make answers what the others need to find it, as text
 * @throws where it could not be made, in every suite and at once
 */
export async function madeOnce(folder: string, make: () => Promise<string>): Promise<string> {
  const [ready, failed] = [join(folder, 'ready'), join(folder, 'failed')];
  try {
    mkdirSync(folder);
  } catch {
    // Somebody was first.
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

/** Who sees the file sees all of it. */
function putWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
