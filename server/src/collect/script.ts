import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The tracker's files, read once at start and served from memory: no path of a request ever reaches the disk. */
export interface ScriptFile {
  /** Address below the root, such as `a.js`. */
  name: string;
  contentType: string;
  etag: string;
  /** Named after its content, so it never changes. */
  immutable: boolean;
  identity: Buffer;
  gzip: Buffer;
  br: Buffer;
}

const SHORT_CACHE = 'public, max-age=3600, stale-while-revalidate=86400';
const LONG_CACHE = 'public, max-age=31536000, immutable';
/** `a.<hash>.js`, `a.full.<hash>.js`. */
const HASHED = /\.[0-9a-f]{8,}\.js$/;

const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) };

/** Reads the built tracker. Throws where it has not been built. */
export async function loadScripts(folder: string): Promise<ScriptFile[]> {
  const names = (await readdir(folder)).filter((name) => /^a\..*js$|^manifest\.json$/.test(name));
  if (!names.includes('a.js'))
    throw new Error(`There is no a.js in ${folder}: the tracker has not been built.`);
  return Promise.all(names.map((name) => loadScript(folder, name)));
}

async function loadScript(folder: string, name: string): Promise<ScriptFile> {
  const isManifest = name === 'manifest.json';
  return asServed(isManifest ? 'a.manifest.json' : name, await readFile(join(folder, name)));
}

async function asServed(name: string, identity: Buffer): Promise<ScriptFile> {
  return {
    name,
    contentType: name.endsWith('.json')
      ? 'application/json; charset=utf-8'
      : 'text/javascript; charset=utf-8',
    etag: `"${hash('sha256', identity, 'base64url').slice(0, 27)}"`,
    immutable: HASHED.test(name),
    identity,
    gzip: await compress.gzip(identity, { level: 9 }),
    br: await compress.br(identity),
  };
}

/** How the built tracker writes the path of the collector. */
const COLLECT_PATH_IN_SCRIPT = '"/e"';

/**
 * The same scripts under another name, sending to another path: `/js/app.js` for `a.js`, `/js/app.full.js` for `a.full.js`.
 * Pinned files are not among them: what is pinned must stay what it is.
 */
export async function renamedScripts(
  scripts: readonly ScriptFile[],
  { script, collect }: { script: string | null; collect: string | null },
): Promise<ScriptFile[]> {
  if (script === null) return [];
  return Promise.all(
    scripts
      .filter(({ name, immutable }) => name.endsWith('.js') && !immutable)
      .map(({ name, identity }) => {
        const renamed = `${script.slice(1, -'.js'.length)}${name.slice('a'.length)}`;
        const [before, after, ...more] = identity.toString().split(COLLECT_PATH_IN_SCRIPT);
        if (after === undefined || more.length > 0)
          throw new Error(`${name} does not name the path of the collector exactly once.`);
        return asServed(renamed, Buffer.from(`${before}${JSON.stringify(collect ?? '/e')}${after}`));
      }),
  );
}

/** The tracker over HTTP: readable by every origin, so that pages can pin it with `integrity`. */
export async function scriptRoutes(
  app: FastifyInstance,
  { scripts }: { scripts: readonly ScriptFile[] },
): Promise<void> {
  for (const script of scripts) {
    app.get(`/${script.name}`, async (request, reply) => send(request, reply, script));
  }
}

function send(request: FastifyRequest, reply: FastifyReply, script: ScriptFile): FastifyReply {
  reply.headers({
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': script.immutable ? LONG_CACHE : SHORT_CACHE,
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    // Weak, since one tag stands for three encodings: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3
    etag: `W/${script.etag}`,
  });
  const tags = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (tags?.some((tag) => tag === script.etag || tag === '*')) return reply.code(304).send();
  reply.type(script.contentType);
  const accepted = request.headers['accept-encoding'] ?? '';
  const encoding = (['br', 'gzip'] as const).find((name) =>
    new RegExp(`\\b${name}\\b(?!;q=0(\\.0*)?\\b)`).test(accepted),
  );
  if (encoding === undefined) return reply.send(script.identity);
  return reply.header('content-encoding', encoding).send(script[encoding]);
}
