import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BurstResult, BurstSpec } from './burst.ts';
import { onCore } from './os.ts';

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));

/** The load generator, as the measuring process uses it. */
export class Load {
  readonly #child: ChildProcess;

  /** @param core the core it is pinned to, or null for any */
  constructor(core: number | null) {
    const [command = '', ...args] = onCore(core, [process.execPath, GENERATOR]);
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Runs one burst. Throws if a response was not as expected, because the speed of wrong responses means nothing. */
  async burst(spec: BurstSpec): Promise<BurstResult> {
    const answer = new Promise<{ result: BurstResult } | { error: string }>((resolve, reject) => {
      this.#child.once('message', resolve);
      this.#child.once('exit', () => reject(new Error('the generator of load ended')));
    });
    this.#child.send(spec);
    const said = await answer;
    this.#child.removeAllListeners('exit');
    if ('error' in said) throw new Error(`the burst failed: ${said.error}`);
    const { wrong } = said.result;
    if (wrong.count > 0)
      throw new Error(
        `${wrong.count} answers were not as expected, such as\n${wrong.samples.join('\n---\n')}`,
      );
    return said.result;
  }

  close(): void {
    this.#child.disconnect();
  }
}
