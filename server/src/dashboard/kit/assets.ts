import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StaticFile, staticFile } from '../../http/static-file.ts';

/** The built style sheet, script and marks. They are read once at start, and served from memory under names that depend on content. */

export interface Assets {
  files: readonly StaticFile[];
  /** The URL of the style sheet. */
  style: string;
  /** The URL of the script. */
  script: string;
  /** The URL of the marks of sources. */
  marks: string;
}

/** Assets without files, for tests that do not render pages. */
export const NO_ASSETS: Assets = {
  files: [],
  style: '/assets/none.css',
  script: '/assets/none.js',
  marks: '/assets/none.svg',
};

/** Reads the built files. It throws if they have not been built. */
export async function loadAssets(folder: string): Promise<Assets> {
  const names = await namesIn(folder);
  const files = await Promise.all(
    names.map(async (name) => staticFile(name, await readFile(join(folder, name)))),
  );
  const addressOf = (ending: string) => {
    const found = files.find(({ name }) => name.endsWith(ending));
    if (found === undefined)
      throw new Error(`There is no ${ending} file in ${folder}: the dashboard has not been built.`);
    return `/assets/${found.name}`;
  };
  return { files, style: addressOf('.css'), script: addressOf('.js'), marks: addressOf('.svg') };
}

async function namesIn(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '{"files":[]}');
  return (JSON.parse(text) as { files: string[] }).files; // written by server/rollup.config.mjs
}
