import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { encryptionOf, Mailer } from '../src/app/mailer.ts';
import { readConfig } from '../src/config/config.ts';
import type { Account } from '../src/store/contract/store.ts';
import { hasOpenssl, makeCertificates } from './support/certificates.ts';
import { TestClock } from './support/clock.ts';
import { PASSWORD, signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { makeFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import {
  type Behavior,
  SMTP_PASSWORD,
  SMTP_USER,
  type SmtpServer,
  startSmtpServer,
} from './support/smtp-server.ts';
import { type RunningServer, World } from './support/world.ts';

let smtp: SmtpServer;
let world: World;
let server: RunningServer;
let operator: Account;

const LOG_IN = `${SMTP_USER}:${encodeURIComponent(SMTP_PASSWORD)}`;
const settings = (port: number, logIn = LOG_IN) => ({
  SMTP_URL: `smtp://${logIn}@127.0.0.1:${port}`,
  MAIL_FROM: 'AttractOS <stats@example.com>',
  PUBLIC_URL: 'http://stats.example',
});

beforeAll(async () => {
  smtp = await startSmtpServer();
  world = await World.open();
  server = await world.serve({ settings: settings(smtp.port) });
  operator = await world.addAccount();
  world.clock.advance(1);
});
beforeEach(() => {
  smtp.behavior = 'takes';
});
afterAll(async () => {
  await world.close();
  await smtp.close();
});

/** Returns the text of a mail as a mail client shows it. */
const textOf = (source: string) =>
  Buffer.from(
    source
      .replaceAll('=\n', '')
      .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();

function mailer(given: Record<string, string>): Mailer {
  const { mail } = readConfig({ ...settings(smtp.port), ...given });
  if (mail === null) throw new Error('no mail in these settings');
  return new Mailer({ settings: mail, clock: new TestClock() });
}

const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'text', html: '<p>html</p>' };

describe('the settings of mail', () => {
  it('reads the settings of mail', () => {
    expect(readConfig(settings(2525)).mail).toEqual({
      host: '127.0.0.1',
      port: 2525,
      implicitTls: false,
      authorities: null,
      credentials: { user: SMTP_USER, password: SMTP_PASSWORD },
      from: { name: 'AttractOS', address: 'stats@example.com' },
    });
    const given = { ...settings(1), MAIL_FROM: 'stats@example.com' };
    expect(readConfig({ ...given, SMTP_URL: 'smtps://mail.example' }).mail).toMatchObject({
      ...{
        port: 465,
        implicitTls: true,
        credentials: null,
        from: { name: '', address: 'stats@example.com' },
      },
    });
    expect(readConfig({ ...given, SMTP_URL: 'smtp://[::1]' }).mail).toMatchObject({ host: '::1', port: 587 });
  });

  it.each([
    [{ MAIL_FROM: '' }, 'MAIL_FROM must be set if SMTP_URL is set'],
    [{ SMTP_URL: '' }, 'SMTP_URL must be set if MAIL_FROM is set'],
    [{ PUBLIC_URL: '' }, 'PUBLIC_URL must be set if SMTP_URL is set'],
    [{ SMTP_URL: 'https://user:secret@mail.example' }, 'SMTP_URL must begin with smtp://'],
    [{ SMTP_URL: 'smtp://user:secret%@mail.example' }, 'SMTP_URL must write % in its user or password'],
    [{ SMTP_CA_FILE: '/none.pem' }, 'SMTP_CA_FILE must be a PEM file of certificates: ENOENT'],
    [{ SMTP_CA_FILE: import.meta.filename }, 'SMTP_CA_FILE must be a PEM file of certificates: '],
    [{ SMTP_CA_FILE: '/ca.pem', SMTP_URL: '' }, 'SMTP_URL must be set if SMTP_CA_FILE is set'],
    [{ MAIL_FROM: 'nobody' }, 'got "nobody"'],
    [{ MAIL_FROM: 'A <a@example.com' }, 'MAIL_FROM must be a sender'],
    [{ MAIL_FROM: 'a@example.com, b@example.com' }, 'MAIL_FROM must be a sender'],
    [{ MAIL_FROM: 'A\r\nBcc: b@example.com <a@example.com>' }, 'MAIL_FROM must be a sender'],
  ])('refuses settings of mail with an error that omits the password: %j', (change, sentence) => {
    const read = () => readConfig({ ...settings(1), ...change });
    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/secret|pass\/word/);
  });
});

describe('a password', () => {
  it.each([
    ['smtps://u:p@mail.example', 'from-the-start'],
    ['smtp://u:p@mail.example', 'by-starttls'],
    ['smtp://u:p@10.0.0.9', 'by-starttls'],
    ['smtp://mail.example', 'where-offered'],
    ['smtp://u:p@localhost', 'none'],
  ])('chooses the encryption for %s: %s', (url, encryption) => {
    expect(encryptionOf(mailer({ SMTP_URL: url }).settings)).toBe(encryption);
  });
});

describe('an email', () => {
  it('arrives as text and as HTML, to exactly one address', async () => {
    const delivery = await mailer({}).send({
      ...MAIL,
      to: 'x,y@example.com',
      subject: 'Hi\r\nBcc: z@example.com',
    });
    expect(delivery.ok).toBe(true);
    const mail = await smtp.next();
    expect(mail.from).toBe('<stats@example.com>');
    expect(mail.to).toHaveLength(1);
    expect(mail.to[0]).toContain('@example.com>');
    expect(mail.source).toContain('Content-Type: text/plain');
    expect(mail.source).toContain('Content-Type: text/html');
    expect(mail.source).not.toMatch(/^Bcc:/im);
  });

  it.each<[Behavior, string, RegExp]>([
    ['refuses-recipient', 'mail-refused', /550 5\.1\.1 nobody of that name/],
    ['refuses-sender', 'mail-refused', /553 5\.7\.1 not your address/],
    ['hangs-up', 'mail-refused', /421 not today/],
    ['silent', 'timed-out', /./],
    ['drips', 'timed-out', /./],
  ])(
    'to a server that %s fails with: %s',
    async (behavior, problem, said) => {
      smtp.behavior = behavior;
      const by = mailer({});
      const delivery = await by.send(MAIL);
      expect(delivery).toMatchObject({ ok: false, failure: { problem, said: expect.stringMatching(said) } });
      expect(by.lastFailure?.failure.problem).toBe(problem);
      smtp.behavior = 'takes';
      await by.send(MAIL);
      expect(by.lastFailure).toBeNull();
      await smtp.next();
    },
    30_000,
  );

  it('fails with a specific error for a wrong password, a closed port and missing encryption', async () => {
    const wrong = await mailer({ SMTP_URL: settings(smtp.port, 'mailer:wrong').SMTP_URL }).send(MAIL);
    expect(wrong).toMatchObject({
      ok: false,
      failure: { problem: 'log-in-refused', said: expect.stringContaining('535') },
    });
    const closed = await startSmtpServer();
    await closed.close();
    const nobody = await mailer({ SMTP_URL: `smtp://127.0.0.1:${closed.port}` }).send(MAIL);
    expect(nobody).toMatchObject({ ok: false, failure: { problem: 'not-reached' } });
    const open = await mailer({ SMTP_URL: `smtps://127.0.0.1:${smtp.port}` }).send(MAIL);
    expect(open).toMatchObject({ ok: false, failure: { problem: 'no-encryption' } });
  }, 30_000);

  it('records an email line by line, without the password', async () => {
    const { dialogue } = await mailer({}).send(MAIL);
    await smtp.next();
    const text = dialogue.map(({ by, text }) => `${by} ${text}`).join('\n');
    expect(text).toMatch(/^server 220 mail\.test ESMTP\nus EHLO /);
    expect(text).toContain('us RCPT TO:<ada@example.com>');
    for (const secret of [SMTP_PASSWORD, `\0${SMTP_USER}\0${SMTP_PASSWORD}`])
      for (const form of [secret, Buffer.from(secret).toString('base64')]) expect(text).not.toContain(form);
  });

  it('waits in a bounded queue, and not during shutdown', async () => {
    smtp.behavior = 'silent';
    const by = mailer({});
    const first = Array.from({ length: 20 }, () => by.send(MAIL));
    expect(await by.send(MAIL)).toMatchObject({ ok: false, failure: { problem: 'too-many' } });
    await by.close();
    for (const delivery of await Promise.all(first))
      expect(delivery).toMatchObject({ ok: false, failure: { problem: 'given-up' } });
  });
});

describe.skipIf(!hasOpenssl)('a mail server with a certificate', () => {
  let folder: string;
  beforeAll(async () => {
    const { path, remove } = await makeFolder();
    folder = path;
    makeCertificates(folder);
    return remove;
  });

  /** Sends an email to a server with the certificate of that name. @returns the problem; null if the email arrived */
  async function problemWith(url: string, caFile: string, certificate = 'server'): Promise<string | null> {
    const [cert, key] = [`${certificate}.pem`, `${certificate}.key`].map((name) =>
      readFileSync(join(folder, name)),
    ) as [Buffer, Buffer]; // as many as names
    const certified = await startSmtpServer({ cert, key }, url.startsWith('smtps:'));
    onTestFinished(() => certified.close());
    const delivery = await mailer({
      SMTP_URL: url.replace('LOG_IN', LOG_IN).replace('PORT', String(certified.port)),
      SMTP_CA_FILE: caFile === '' ? '' : join(folder, caFile),
    }).send(MAIL);
    expect(certified.mails).toHaveLength(delivery.ok ? 1 : 0);
    return delivery.ok ? null : delivery.failure.problem;
  }

  it.each([
    ['smtps://LOG_IN@localhost:PORT', 'authority.pem', null],
    ['smtp://LOG_IN@localhost:PORT', 'authority.pem', null],
    ['smtp://localhost:PORT', 'authority.pem', null],
    ['smtps://LOG_IN@localhost:PORT', '', 'untrusted-certificate'],
    ['smtps://LOG_IN@localhost:PORT', 'stranger.pem', 'untrusted-certificate'],
    ['smtp://LOG_IN@localhost:PORT', 'stranger.pem', 'untrusted-certificate'],
    ['smtp://localhost:PORT', 'stranger.pem', 'untrusted-certificate'],
    ['smtp://LOG_IN@127.0.0.1:PORT', 'authority.pem', 'untrusted-certificate'],
  ])('at %s with SMTP_CA_FILE "%s": %s', async (url, caFile, problem) => {
    expect(await problemWith(url, caFile)).toBe(problem);
  });

  it('is refused if its certificate is for another host', async () => {
    const problem = await problemWith('smtps://LOG_IN@localhost:PORT', 'authority.pem', 'other');
    expect(problem).toBe('untrusted-certificate');
  });

  it('must offer TLS if SMTP_CA_FILE is set', async () => {
    const by = mailer({ SMTP_CA_FILE: join(folder, 'authority.pem') });
    expect(await by.send(MAIL)).toMatchObject({ ok: false, failure: { problem: 'no-encryption' } });
  });
});

describe('a forgotten password', () => {
  const ask = async (email: string) => {
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/forgot');
    const { status, text } = await visitor.post('/forgot', { email });
    return { status, text: text.replaceAll(email, 'E').replaceAll(/value="[\w-]{80,}"/g, 'value=""') };
  };

  it('gets a link by email that works once, without revealing who has an account', async () => {
    const account = await world.addAccount();
    const answer = await ask(account.email.toUpperCase());
    expect(answer.status).toBe(200);
    expect(await ask('nobody@nowhere.example')).toEqual(answer);
    const mail = await smtp.next();
    expect(mail.to).toEqual([`<${account.email}>`]);
    const link = /http:\/\/stats\.example(\/reset\/[\w-]{43})/.exec(textOf(mail.source))?.[1] ?? '';
    const visitor = new DashboardVisitor(server.url);
    expect((await visitor.get(link)).text).toContain(account.email);
    const token = link.split('/').at(-1) ?? '';
    expect((await visitor.post('/reset', { token, password: PASSWORD })).headers.location).toBe(
      '/login?note=reset',
    );
    expect((await visitor.get(link)).status).toBe(410);
    expect((await visitor.signIn(account.email, PASSWORD)).status).toBe(303);
  });

  it('uses PUBLIC_URL in the link, whatever the request says', async () => {
    const account = await world.addAccount();
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/forgot');
    await visitor.post('/forgot', { email: account.email }, { 'x-forwarded-host': 'evil.example' });
    expect(textOf((await smtp.next()).source)).not.toContain('evil.example');
  });

  it('sends at most three emails in 15 minutes, with the same response afterwards', async () => {
    const account = await world.addAccount();
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await ask(account.email));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const other = await world.addAccount();
    await ask(other.email);
    const all = await until(
      async () => smtp.mails.map(({ to }) => to[0]),
      (to) => to.includes(`<${other.email}>`),
    );
    expect(all.filter((to) => to === `<${account.email}>`)).toHaveLength(3);
    for (let i = 0; i < 4; i++) await smtp.next();
  });

  it('rejects invalid addresses, and limits requests per IP address', async () => {
    expect((await ask('not an address')).status).toBe(422);
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await ask(`nobody${i}@nowhere.example`)).status);
    expect(statuses.at(-1)).toBe(429);
    world.clock.advance(15 * 60_000);
    expect((await ask('nobody@nowhere.example')).status).toBe(200);
  });

  it('needs the command line if no email is sent', async () => {
    const without = await world.serve();
    const visitor = new DashboardVisitor(without.url);
    const page = await visitor.get('/forgot');
    expect(page.text).toContain('account reset-link');
    expect(page.text).not.toContain('action="/forgot"');
    await visitor.get('/login');
    expect((await visitor.post('/forgot', { email: operator.email })).status).toBe(422);
  });
});

describe('an invitation', () => {
  it('emails an invitation, escaped, and shows it; a failed email is reported', async () => {
    const account = await world.addAccount();
    await world.store.registry.setEmail(account.id, '"o\'hara&co"@example.com'.replaceAll('"', ''));
    const owner = { ...account, email: "o'hara&co@example.com" };
    const site = await world.addSite(account, 'invited.example');
    const visitor = await signedIn(world, server, owner);
    const form = `/dashboard/sites/${site.id}/settings/members`;
    const shown = await visitor.post(form, { email: 'friend@example.com', role: 'viewer' });
    expect(shown.text).toContain('Invitation sent to friend@example.com.');
    const mail = await smtp.next();
    expect(mail.to).toEqual(['<friend@example.com>']);
    const text = textOf(mail.source);
    expect(text).toContain("o'hara&co@example.com has invited you to invited.example’s analytics");
    expect(text).toContain("o'hara&amp;co@example.com has invited you");
    const link = /\/invitation\/[\w-]{43}/.exec(text)?.[0] ?? '';
    expect(shown.text).toContain(`http://stats.example${link}`);
    expect((await new DashboardVisitor(server.url).get(link)).text).toContain('invited.example');

    smtp.behavior = 'refuses-recipient';
    const failed = await visitor.post(form, { email: 'gone@example.com', role: 'admin' });
    expect(failed.text.replaceAll('<!-- -->', '')).toContain(
      'The email to gone@example.com was not sent. The mail server rejected the email.',
    );
    expect(failed.text).toContain('Send this link to gone@example.com.');
  });

  it('limits invitations per account', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'inviting.example');
    const visitor = await signedIn(world, server, account);
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++) {
      const { status } = await visitor.post(`/dashboard/sites/${site.id}/settings/members`, {
        email: `p${i}@example.com`,
      });
      statuses.push(status);
      if (status === 200) await smtp.next();
    }
    expect(statuses).toEqual([...Array<number>(30).fill(200), 422]);
  });
});

describe('the server page', () => {
  it('shows the server page only to the owner of the server', async () => {
    const visitor = await signedIn(world, server, operator);
    expect((await visitor.get('/dashboard/account')).text).toContain('href="/dashboard/instance"');
    const page = await visitor.get('/dashboard/instance');
    expect(page.text).toContain(`127.0.0.1, port ${smtp.port}`);
    expect(page.text).not.toContain(SMTP_PASSWORD);
    const other = await signedIn(world, server, await world.addAccount());
    expect((await other.get('/dashboard/account')).text).not.toContain('/dashboard/instance');
    expect((await other.get('/dashboard/instance')).status).toBe(404);
    expect((await other.post('/dashboard/instance/test-mail')).status).toBe(404);
  });

  it('tests email, shows the server reply, and remembers a failure until an email works', async () => {
    const visitor = await signedIn(world, server, operator);
    smtp.behavior = 'refuses-recipient';
    const failed = await visitor.post('/dashboard/instance/test-mail');
    expect(failed.text).toContain('The mail server rejected the email.');
    expect(failed.text).toContain('550 5.1.1 nobody of that name');
    expect(failed.text).toContain('← 220 mail.test ESMTP');
    expect((await visitor.get('/dashboard/instance')).text).toContain('The last email was not sent');
    smtp.behavior = 'takes';
    const worked = await visitor.post('/dashboard/instance/test-mail');
    expect(worked.text).toContain('The mail server accepted the email to');
    for (const { text } of [failed, worked]) expect(text).not.toContain(SMTP_PASSWORD);
    expect((await smtp.next()).to).toEqual([`<${operator.email}>`]);
    expect((await visitor.get('/dashboard/instance')).text).not.toContain('The last email was not sent');
  });

  it('explains how to set up email', async () => {
    const without = await world.serve();
    const visitor = await signedIn(world, without, operator);
    const page = await visitor.get('/dashboard/instance');
    expect(page.text).toContain('set SMTP_URL, MAIL_FROM and PUBLIC_URL');
    expect((await visitor.post('/dashboard/instance/test-mail')).status).toBe(422);
  });
});
