// Builds the server into dist/server, and what it shares with the tracker into dist/tracker. With `--gallery`, the gallery, too.
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { translate } from '../tracker/build/typescript.mjs';

const SOURCES = ['server/src/**/*.{ts,tsx}', 'tracker/wire/**/*.ts'];
/** These run in the browser. */
const ISLANDS = /(^|\/)island-[^/]*$/;

const root = join(import.meta.dirname, '..');
const patterns = process.argv.includes('--gallery') ? [...SOURCES, 'server/gallery/**/*.{ts,tsx}'] : SOURCES;
for (const source of globSync(patterns, { cwd: root })) {
  if (ISLANDS.test(source)) continue;
  const { code, map } = translate(source, readFileSync(join(root, source), 'utf8'), { rewriteImports: true });
  const output = join(root, 'dist', source.replace(/\.tsx?$/, '.js'));
  const folder = dirname(output);
  mkdirSync(folder, { recursive: true });
  const sources = [relative(folder, join(root, source))];
  write(`${output}.map`, JSON.stringify({ ...map, file: basename(output), sources }));
  write(output, `${code}\n//# sourceMappingURL=${basename(output)}.map\n`);
}

/** Writes a file at once: a program that starts meanwhile reads the old file or the new one, and never a part. */
function write(file, text) {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}
