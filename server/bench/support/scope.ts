import { makeFolder } from './data.ts';
import { Load } from './load.ts';
import { LOAD_CORE, type Program } from './program.ts';

/** The resources of a section, released at its end in any case. */
export class Scope {
  readonly #programs: Program[] = [];
  readonly #folders: { path: string; remove(): Promise<void> }[] = [];
  readonly load = new Load(LOAD_CORE);

  /** Runs a section. */
  static async run(section: (scope: Scope) => Promise<void>): Promise<void> {
    const scope = new Scope();
    try {
      await section(scope);
    } finally {
      scope.load.close();
      await scope.stopPrograms();
      for (const folder of scope.#folders) await folder.remove();
    }
  }

  async folder(): Promise<string> {
    const folder = await makeFolder();
    this.#folders.push(folder);
    return folder.path;
  }

  async program(starting: Promise<Program>): Promise<Program> {
    const program = await starting;
    this.#programs.push(program);
    return program;
  }

  async stopPrograms(): Promise<void> {
    for (const program of this.#programs.splice(0)) await program.stop();
  }
}
