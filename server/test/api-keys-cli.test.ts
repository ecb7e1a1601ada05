import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/paths.ts';
import { command, json } from './support/program.ts';

describe('commands for API keys and time zones', () => {
  it('creates keys with scopes, lists them, and sets the time zone of an account', async () => {
    const folder = await temporaryFolder();
    await json(folder, ['account', 'add', '--email', 'a@example.com']);
    const account = ['--account', 'a@example.com'];
    const site = await json(folder, ['site', 'add', ...account, '--domain', 'example.com']);
    await json(folder, ['key', 'add', ...account, '--name', 'plain']);
    const bound = ['--scopes', 'read,write', '--sites', String(site.id)];
    expect(Object.keys(await json(folder, ['key', 'add', ...account, '--name', 'bound', ...bound]))).toEqual([
      ...['id', 'name', 'key'],
    ]);
    const { keys } = (await json(folder, ['key', 'list', ...account])) as { keys: { name: string }[] };
    expect(keys.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
      { name: 'bound', scopes: ['read', 'write'], sites: [site.id], last_used_at: null, revoked_at: null },
      { name: 'plain', scopes: ['read'], sites: null },
    ]);
    const zone = (name: string) => [
      'account',
      'time-zone',
      '--email',
      'a@example.com',
      '--zone',
      name,
      '--json',
    ];
    expect(JSON.parse((await command(folder, zone('Europe/Berlin'))).stdout)).toMatchObject({
      time_zone: 'Europe/Berlin',
    });
    for (const [args, code] of [
      [zone('Nowhere'), 'INVALID_TIME_ZONE'],
      [['key', 'add', ...account, '--name', 'x', '--scopes', 'all', '--json'], 'INVALID_SCOPE'],
      [['key', 'add', ...account, '--name', 'x', '--sites', 'site_x', '--json'], 'SITE_NOT_FOUND'],
    ] as const) {
      const { code: exit, stderr } = await command(folder, args);
      expect([exit, (JSON.parse(stderr) as { code: string }).code]).toEqual([1, code]);
    }
  });
});
