import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const budgets = JSON.parse(readFileSync(new URL('../budgets.json', import.meta.url), 'utf8'));

/** The file names, hashes and sizes of the scripts, for the server and the size report. Written after the last build. */
const manifest = {};

/** Publishes a script, with a copy under the hash of its content. Fails the build if the script is over its budget. */
export const publish = (name) => ({
  name: 'publish',
  generateBundle(_options, bundle) {
    // Rollup ends files with a line break, which costs three bytes compressed.
    const code = bundle[name].code.trimEnd();
    bundle[name].code = code;
    const bytes = {
      raw: Buffer.byteLength(code),
      gzip: gzipSync(code, { level: 9 }).length,
      brotli: brotliCompressSync(code).length,
    };
    for (const format of ['gzip', 'brotli'])
      if (bytes[format] > budgets[name][format])
        this.error(`${name} has ${bytes[format]} bytes in ${format}; its budget is ${budgets[name][format]}`);
    const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
    const hashed = name.replace(/js$/, `${hash}.js`);
    const integrity = `sha384-${createHash('sha384').update(code).digest('base64')}`;
    manifest[name] = { file: name, hashed, integrity, bytes };
    this.emitFile({ type: 'asset', fileName: hashed, source: code });
  },
  writeBundle({ dir }) {
    // Finds the hashed copies of earlier builds, which no page uses.
    const older = new RegExp(`^${name.replace(/js$/, '[0-9a-f]{16}.js')}$`);
    for (const file of readdirSync(dir))
      if (older.test(file) && file !== manifest[name].hashed) rmSync(`${dir}/${file}`);
    if (Object.keys(manifest).length === Object.keys(budgets).length)
      writeFileSync(`${dir}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  },
});
