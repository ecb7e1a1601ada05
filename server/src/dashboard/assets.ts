import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** The built style sheet and script: read once at start, served from memory under names that change with their content. */

export interface Asset {
  /** Such as `dashboard-1a2b3c4d.js`. */
  name: string;
  contentType: string;
  identity: Buffer;
  gzip: Buffer;
  br: Buffer;
}

export interface Assets {
  files: readonly Asset[];
  /** Address of the style sheet. */
  style: string;
  /** Address of the script. */
  script: string;
}

/** A dashboard without its files, for tests that look at no page. */
export const NO_ASSETS: Assets = { files: [], style: '/assets/none.css', script: '/assets/none.js' };

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** Reads the built files. Throws where they have not been built. */
export async function loadAssets(folder: string): Promise<Assets> {
  const names = await namesIn(folder);
  const files = await Promise.all(names.map((name) => loadAsset(folder, name)));
  const addressOf = (ending: string) => {
    const found = files.find(({ name }) => name.endsWith(ending));
    if (found === undefined)
      throw new Error(`There is no ${ending} file in ${folder}: the dashboard has not been built.`);
    return `/assets/${found.name}`;
  };
  return { files, style: addressOf('.css'), script: addressOf('.js') };
}

async function namesIn(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '{"files":[]}');
  return (JSON.parse(text) as { files: string[] }).files; // written by server/rollup.config.mjs
}

async function loadAsset(folder: string, name: string): Promise<Asset> {
  const identity = await readFile(join(folder, name));
  return {
    name,
    contentType: TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    identity,
    gzip: gzipSync(identity, { level: 9 }),
    br: brotliCompressSync(identity),
  };
}
