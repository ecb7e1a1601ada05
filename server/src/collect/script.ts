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
  const identity = await readFile(join(folder, name));
  return {
    name: name === 'manifest.json' ? 'a.manifest.json' : name,
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
    etag: script.etag,
  });
  const tags = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (tags?.includes(script.etag)) return reply.code(304).send();
  reply.type(script.contentType);
  const accepted = request.headers['accept-encoding'] ?? '';
  const encoding = (['br', 'gzip'] as const).find((name) =>
    new RegExp(`\\b${name}\\b(?!;q=0(\\.0*)?\\b)`).test(accepted),
  );
  if (encoding === undefined) return reply.send(script.identity);
  return reply.header('content-encoding', encoding).send(script[encoding]);
}
