import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { encryptionOf, Mailer } from '../src/mailer.ts';
import type { Account } from '../src/store/store.ts';
import { TestClock } from './support/clock.ts';
import { PASSWORD, signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { until } from './support/poll.ts';
import {
  type Behaviour,
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
  smtp.behaviour = 'takes';
});
afterAll(async () => {
  await world.close();
  await smtp.close();
});

/** The text of a mail as a mail program shows it. */
const textOf = (source: string) =>
  source
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function mailer(given: Record<string, string>): Mailer {
  const { mail } = readConfig({ ...settings(smtp.port), ...given });
  if (mail === null) throw new Error('no mail in these settings');
  return new Mailer({ settings: mail, clock: new TestClock() });
}

const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'text', html: '<p>html</p>' };

describe('the settings of mail', () => {
  it('are read whole', () => {
    expect(readConfig(settings(2525)).mail).toEqual({
      host: '127.0.0.1',
      port: 2525,
      implicitTls: false,
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
    [{ MAIL_FROM: '' }, 'SMTP_URL is set and MAIL_FROM is not'],
    [{ SMTP_URL: '' }, 'MAIL_FROM is set and SMTP_URL is not'],
    [{ PUBLIC_URL: '' }, 'SMTP_URL is set and PUBLIC_URL is not'],
    [{ SMTP_URL: 'https://user:secret@mail.example' }, 'SMTP_URL is no address that begins with smtp://'],
    [{ SMTP_URL: 'smtp://user:secret%@mail.example' }, 'SMTP_URL has a % in its user or password'],
    [{ MAIL_FROM: 'nobody' }, 'MAIL_FROM is "nobody"'],
    [{ MAIL_FROM: 'A <a@example.com' }, 'MAIL_FROM is'],
    [{ MAIL_FROM: 'a@example.com, b@example.com' }, 'MAIL_FROM is'],
    [{ MAIL_FROM: 'A\r\nBcc: b@example.com <a@example.com>' }, 'MAIL_FROM is'],
  ])('are refused in a sentence without the password: %j', (change, sentence) => {
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
  ])('in %s goes to the server encrypted: %s', (url, encryption) => {
    expect(encryptionOf(mailer({ SMTP_URL: url }).settings)).toBe(encryption);
  });
});

describe('a mail', () => {
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

  it.each<[Behaviour, string, RegExp]>([
    ['refuses-recipient', 'mail-refused', /550 5\.1\.1 nobody of that name/],
    ['refuses-sender', 'mail-refused', /553 5\.7\.1 not your address/],
    ['hangs-up', 'mail-refused', /421 not today/],
    ['silent', 'timed-out', /./],
    ['drips', 'timed-out', /./],
  ])(
    'to a server that %s fails by name: %s',
    async (behaviour, problem, said) => {
      smtp.behaviour = behaviour;
      const by = mailer({});
      const delivery = await by.send(MAIL);
      expect(delivery).toMatchObject({ ok: false, failure: { problem, said: expect.stringMatching(said) } });
      expect(by.lastFailure?.failure.problem).toBe(problem);
      smtp.behaviour = 'takes';
      await by.send(MAIL);
      expect(by.lastFailure).toBeNull();
      await smtp.next();
    },
    30_000,
  );

  it('with a wrong password, to a port where nobody is, or over a line that must be encrypted and is not, fails by name', async () => {
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

  it('is told line by line, and no line has the password', async () => {
    const { dialogue } = await mailer({}).send(MAIL);
    await smtp.next();
    const text = dialogue.map(({ by, text }) => `${by} ${text}`).join('\n');
    expect(text).toMatch(/^server 220 mail\.test ESMTP\nus EHLO /);
    expect(text).toContain('us RCPT TO:<ada@example.com>');
    for (const secret of [SMTP_PASSWORD, `\0${SMTP_USER}\0${SMTP_PASSWORD}`])
      for (const form of [secret, Buffer.from(secret).toString('base64')]) expect(text).not.toContain(form);
  });

  it('waits for no more than some, and for none where the server stops', async () => {
    smtp.behaviour = 'silent';
    const by = mailer({});
    const first = Array.from({ length: 20 }, () => by.send(MAIL));
    expect(await by.send(MAIL)).toMatchObject({ ok: false, failure: { problem: 'too-many' } });
    await by.close();
    for (const delivery of await Promise.all(first))
      expect(delivery).toMatchObject({ ok: false, failure: { problem: 'given-up' } });
  });
});

describe('a forgotten password', () => {
  const ask = async (email: string) => {
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/forgot');
    const { status, text } = await visitor.post('/forgot', { email });
    return { status, text: text.replaceAll(email, 'E').replaceAll(/value="[\w-]{80,}"/g, 'value=""') };
  };

  it('is mailed a link that works once, and nobody is told who has an account', async () => {
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

  it('leads to the address of the settings, whatever the request says', async () => {
    const account = await world.addAccount();
    const visitor = new DashboardVisitor(server.url);
    await visitor.get('/forgot');
    await visitor.post('/forgot', { email: account.email }, { 'x-forwarded-host': 'evil.example' });
    expect(textOf((await smtp.next()).source)).not.toContain('evil.example');
  });

  it('is mailed to one account three times in a quarter of an hour, in the same words ever after', async () => {
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

  it('says what is no address, and is asked for by one place some times only', async () => {
    expect((await ask('not an address')).status).toBe(422);
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await ask(`nobody${i}@nowhere.example`)).status);
    expect(statuses.at(-1)).toBe(429);
    world.clock.advance(15 * 60_000);
    expect((await ask('nobody@nowhere.example')).status).toBe(200);
  });

  it('takes the command line where no mail is sent', async () => {
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
  it('is mailed, escaped, and shown as well; a mail that fails is said to be', async () => {
    const account = await world.addAccount();
    await world.store.registry.setEmail(account.id, '"o\'hara&co"@example.com'.replaceAll('"', ''));
    const owner = { ...account, email: "o'hara&co@example.com" };
    const site = await world.addSite(account, 'invited.example');
    const visitor = await signedIn(world, server, owner);
    const form = `/dashboard/sites/${site.id}/settings/members`;
    const shown = await visitor.post(form, { email: 'friend@example.com', role: 'viewer' });
    expect(shown.text).toContain('friend@example.com has mail.');
    const mail = await smtp.next();
    expect(mail.to).toEqual(['<friend@example.com>']);
    const text = textOf(mail.source);
    expect(text).toContain("o'hara&co@example.com invites you to work on the numbers of invited.example");
    expect(text).toContain("o'hara&amp;co@example.com invites you");
    const link = /\/invitation\/[\w-]{43}/.exec(text)?.[0] ?? '';
    expect(shown.text).toContain(`http://stats.example${link}`);
    expect((await new DashboardVisitor(server.url).get(link)).text).toContain('invited.example');

    smtp.behaviour = 'refuses-recipient';
    const failed = await visitor.post(form, { email: 'gone@example.com', role: 'admin' });
    expect(failed.text.replaceAll('<!-- -->', '')).toContain(
      'The mail to gone@example.com was not sent. The mail server refused the mail.',
    );
    expect(failed.text).toContain('Send this link to gone@example.com.');
  });

  it('is sent by one account some times only', async () => {
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

describe('the page of the installation', () => {
  it('is for whoever set it up, and for nobody else', async () => {
    const visitor = await signedIn(world, server, operator);
    expect((await visitor.get('/dashboard/account')).text).toContain('href="/dashboard/installation"');
    const page = await visitor.get('/dashboard/installation');
    expect(page.text).toContain(`127.0.0.1, port ${smtp.port}`);
    expect(page.text).not.toContain(SMTP_PASSWORD);
    const other = await signedIn(world, server, await world.addAccount());
    expect((await other.get('/dashboard/account')).text).not.toContain('/dashboard/installation');
    expect((await other.get('/dashboard/installation')).status).toBe(404);
    expect((await other.post('/dashboard/installation/test-mail')).status).toBe(404);
  });

  it('tries mail and shows what was said, and remembers what failed until something worked', async () => {
    const visitor = await signedIn(world, server, operator);
    smtp.behaviour = 'refuses-recipient';
    const failed = await visitor.post('/dashboard/installation/test-mail');
    expect(failed.text).toContain('The mail server refused the mail.');
    expect(failed.text).toContain('550 5.1.1 nobody of that name');
    expect(failed.text).toContain('← 220 mail.test ESMTP');
    expect((await visitor.get('/dashboard/installation')).text).toContain('The last mail was not sent');
    smtp.behaviour = 'takes';
    const worked = await visitor.post('/dashboard/installation/test-mail');
    expect(worked.text).toContain('The server took the mail for');
    for (const { text } of [failed, worked]) expect(text).not.toContain(SMTP_PASSWORD);
    expect((await smtp.next()).to).toEqual([`<${operator.email}>`]);
    expect((await visitor.get('/dashboard/installation')).text).not.toContain('The last mail was not sent');
  });

  it('says how to have mail where there is none', async () => {
    const without = await world.serve();
    const visitor = await signedIn(world, without, operator);
    const page = await visitor.get('/dashboard/installation');
    expect(page.text).toContain('Set SMTP_URL, MAIL_FROM and PUBLIC_URL');
    expect((await visitor.post('/dashboard/installation/test-mail')).status).toBe(422);
  });
});
