// Builds the tracker: three scripts from one source into dist/public, and the npm package into dist/npm.
import { npmPackage } from './tracker/build/npm-package.mjs';
import { publish } from './tracker/build/publish.mjs';
import { squeeze } from './tracker/build/squeeze.mjs';
import { typescript } from './tracker/build/typescript.mjs';

/** Replaces the modules of tracker/src that differ between builds. */
const replaceModules = (modules) => ({
  name: 'replace-modules',
  load: (id) => modules[id.split('/tracker/src/')[1]] ?? null,
});

/** The flags of build.ts as constants, so that each build contains only what it needs. */
const flags = (core, full) => ({ 'build.ts': `export const CORE = ${core}, FULL = ${full};` });

const build = (entry, dir, file, modules, ...plugins) => ({
  input: `tracker/src/${entry}`,
  output: { dir, entryFileNames: file, format: 'es' },
  plugins: [replaceModules(modules), typescript, ...plugins],
});

const script = (file, core, full) =>
  build('index.ts', 'dist/public', file, flags(core, full), squeeze, publish(file));

export default [
  script('a.micro.js', false, false),
  script('a.js', true, false),
  script('a.full.js', true, true),
  // The npm package has no tag: its settings come from `init`.
  build(
    'npm.ts',
    'dist/npm',
    'index.js',
    { ...flags(true, true), 'tag.ts': "export * from './options.ts';" },
    npmPackage,
  ),
];
