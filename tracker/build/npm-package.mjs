import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { minify } from 'terser';

/** Minifies the ES module, and adds the npm package's package.json, types, README and license. */
export const npmPackage = {
  name: 'npm-package',
  renderChunk: async (code) =>
    (await minify(code, { ecma: 2020, module: true, compress: { passes: 2 } })).code,
  writeBundle({ dir }) {
    const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'));
    const description = {
      name: 'attractos-tracker',
      version,
      description: 'The AttractOS tracker as a typed ES module: no dependencies, safe to import on a server.',
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
};
