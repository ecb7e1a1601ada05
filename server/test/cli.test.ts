import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, it } from 'vitest';
import { accountCommands } from '../src/commands/account.ts';
import { keyCommands } from '../src/commands/key.ts';
import { maintenanceCommands } from '../src/commands/maintenance.ts';
import { moveCommands } from '../src/commands/move.ts';
import { buildProgram } from '../src/commands/program.ts';
import { siteCommands } from '../src/commands/site.ts';
import { isSiteKey } from '../src/domain/keys.ts';
import { ask } from './support/http.ts';
import { makeFolder, root, temporaryFolder } from './support/paths.ts';
import { command, json, type Program, startProgram } from './support/program.ts';
import { pageHeaders } from './support/world.ts';

/** The operator's commands as separate processes, with and without a running server. */

const ADA = 'ada@example.com';
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function addSite(dataDir: string, domain: string, account = ADA): Promise<{ id: string; key: string }> {
  const { id, key } = await json(dataDir, ['site', 'add', '--account', account, '--domain', domain]);
  return { id: String(id), key: String(key) };
}

/** Sends a page view. @returns the outcome in the response */
async function send(program: Program, key: string, url = 'https://example.com/'): Promise<unknown> {
  const { headers } = await ask(await program.address, {
    method: 'POST',
    path: '/e',
    headers: pageHeaders(new URL(url).origin),
    body: JSON.stringify({ key, url }),
  });
  return headers['x-attractos-outcome'];
}

async function apiSites(program: Program, apiKey: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await ask(await program.address, {
    path: '/api/v1/sites',
    headers: { authorization: `Bearer ${apiKey}` },
  });
  return { status: answer.status, body: answer.json() };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

describe('beside a running server', () => {
  it('adds and removes accounts, sites and keys, which the server notices within a second', async () => {
    const dataDir = await temporaryFolder();
    const program = startProgram(dataDir);
    await program.address;

    const account = await json(dataDir, ['account', 'add', '--email', ADA]);
    expect(account).toEqual({
      id: expect.stringMatching(/^acc_\w+$/),
      email: ADA,
      plan: 'free',
      password: expect.stringMatching(/^\w{20,}$/),
    });
    const site = await json(dataDir, [
      'site',
      'add',
      '--account',
      ADA,
      '--domain',
      'https://Example.com/shop',
    ]);
    expect(site).toEqual({
      id: expect.stringMatching(/^site_\w+$/),
      domain: 'example.com',
      key: expect.stringMatching(/^ak_\w+$/),
      created_at: expect.stringMatching(ISO_TIME),
    });
    expect(isSiteKey(String(site.key))).toBe(true);
    const key = await json(dataDir, ['key', 'add', '--account', 'ADA@example.com', '--name', 'my laptop']);
    expect(key).toEqual({
      id: expect.stringMatching(/^key_\w+$/),
      name: 'my laptop',
      key: expect.stringMatching(/^sk_\w+$/),
    });

    await expect.poll(() => send(program, String(site.key))).toBe('stored');
    const listed = await json(dataDir, ['site', 'list', '--account', ADA]);
    expect(listed).toEqual({
      sites: [
        {
          id: site.id,
          domain: 'example.com',
          key: site.key,
          events_this_month: 1,
          created_at: site.created_at,
        },
      ],
    });
    expect(await apiSites(program, key.key)).toEqual({ status: 200, body: listed });

    const revoked = await json(dataDir, ['key', 'revoke', '--id', String(key.id)]);
    expect(revoked).toEqual({ id: key.id, revoked_at: expect.stringMatching(ISO_TIME) });
    expect(await json(dataDir, ['key', 'revoke', '--id', String(key.id)])).toEqual(revoked);
    expect(await apiSites(program, key.key)).toMatchObject({ status: 401, body: { code: 'INVALID_KEY' } });

    const { key: second } = await json(dataDir, ['key', 'add', '--account', ADA, '--name', 'second']);
    expect(await apiSites(program, second)).toMatchObject({ status: 200 });
    expect(await json(dataDir, ['account', 'remove', '--email', ADA])).toEqual({
      id: account.id,
      email: ADA,
    });
    expect(await apiSites(program, second)).toMatchObject({ status: 401, body: { code: 'USER_NOT_FOUND' } });
    await expect.poll(() => send(program, String(site.key))).toBe('refused; reason=unknown-key');
  });

  it('rotates a key, changes rules, and prints the ledger', async () => {
    const dataDir = await temporaryFolder();
    const program = startProgram(dataDir);
    await json(dataDir, ['account', 'add', '--email', ADA]);
    const { id, key } = await addSite(dataDir, 'example.com');
    await expect.poll(() => send(program, key)).toBe('stored');
    expect(await send(program, key, 'https://blog.example.com/')).toBe('refused; reason=wrong-domain');

    const rules = ['site', 'rules', '--site', id];
    const unchanged = { id, allow_subdomains: false, extra_hosts: [] };
    expect(await json(dataDir, rules)).toEqual(unchanged);
    const changed = {
      id,
      allow_subdomains: true,
      extra_hosts: ['*.preview.example', 'xn--mnchen-3ya.example'],
    };
    expect(
      await json(dataDir, [...rules, '--subdomains', 'on', '--allow', '*.Preview.example, münchen.example']),
    ).toEqual(changed);
    await expect.poll(() => send(program, key, 'https://blog.example.com/')).toBe('stored');
    expect(await send(program, key, 'https://pr-1.preview.example/')).toBe('stored');
    const dryRun = [...rules, '--subdomains', 'off', '--forbid', '*.preview.example', '--dry-run', 'yes'];
    const asFlag = dryRun.slice(0, -1);
    expect(await json(dataDir, asFlag)).toEqual(await json(dataDir, dryRun));
    expect(await json(dataDir, dryRun)).toMatchObject({
      accepted: 3,
      would_be_refused: 2,
      hosts: { 'blog.example.com': 1, 'pr-1.preview.example': 1 },
      would_be_counted: 0,
    });
    // It was refused until the rules took effect.
    const looser = await json(dataDir, [...rules, '--dry-run']);
    expect(Number(looser.would_be_counted)).toBeGreaterThan(0);
    expect(looser).toMatchObject({
      would_be_refused: 0,
      counted_hosts: { 'blog.example.com': looser.would_be_counted },
      refused_hosts_not_kept: 0,
    });
    expect(await json(dataDir, rules)).toEqual(changed);

    const rotated = await json(dataDir, ['site', 'rotate-key', '--site', id]);
    expect(rotated).toEqual({ id, key: expect.stringMatching(/^ak_\w+$/) });
    await expect.poll(() => send(program, String(rotated.key))).toBe('stored');
    expect(await send(program, key)).toBe('stored');
    expect(await json(dataDir, ['site', 'retire-key', '--key', key])).toEqual({ id, key, state: 'retired' });
    await expect.poll(() => send(program, key)).toBe('refused; reason=retired-key');

    // Refusals are written within a second.
    const ledger = () => json(dataDir, ['site', 'ledger', '--site', id]);
    await expect.poll(async () => (await ledger()).refused).toHaveProperty('retired-key');
    const { keys } = (await json(dataDir, ['site', 'keys', '--site', id])) as { keys: { events: number }[] };
    expect(keys).toMatchObject([
      { key: rotated.key, state: 'live', current: true, events: 1 },
      { key, state: 'retired', current: false },
    ]);
    const { accepted, duplicate, received, refused } = await ledger();
    expect({ accepted, duplicate }).toEqual({
      accepted: sum(keys.map(({ events }) => events)),
      duplicate: 0,
    });
    expect(received).toBe(Number(accepted) + sum(Object.values(refused as Record<string, number>)));
    expect(await json(dataDir, ['site', 'retention', '--site', id, '--days', '90'])).toEqual({
      id,
      retention_days: 90,
    });
  });

  it('backs up and restores everything, and doctor finds only real damage', async () => {
    const dataDir = await temporaryFolder();
    const program = startProgram(dataDir);
    await json(dataDir, ['account', 'add', '--email', ADA]);
    const { key } = await addSite(dataDir, 'example.com');
    await expect.poll(() => send(program, key)).toBe('stored');
    const port = new URL(await program.address).port;
    const { code, stdout } = await command(dataDir, ['healthcheck', '--json'], { PORT: port });
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ ok: true, status: 'ready' })]);

    const file = join(await temporaryFolder(), 'copy.db');
    expect(await json(dataDir, ['backup', file])).toMatchObject({ events: 1 });
    expect(await command(dataDir, ['backup', file])).toMatchObject({ code: 1, stdout: '' });
    program.kill('SIGTERM');
    await program.exit;
    // The file of a stopped server is complete, so it can be copied.
    expect(readdirSync(dataDir).filter((name) => name.startsWith('events'))).toEqual([
      'events.db',
      'events.db-commits',
    ]);
    const unreachable = await command(dataDir, ['healthcheck', '--json'], { PORT: port });
    expect([unreachable.code, JSON.parse(unreachable.stderr)]).toEqual([
      1,
      { error: expect.any(String), code: 'NOT_REACHABLE' },
    ]);

    const elsewhere = join(await temporaryFolder(), 'restored');
    const restored = await command(dataDir, ['restore', file, '--json'], { DATA_DIR: elsewhere });
    expect([restored.code, JSON.parse(restored.stdout)]).toEqual([0, expect.objectContaining({ events: 1 })]);
    const list = (of: string) =>
      command(dataDir, ['site', 'list', '--account', ADA, '--json'], { DATA_DIR: of });
    expect(await list(elsewhere)).toEqual(await list(dataDir));
    const registry = new DatabaseSync(join(elsewhere, 'registry.db'), { readOnly: true });
    expect(registry.prepare('SELECT text FROM annotations').all()).toEqual([
      { text: expect.stringMatching(/^Restored from a backup that ends at 20\d\d-\d\d-\d\d \d\d:\d\d UTC$/) },
    ]);
    registry.close();

    // The disk check is ignored, because the test machine may have less than a gigabyte free.
    const wrong = async () => {
      const { checks } = JSON.parse((await command(dataDir, ['doctor', '--json'])).stdout) as {
        checks: { name: string; ok: boolean; advice: string }[];
      };
      expect(checks.length).toBeGreaterThan(4);
      for (const { advice } of checks) expect(advice).toMatch(/\S/);
      return checks.flatMap(({ name, ok }) => (ok || name === 'disk' ? [] : [name])).sort();
    };
    await command(dataDir, ['site', 'list', '--account', ADA]);
    expect(statSync(dataDir).mode & 0o077).toBe(0);
    expect(await wrong()).toEqual([]);
    const db = new DatabaseSync(join(dataDir, 'events.db'));
    db.exec('UPDATE counters SET events = events + 1');
    db.close();
    expect(await wrong()).toEqual(['counters', 'ledger']);
    expect((await command(dataDir, ['doctor'])).code).toBe(1);
  });
});

describe('without a server', () => {
  it('creates a private folder without plain-text secrets', async () => {
    const dataDir = join(await temporaryFolder(), 'new', 'data');
    const run = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await command(join(dataDir, '../..'), [...args, '--json'], {
        DATA_DIR: dataDir,
      });
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const made = await run(['account', 'add', '--email', ADA, '--plan', 'pro']);
    const password = 'correct horse battery staple';
    const chosen = await run(['account', 'add', '--email', 'bob@example.com', '--password', password]);
    expect(chosen).toEqual({ id: expect.any(String), email: 'bob@example.com', plan: 'free' });
    const { key } = await run(['key', 'add', '--account', ADA, '--name', 'laptop']);
    expect(await run(['site', 'list', '--account', ADA])).toEqual({ sites: [] });

    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dataDir).length).toBeGreaterThan(0);
    for (const name of readdirSync(dataDir)) {
      expect(statSync(join(dataDir, name)).mode & 0o077).toBe(0);
      const bytes = readFileSync(join(dataDir, name));
      for (const secret of [made.password, password, key]) expect(bytes.includes(String(secret))).toBe(false);
    }
  });

  it('limits a free account to 3 sites, even for concurrent commands, and a pro account to none', async () => {
    const dataDir = await temporaryFolder();
    await json(dataDir, ['account', 'add', '--email', ADA]);
    await json(dataDir, ['account', 'add', '--email', 'pro@example.com', '--plan', 'pro']);
    const add = (account: string, i: number) =>
      command(dataDir, ['site', 'add', '--account', account, '--domain', `s${i}.example`, '--json']);
    const results = await Promise.all([0, 1, 2, 3, 4].map((i) => add(ADA, i)));
    const refused = results.filter(({ code }) => code !== 0);
    expect(refused).toHaveLength(2);
    for (const { code, stdout, stderr } of refused) {
      expect([code, stdout]).toEqual([1, '']);
      expect(JSON.parse(stderr)).toEqual({
        error: expect.stringContaining('3 sites'),
        code: 'SITE_LIMIT_REACHED',
      });
    }
    const { sites } = await json(dataDir, ['site', 'list', '--account', ADA]);
    expect(sites).toHaveLength(3);
    for (const i of [0, 1, 2, 3]) expect((await add('pro@example.com', i)).code).toBe(0);
  });

  it('prints text for people', async () => {
    const dataDir = await temporaryFolder();
    const say = async (...args: string[]) => {
      const { code, stdout, stderr } = await command(dataDir, args);
      expect([code, stderr]).toEqual([0, '']);
      return stdout;
    };
    expect(await say('account', 'add', '--email', ADA)).toMatch(/ada@example\.com.*\n.*\w{20,}/);
    expect(await say('site', 'list', '--account', ADA)).toBe('No sites yet.\n');
    expect(await say('site', 'add', '--account', ADA, '--domain', 'example.com')).toMatch(
      /example\.com.*\n.*site_\w+\n.*ak_\w+/,
    );
    expect(await say('key', 'add', '--account', ADA, '--name', 'x')).toMatch(/once|only now/);
    expect(await say('site', 'list', '--account', ADA)).toMatch(/example\.com: 0 events/);
    const help = await say('--help');
    for (const usage of [
      'serve',
      'account add --email',
      'site add --account',
      'key revoke --id',
      'DATA_DIR=./data',
    ])
      expect(help).toContain(usage);
    expect(await say()).toBe(help);
    expect(await say('help')).toBe(help);
    await say('key', 'add', '--account', ADA, '--name', 'a\n\u001b[2Jb', '--scopes', 'read,read');
    expect(await say('key', 'list', '--account', ADA)).toMatch(
      /^key_\w+ {2}read {2}last used never {2}a\\u000a\\u001b\[2Jb\n/,
    );
  });

  it('prints its version, and help for each command', async () => {
    const folder = await temporaryFolder();
    const print = async (line: string) => {
      const { code, stdout, stderr } = await command(folder, line.split(' '));
      expect([code, stderr]).toEqual([0, '']);
      return stdout;
    };
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await print('--version')).toBe(`${version}\n`);

    const all = await print('--help');
    const commands = /Commands:\n(.*?)\n\n/s.exec(all)?.[1]?.split('\n') ?? [];
    expect(commands.length).toBeGreaterThan(20);
    const usages = commands.map((line) => line.trim().split('  ')[0] ?? '');
    for (const name of ['demo', 'account add', 'site rules', 'key list', 'backup', 'doctor', 'move']) {
      const usage = usages.find((text) => text.startsWith(name));
      const help = await print(`${name} --help`);
      expect(help).toContain(`Usage: attractos ${usage}`);
      expect(help).toContain('--json');
      expect(help, 'the settings are in the help of the program').not.toContain('DATA_DIR=');
    }
    expect(await print('site rules --help')).toMatch(/--dry-run.*Change nothing/);
    expect(await print('help serve')).toBe(await print('serve --help'));
    expect(await print('serve --help')).toMatch(/^Usage: attractos serve/);
    expect(readdirSync(folder), 'nothing was run').toEqual([]);
  });

  it('keeps help within 100 columns', async () => {
    const { stdout } = await command(await temporaryFolder(), ['--help']);
    // Starting the program for each of its commands would take long.
    const program = buildProgram({
      ...{ args: [], version: '', servers: {}, settings: [], run: async () => undefined },
      commands: {
        ...{ ...accountCommands, ...siteCommands, ...keyCommands },
        ...{ ...maintenanceCommands, ...moveCommands },
      },
    });
    const helpOf = (each: typeof program): string[] => [
      each.helpInformation(),
      ...each.commands.flatMap((child) => helpOf(child)),
    ];
    const texts = helpOf(program);
    for (const name of ['account add', 'site rules', 'key revoke', 'move'])
      expect(texts.join('\n')).toContain(`Usage: attractos ${name}`);
    for (const line of [stdout, ...texts].flatMap((text) => text.split('\n')))
      expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it('reads its folder from a .env file beside it', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, '.env'), 'DATA_DIR=./from-env-file\n');
    const { code } = await command(folder, ['account', 'add', '--email', ADA], { DATA_DIR: undefined });
    expect(code).toBe(0);
    expect(readdirSync(folder)).toContain('from-env-file');
    writeFileSync(join(folder, '.env'), 'DATADIR=./typo\n');
    const { stderr } = await command(folder, ['account', 'add', '--email', ADA], { DATA_DIR: undefined });
    expect(stderr).toMatch(/DATADIR, which is not a setting/);
  });
});

describe('invalid commands', () => {
  let dataDir: string;
  beforeAll(async () => {
    const folder = await makeFolder();
    dataDir = folder.path;
    await json(dataDir, ['account', 'add', '--email', ADA]);
    await addSite(dataDir, 'example.com');
    return folder.remove;
  });

  it.each([
    { args: 'frobnicate', code: 'UNKNOWN_COMMAND' },
    { args: 'account', code: 'UNKNOWN_COMMAND' },
    { args: 'site sell', code: 'UNKNOWN_COMMAND' },
    { args: 'constructor', code: 'UNKNOWN_COMMAND' },
    { args: 'account add', code: 'USAGE' },
    { args: 'account add --email', code: 'USAGE' },
    { args: 'account add --mail x@example.com', code: 'USAGE' },
    { args: 'account add x@example.com', code: 'USAGE' },
    { args: 'account add --email x@example.com --email y@example.com', code: 'USAGE' },
    { args: 'account add --email -1', code: 'USAGE' },
    { args: 'serve --port 9000', code: 'USAGE' },
    { args: 'serve', code: 'USAGE' }, // with --json
    { args: 'demo now', code: 'USAGE' },
    { args: 'account add --email nobody', code: 'INVALID_EMAIL' },
    { args: 'account add --email a@b@c', code: 'INVALID_EMAIL' },
    { args: `account add --email ${ADA}`, code: 'EMAIL_TAKEN' },
    { args: 'account add --email ADA@EXAMPLE.COM', code: 'EMAIL_TAKEN' },
    { args: 'account add --email x@example.com --plan gold', code: 'INVALID_PLAN' },
    { args: 'account add --email x@example.com --password short', code: 'INVALID_PASSWORD' },
    { args: 'account remove --email x@example.com', code: 'ACCOUNT_NOT_FOUND' },
    { args: 'site add --account x@example.com --domain a.example', code: 'ACCOUNT_NOT_FOUND' },
    { args: `site add --account ${ADA} --domain not/a domain`, code: 'USAGE' },
    { args: `site add --account ${ADA} --domain *.example.com`, code: 'INVALID_DOMAIN' },
    { args: `site add --account ${ADA} --domain WWW.example..com`, code: 'INVALID_DOMAIN' },
    { args: `site add --account ${ADA} --domain HTTPS://Example.com./x`, code: 'DOMAIN_TAKEN' },
    { args: 'site list --account x@example.com', code: 'ACCOUNT_NOT_FOUND' },
    { args: 'site rules --site site_none', code: 'SITE_NOT_FOUND' },
    { args: 'site keys --site site_none', code: 'SITE_NOT_FOUND' },
    { args: 'site rotate-key --site site_none', code: 'SITE_NOT_FOUND' },
    { args: 'site retire-key --key ak_none', code: 'KEY_NOT_FOUND' },
    { args: 'site retention --site site_none --days soon', code: 'INVALID_DAYS' },
    { args: 'site retention --site site_none --days 0x10', code: 'INVALID_DAYS' },
    { args: 'site retention --site site_none --days 36501', code: 'INVALID_DAYS' },
    { args: 'site ledger --site site_none --days 1e308', code: 'INVALID_DAYS' },
    { args: 'site rules --site site_none --dry-run no', code: 'USAGE' },
    { args: 'site rules --site site_none --dry-run --dry-run', code: 'USAGE' },
    { args: 'site rules --site site_none --dry-run yes now', code: 'USAGE' },
    { args: 'site rules --site site_none --allow a.example --allow b.example', code: 'USAGE' },
    { args: 'key add --account x@example.com --name laptop', code: 'ACCOUNT_NOT_FOUND' },
    { args: `key add --account ${ADA} --name ${'x'.repeat(101)}`, code: 'INVALID_NAME' },
    { args: 'key revoke --id key_none', code: 'KEY_NOT_FOUND' },
    { args: 'restore /nowhere/copy.db', code: 'FAILED' },
    { args: 'backup ', code: 'USAGE' },
    { args: 'backup one two', code: 'USAGE' },
    { args: 'move --to postgres://a http://b http://c', code: 'USAGE' },
    { args: 'help frobnicate', code: 'UNKNOWN_COMMAND' },
  ])('$args: $code', async ({ args, code }) => {
    const words = args.split(' ');
    const result = await command(dataDir, [...words, '--json']);
    expect([result.code, result.stdout]).toEqual([1, '']);
    expect(JSON.parse(result.stderr)).toEqual({ error: expect.stringMatching(/\S/), code });
    expect(result.stderr).not.toMatch(/ +at |node_modules|TypeError|\\n|\.\. /);
  });

  it.each([
    { args: 'accout add', says: "Unknown command 'accout'. Did you mean account? See: attractos --help" },
    { args: 'site ad', says: "Unknown command 'ad'. Did you mean add? See: attractos site --help" },
    {
      args: 'account add --emial x@example.com',
      says: "Unknown option '--emial'. Did you mean --email? See: attractos account add --help",
    },
    {
      args: 'site list --account',
      says: "Option '--account <address>' argument missing. See: attractos site list --help",
    },
    {
      args: 'account add --email --plan pro',
      says: /^Option '--email <address>' needs a value; got '--plan' .* See: attractos account add --help$/,
    },
    {
      args: 'site list',
      says: "Required option '--account <address>' is missing. See: attractos site list --help",
    },
    {
      args: 'key list --account a@b.example --account c@d.example',
      says: "Option '--account <address>' is given more than once. See: attractos key list --help",
    },
    {
      args: 'account',
      says: /^"attractos account" must be followed by one of add, .*; got nothing\. See: attractos account --help$/,
    },
    { args: 'serve now', says: /^Too many arguments for 'serve'\. .* See: attractos serve --help$/ },
  ])('suggests how to fix "$args"', async ({ args, says }) => {
    const { code, stdout, stderr } = await command(dataDir, args.split(' '));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.endsWith('\n')).toBe(true);
    const sentence = stderr.slice(0, -1);
    if (typeof says === 'string') expect(sentence).toBe(says);
    else expect(sentence).toMatch(says);
  });

  it('accepts a value that begins with a dash after an equals sign', async () => {
    const result = await command(dataDir, ['account', 'add', '--email=-1', '--json']);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 'INVALID_EMAIL' });
  });

  it('prints errors as sentences', async () => {
    const { code, stdout, stderr } = await command(dataDir, ['site', 'list', '--account', 'x@example.com']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe('There is no account with the email address "x@example.com".\n');
  });

  it('changes nothing', async () => {
    const { sites } = await json(dataDir, ['site', 'list', '--account', ADA]);
    expect(sites).toHaveLength(1);
  });
});
