import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is built, from what, and how. */
const BUILDS = [
  {
    what: 'the server',
    output: 'dist/server/src/main.js',
    sources: ['server/src', 'tracker/wire', 'server/build.mjs', 'tracker/build', 'package.json'],
    tool: 'node_modules/oxc-transform',
    command: ['server/build.mjs'],
  },
  {
    what: 'the dashboard',
    output: 'dist/dashboard/manifest.json',
    sources: ['server/src/dashboard', 'server/rollup.config.mjs', 'tracker/build', 'package.json'],
    tool: 'node_modules/rollup',
    command: ['node_modules/rollup/dist/bin/rollup', '-c', 'server/rollup.config.mjs', '--silent'],
  },
  {
    what: 'the tracker',
    output: 'dist/public/a.js',
    sources: ['tracker/src', 'tracker/wire', 'tracker/build', 'rollup.config.mjs', 'package.json'],
    tool: 'node_modules/rollup',
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

/** Builds what is missing or older than its sources. A package or an image without the sources is taken as it is. */
export function ensureBuilt() {
  for (const build of BUILDS) {
    const hasSources = build.sources.every((path) => existsSync(join(root, path)));
    const isBuilt = existsSync(join(root, build.output));
    if (hasSources ? isFresh(build) : isBuilt) continue;
    if (!hasSources)
      fail(`${build.what} is missing from ${root}, and so are its sources. Install AttractOS again.`);
    if (!existsSync(join(root, build.tool))) {
      if (isBuilt) continue;
      fail(
        `${build.what} is not built, and the tools to build it are not installed. Run "npm ci" in ${root}.`,
      );
    }
    if (!canWrite()) {
      if (isBuilt) continue;
      fail(
        `${build.what} is not built, and ${root} cannot be written. Run "npm run build" there as its owner.`,
      );
    }
    process.stderr.write(`Building ${build.what} …\n`);
    const { status } = spawnSync(process.execPath, build.command, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) fail(`Building ${build.what} failed.`);
  }
}

function canWrite() {
  try {
    mkdirSync(join(root, 'dist'), { recursive: true });
    accessSync(join(root, 'dist'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function fail(sentence) {
  process.stderr.write(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}\n`);
  process.exit(1);
}
