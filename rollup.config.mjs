// Builds the tracker: three scripts from one source into dist/public, and the npm package into dist/npm.
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import typescript from '@rollup/plugin-typescript';
import { minify } from 'terser';

const budgets = JSON.parse(readFileSync(new URL('tracker/budgets.json', import.meta.url), 'utf8'));

/** Puts other code in the place of modules that differ from build to build. */
const replaceModules = (modules) => ({
  name: 'replace-modules',
  load: (id) => modules[id.split('/tracker/src/')[1]] ?? null,
});

/** The flags of src/build.ts as constants, so that what a build does not hold disappears from it. */
const flags = (core, full) => ({ 'build.ts': `export const CORE = ${core}, FULL = ${full};` });

/**
 * Makes a classic script of the bundle: minified, in a block of its own, with a net under it, for nothing that goes
 * wrong in here is the page's business.
 */
const classicScript = {
  name: 'classic-script',
  async renderChunk(code) {
    // terser joins and inlines `var` at the top level, but not `const`; in the block they are `let` again.
    // (A test sees to it that no name leaks into the page.)
    const { code: minified } = await minify(code.replace(/^(const|let) /gm, 'var '), {
      ecma: 2020,
      toplevel: true,
      compress: {
        passes: 5,
        unsafe: true,
        unsafe_arrows: true,
        pure_getters: true,
        keep_fargs: false,
        booleans_as_integers: true,
      },
      // Properties that start with an underscore are ours alone.
      mangle: { properties: { regex: /^_/ } },
    });
    const short = minified
      // We compare strings with strings, and booleans with booleans, only.
      .replaceAll('!==', '!=')
      .replaceAll('===', '==')
      // terser puts constants first; after what they are compared with, they repeat better.
      .replaceAll(/("\w+")([!=]=)([\w.]+)/g, '$3$2$1')
      // Of the two states, `hidden` comes before `i` and `visible` after it.
      .replaceAll('document.visibilityState=="visible"', 'document.visibilityState>"i"')
      .replaceAll('document.visibilityState!="visible"', 'document.visibilityState<"i"')
      // One word for both compresses better.
      .replaceAll(/\bconst(?=[ {[])/g, 'let')
      .replace(/^var /, 'let ')
      .replace(/;$/, '');
    return `try{${short}}catch{}`;
  },
};

const manifest = {};

/** Measures a script against its budget, and publishes it under its name and under its content's hash. */
const publish = (name) => ({
  name: 'publish',
  generateBundle(_options, bundle) {
    // Rollup ends files with a new line, which costs three bytes.
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
    // Nothing refers to the hashes of earlier builds any more.
    const older = new RegExp(`^${name.replace(/js$/, '[0-9a-f]{16}.js')}$`);
    for (const file of readdirSync(dir))
      if (older.test(file) && file !== manifest[name].hashed) rmSync(`${dir}/${file}`);
    if (Object.keys(manifest).length === Object.keys(budgets).length)
      writeFileSync(`${dir}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  },
});

const script = (name, core, full) => ({
  input: 'tracker/src/index.ts',
  output: { dir: 'dist/public', entryFileNames: name, format: 'es' },
  plugins: [
    replaceModules(flags(core, full)),
    typescript({ tsconfig: 'tracker/tsconfig.json', outDir: 'dist/public' }),
    classicScript,
    publish(name),
  ],
});

/** The npm package: the full tracker as an ES module, with what npm wants to see around it. */
const npmPackage = {
  input: 'tracker/src/npm.ts',
  output: { dir: 'dist/npm', entryFileNames: 'index.js', format: 'es' },
  plugins: [
    replaceModules({ ...flags(true, true), 'tag.ts': "export * from './options.ts';" }),
    typescript({ tsconfig: 'tracker/tsconfig.json', outDir: 'dist/npm' }),
    {
      name: 'npm-package',
      renderChunk: async (code) =>
        (await minify(code, { ecma: 2020, module: true, compress: { passes: 2 } })).code,
      writeBundle({ dir }) {
        const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'));
        const description = {
          name: 'attractos-tracker',
          version,
          description:
            'The AttractOS tracker as a typed ES module: no dependencies, safe to import on a server.',
          license,
          type: 'module',
          sideEffects: false,
          exports: { '.': { types: './index.d.ts', default: './index.js' } },
          types: './index.d.ts',
          files: ['index.js', 'index.d.ts'],
          keywords: ['analytics', 'privacy', 'cookieless', 'attractos'],
        };
        writeFileSync(`${dir}/package.json`, `${JSON.stringify(description, null, 2)}\n`);
        for (const file of ['index.d.ts', 'README.md']) copyFileSync(`tracker/npm/${file}`, `${dir}/${file}`);
        copyFileSync('LICENSE', `${dir}/LICENSE`);
      },
    },
  ],
};

export default [
  script('a.micro.js', false, false),
  script('a.js', true, false),
  script('a.full.js', true, true),
  npmPackage,
];
