import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examine } from '../src/commands/doctor.ts';
import { readConfig } from '../src/config/config.ts';
import { SecretBox } from '../src/domain/secret-box.ts';
import { digestToken, newToken } from '../src/domain/tokens.ts';
import { backup, restore } from '../src/store/offline/backup-data-dir.ts';
import { openShared, openStore } from '../src/store/open.ts';
import { InvalidSecretKey, readSecretKey, takeSecretKey } from '../src/store/secret-key.ts';
import { addOwner } from './faults/support/owner.ts';
import { temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { command, startProgram } from './support/program.ts';

/** The secret key is beside the databases, and what it encrypts is of no use without it. */

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** Makes a data folder in which one account has a second factor, which is encrypted with the key of the folder. */
async function folderWithSecret() {
  const dataDir = join(await temporaryFolder(), 'data');
  const { email } = await addOwner(dataDir, 'example.com');
  const store = await openStore({ dataDir, onBroken: () => undefined });
  const account = await store.registry.accountByEmail(email);
  const id = account?.id ?? '';
  const key = await takeSecretKey(dataDir);
  const secret = new SecretBox(key).seal(SECRET, id);
  await store.registry.setTotp(id, { secret, recoveryHashes: [digestToken('a recovery code')] });
  await store.close();
  return { dataDir, email, key, file: join(dataDir, 'secret.key') };
}

/** Returns what the doctor says about the secrets of a folder. */
async function secretsCheck(dataDir: string, settings: Record<string, string> = {}) {
  const checks = await examine(readConfig({ DATA_DIR: dataDir, ...settings }));
  return checks.find(({ name }) => name === 'two-factor secrets');
}

const modeOf = (file: string) => statSync(file).mode & 0o777;

describe('the secret key of a data folder', () => {
  it('is made once, for this user only', async () => {
    const dataDir = join(await temporaryFolder(), 'data');
    expect(readSecretKey(dataDir)).toBeNull();
    const key = await takeSecretKey(dataDir);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(await takeSecretKey(dataDir)).toBe(key);
    expect(readSecretKey(dataDir)).toBe(key);
    expect(modeOf(join(dataDir, 'secret.key'))).toBe(0o600);
    const other = join(await temporaryFolder(), 'data');
    expect(await takeSecretKey(other)).not.toBe(key);
  });

  it('is closed to other users at the start', async () => {
    const { dataDir, file } = await folderWithSecret();
    chmodSync(file, 0o644);
    await (await openStore({ dataDir, onBroken: () => undefined })).close();
    expect(modeOf(file)).toBe(0o600);
  });

  it.each(['', 'short', `${'x'.repeat(40)} ${'x'.repeat(40)}`, '\0'.repeat(43)])(
    'is refused as %j, and not replaced',
    async (content) => {
      const { dataDir, file } = await folderWithSecret();
      writeFileSync(file, content);
      await expect(takeSecretKey(dataDir)).rejects.toThrow(InvalidSecretKey);
      expect(readFileSync(file, 'utf8')).toBe(content);
      expect(await secretsCheck(dataDir)).toMatchObject({
        ok: false,
        found: expect.stringMatching(/secret\.key must contain at least 32 printable ASCII characters/),
      });
    },
  );
});

describe('the setting SECRET_KEY', () => {
  it('has at least 32 characters, and is never shown', () => {
    expect(readConfig({}).secretKey).toBeNull();
    const key = 'k'.repeat(32);
    expect(readConfig({ SECRET_KEY: key }).secretKey).toBe(key);
    for (const bad of ['k'.repeat(31), `${key} ${key}`, `${key}ü`])
      expect(() => readConfig({ SECRET_KEY: bad })).toThrow(
        `SECRET_KEY must have at least 32 printable ASCII characters, without spaces; got ${bad.length} characters.`,
      );
  });

  it('is required with databases, because servers share what it encrypts', async () => {
    const dataDir = await temporaryFolder();
    const databases = { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d', CLICKHOUSE_URL: 'http://127.0.0.1:1' };
    const { exit, stderr } = startProgram(dataDir, databases);
    expect((await exit).code).toBe(1);
    expect(stderr()).toMatch(/^attractos: SECRET_KEY must be set if DATABASE_URL is set, to the same value/);
    expect(existsSync(join(dataDir, 'secret.key'))).toBe(false);
  });

  it('takes precedence over the key of the folder', async () => {
    const { dataDir, key } = await folderWithSecret();
    expect(await secretsCheck(dataDir, { SECRET_KEY: key })).toMatchObject({ ok: true });
    expect(await secretsCheck(dataDir, { SECRET_KEY: newToken() })).toMatchObject({ ok: false });
  });
});

describe('a backup', () => {
  it('contains neither the key nor the secret, and needs the key again', async () => {
    const { dataDir, email, key, file } = await folderWithSecret();
    const copy = join(await temporaryFolder(), 'copy.db');
    await backup({ dataDir, file: copy });
    for (const path of [copy, join(dataDir, 'registry.db'), join(dataDir, 'events.db')])
      for (const text of [key, SECRET])
        expect(readFileSync(path).includes(text), `${text} in ${path}`).toBe(false);

    const restored = join(await temporaryFolder(), 'restored');
    await restore({ dataDir: restored, file: copy });
    expect(existsSync(join(restored, 'secret.key'))).toBe(false);
    expect(await secretsCheck(restored)).toMatchObject({
      ok: false,
      found: `no secret key: cannot decrypt those of ${email}`,
      advice: expect.stringMatching(/^Put back secret\.key, .*attractos account reset-second-factor --email/),
    });
    writeFileSync(join(restored, 'secret.key'), newToken());
    expect(await secretsCheck(restored)).toMatchObject({
      ok: false,
      found: expect.stringMatching(/^another secret key: /),
    });
    writeFileSync(join(restored, 'secret.key'), readFileSync(file));
    expect(await secretsCheck(restored)).toMatchObject({ ok: true, found: '1 in use, all readable' });
  });

  it('includes the key if that is asked for', async () => {
    const { dataDir, key } = await folderWithSecret();
    const copy = join(await temporaryFolder(), 'copy.db');
    await backup({ dataDir, file: copy, withSecretKey: true });
    const restored = join(await temporaryFolder(), 'restored');
    await restore({ dataDir: restored, file: copy });
    expect(readSecretKey(restored)).toBe(key);
    expect(modeOf(join(restored, 'secret.key'))).toBe(0o600);
    expect(readFileSync(join(restored, 'events.db')).includes(key)).toBe(false);
    expect(await secretsCheck(restored)).toMatchObject({ ok: true });
  });

  it('includes the key of the settings rather than that of the folder', async () => {
    const { dataDir } = await folderWithSecret();
    const [copy, secretKey] = [join(await temporaryFolder(), 'copy.db'), newToken()];
    await backup({ dataDir, file: copy, secretKey, withSecretKey: true });
    const restored = join(await temporaryFolder(), 'restored');
    await restore({ dataDir: restored, file: copy });
    expect(readSecretKey(restored)).toBe(secretKey);
  });

  it('is not made with a key that is missing', async () => {
    const dataDir = join(await temporaryFolder(), 'data');
    await addOwner(dataDir, 'example.com');
    await (await openStore({ dataDir, onBroken: () => undefined })).close();
    const copy = join(await temporaryFolder(), 'copy.db');
    await expect(backup({ dataDir, file: copy, withSecretKey: true })).rejects.toThrow(
      /There is no .*secret\.key, and SECRET_KEY is not set\./,
    );
    expect(existsSync(copy)).toBe(false);
  });

  it('is not restored over another key', async () => {
    const { dataDir } = await folderWithSecret();
    const copy = join(await temporaryFolder(), 'copy.db');
    await backup({ dataDir, file: copy, withSecretKey: true });
    const restored = join(await temporaryFolder(), 'restored');
    mkdirSync(restored);
    const key = await takeSecretKey(restored);
    await expect(restore({ dataDir: restored, file: copy })).rejects.toThrow(
      /secret\.key differs from the secret key in the backup/,
    );
    expect(readSecretKey(restored)).toBe(key);
    expect(existsSync(join(restored, 'registry.db'))).toBe(false);
  });
});

it('a server without the key says so, and the operator can reset a second factor', async () => {
  const { dataDir, email, file } = await folderWithSecret();
  const key = newToken();
  writeFileSync(file, key);
  const program = startProgram(dataDir, { LOG_LEVEL: 'error' });
  await until(
    () => program.stdout(),
    (text) => text.includes('two-factor secrets cannot be decrypted with this SECRET_KEY'),
  );
  expect(program.stdout()).toContain('"accounts":1');
  expect(program.stdout() + program.stderr()).not.toContain(key);
  expect(await secretsCheck(dataDir)).toMatchObject({ ok: false });
  const reset = ['account', 'reset-second-factor', '--email', email];
  expect(await command(dataDir, reset)).toMatchObject({ code: 0, stderr: '' });
  expect(await secretsCheck(dataDir)).toMatchObject({ ok: true, found: '0 in use, all readable' });
  const { registry, close } = await openShared({ dataDir });
  onTestFinished(close);
  expect((await registry.credentialsByEmail(email))?.totpSecret).toBeNull();
});
