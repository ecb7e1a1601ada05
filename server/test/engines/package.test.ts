import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mayDownload, missing, run } from '../support/engines/process.ts';
import { ask } from '../support/http.ts';
import { root, temporaryFolder } from '../support/paths.ts';
import { command, startProgram } from '../support/program.ts';
import { pageHeaders } from '../support/world.ts';

/** The npm package, as people install it who have no checkout. */

const LIMIT_MS = 300_000;
const EMAIL = 'owner@example.com';
const BIN = join('server', 'bin', 'attractos.js');

const hasRegistry = mayDownload() || missing('the npm registry', 'Run with ENGINES=install.') !== null;

describe('the npm package', { timeout: LIMIT_MS }, () => {
  it.skipIf(!hasRegistry)('installs without scripts and development tools, and counts an event', async () => {
    const folder = await temporaryFolder();
    const npm = (...args: string[]) => run('npm', [...args, '--ignore-scripts', '--silent'], { cwd: folder });
    const tarball = npm('pack', root).trim().split('\n').at(-1) ?? '';
    npm('install', '--omit=dev', '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', `./${tarball}`);
    const modules = join(folder, 'node_modules');
    const packed = join(modules, 'attractos');
    expect(readdirSync(packed).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist',
      'package.json',
      'server',
    ]);
    for (const tool of ['typescript', 'rollup', 'vitest'])
      expect(existsSync(join(modules, tool))).toBe(false);

    const dataDir = await temporaryFolder();
    const running = { program: join(packed, BIN) };
    const say = async (...args: string[]) => {
      const { code, stdout, stderr } = await command(dataDir, args, {}, running);
      expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    const json = async (...args: string[]) =>
      JSON.parse(await say(...args, '--json')) as Record<string, string>;
    expect(await say('--version')).toBe('0.1.0\n');
    expect(await say('-h')).toContain('Usage: attractos');
    await json('account', 'add', '--email', EMAIL);
    const { key } = await json('site', 'add', '--account', EMAIL, '--domain', 'example.com');
    const { key: apiKey } = await json('key', 'add', '--account', EMAIL, '--name', 'test');

    const program = startProgram(dataDir, {}, running);
    const url = await program.address;
    const { status } = await ask(url, {
      ...{ method: 'POST', path: '/e', headers: pageHeaders() },
      body: JSON.stringify({ key, url: 'https://example.com/' }),
    });
    expect(status).toBe(202);
    const sites = await ask(url, { path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } });
    expect(sites.json()).toMatchObject({ sites: [{ events_this_month: 1 }] });
    for (const path of ['/a.js', '/login', '/docs'])
      expect((await ask(url, { path })).status, path).toBe(200);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
  });

  it.each([
    {
      lacks: 'its sources',
      folders: ['server/bin'],
      sentence: /^The server is missing from .*, and so are its sources. Install AttractOS again./,
    },
    {
      lacks: 'its tools',
      folders: ['server', 'tracker'],
      sentence: /^The server is not built, and the tools to build it are not installed. Run "npm ci" in /,
    },
  ])('says in one sentence that it is not built and lacks $lacks', async ({ folders, sentence }) => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'server'));
    for (const each of [...folders, 'package.json', 'rollup.config.mjs'])
      cpSync(join(root, each), join(folder, each), { recursive: true });
    const { code, stderr } = await command(folder, ['--version'], {}, { program: join(folder, BIN) });
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
