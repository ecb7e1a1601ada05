import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is built, from what, and how. */
const BUILDS = [
  {
    what: 'the server',
    output: 'dist/server/src/main.js',
    sources: ['server/src', 'tracker/wire', 'server/tsconfig.build.json', 'tsconfig.json', 'package.json'],
    command: ['node_modules/typescript/bin/tsc', '-p', 'server/tsconfig.build.json'],
  },
  {
    what: 'the dashboard',
    output: 'dist/dashboard/manifest.json',
    sources: ['server/src/dashboard', 'server/rollup.config.mjs', 'tsconfig.json', 'package.json'],
    command: ['node_modules/rollup/dist/bin/rollup', '-c', 'server/rollup.config.mjs', '--silent'],
  },
  {
    what: 'the tracker',
    output: 'dist/public/a.js',
    sources: [
      'tracker/src',
      'tracker/wire',
      'tracker/build',
      'rollup.config.mjs',
      'tsconfig.json',
      'package.json',
    ],
    command: ['node_modules/rollup/dist/bin/rollup', '-c', '--silent'],
  },
];

/** Newest modification time of a file, or of the files in a folder, epoch milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), 0);
}

function isFresh({ output, sources }) {
  const built = join(root, output);
  if (!existsSync(built)) return false;
  return sources.every((source) => newest(join(root, source)) <= statSync(built).mtimeMs);
}

/** Builds what is missing or older than its sources. An image without the sources or the compilers is taken as it is. */
export function ensureBuilt() {
  for (const build of BUILDS) {
    const [compiler = ''] = build.command;
    const canBuild = [compiler, ...build.sources].every((path) => existsSync(join(root, path)));
    if (!canBuild || isFresh(build)) continue;
    process.stderr.write(`Building ${build.what} …\n`);
    const { status } = spawnSync(process.execPath, build.command, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) {
      process.stderr.write(`Building ${build.what} failed.\n`);
      process.exit(1);
    }
  }
}
