import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type StaticFile, sendStatic, staticFile } from '../http/static-file.ts';

/** A file of the tracker. Its `name` is the URL path without the leading slash, such as `a.js`. */
export interface ScriptFile extends StaticFile {
  /** Whether the name contains a hash of the content, so that the content never changes. */
  immutable: boolean;
}

const SHORT_CACHE = 'public, max-age=3600, stale-while-revalidate=86400';
const LONG_CACHE = 'public, max-age=31536000, immutable';
/** Matches a file name with a hash: `a.<hash>.js`, `a.full.<hash>.js`. */
const HASHED = /\.[0-9a-f]{8,}\.js$/;

/** Reads the built tracker. @throws if it has not been built */
export async function loadScripts(folder: string): Promise<ScriptFile[]> {
  const names = (await readdir(folder)).filter((name) => /^a\..*js$|^manifest\.json$/.test(name));
  if (!names.includes('a.js'))
    throw new Error(`a.js is missing in ${folder}. Build the tracker first: npm run build.`);
  return Promise.all(names.map((name) => loadScript(folder, name)));
}

async function loadScript(folder: string, name: string): Promise<ScriptFile> {
  const isManifest = name === 'manifest.json';
  return asServed(isManifest ? 'a.manifest.json' : name, await readFile(join(folder, name)));
}

async function asServed(name: string, identity: Buffer): Promise<ScriptFile> {
  return { ...(await staticFile(name, identity)), immutable: HASHED.test(name) };
}

/** The collector's path as written in the built tracker. */
const COLLECT_PATH_IN_SCRIPT = '"/e"';

/** Returns a script whose default is to send to a path other than `/e` at its own origin. */
function sendingTo(collect: string, { name, identity }: ScriptFile): Buffer {
  const [before, after, ...more] = identity.toString().split(COLLECT_PATH_IN_SCRIPT);
  if (after === undefined || more.length > 0)
    throw new Error(
      `${name} must contain the collector path exactly once. Rebuild the tracker: npm run build.`,
    );
  return Buffer.from(`${before}${JSON.stringify(collect)}${after}`);
}

/** Whether a file is a script that may change: one with a hash in its name must not. */
function isChangeable({ name, immutable }: ScriptFile): boolean {
  return name.endsWith('.js') && !immutable;
}

/** Returns the files with scripts that send below the base path. Those with a hash in their name need `data-api` there. */
export async function scriptsBelow(files: readonly ScriptFile[], basePath: string): Promise<ScriptFile[]> {
  if (basePath === '') return [...files];
  return Promise.all(
    files.map((file) => (isChangeable(file) ? asServed(file.name, sendingTo(`${basePath}/e`, file)) : file)),
  );
}

/**
 * Copies scripts to another path and with another collector path: `a.js` to `/js/app.js`, `a.full.js` to `/js/app.full.js`. Both
 * are below the base path.
 */
export async function renamedScripts(
  scripts: readonly ScriptFile[],
  { script, collect }: { script: string | null; collect: string | null },
  basePath = '',
): Promise<ScriptFile[]> {
  if (script === null) return [];
  return Promise.all(
    scripts.filter(isChangeable).map((file) => {
      const renamed = `${script.slice(1, -'.js'.length)}${file.name.slice('a'.length)}`;
      return asServed(renamed, sendingTo(`${basePath}${collect ?? '/e'}`, file));
    }),
  );
}

/** Serves the tracker to every origin with CORS, so that pages can pin it with `integrity`. */
export async function scriptRoutes(
  app: FastifyInstance,
  { scripts }: { scripts: readonly ScriptFile[] },
): Promise<void> {
  for (const script of scripts) {
    app.get(`/${script.name}`, async (request, reply) => {
      reply.headers({
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'cache-control': script.immutable ? LONG_CACHE : SHORT_CACHE,
      });
      return sendStatic(request, reply, script);
    });
  }
}
