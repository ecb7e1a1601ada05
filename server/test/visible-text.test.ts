import { Writable } from 'node:stream';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isolated } from '../src/dashboard/kit/format.ts';
import { visibleLines, visibleText } from '../src/domain/visible-text.ts';
import { csvRow } from '../src/http/csv.ts';
import { loggerOptions } from '../src/http/logging.ts';
import { addOwner } from './faults/support/owner.ts';
import { ownedSite } from './support/owned-site.ts';
import { temporaryFolder } from './support/paths.ts';
import { command } from './support/program.ts';
import { World } from './support/world.ts';

/** Clears a screen, colors text in either notation of a control sequence, reverses text and forges a line. */
const ACTING = '\u001b[2J\u009b31m\u202egpj\u2066\u2028.\u007f\u200f';
const SHOWN = '\\u001b[2J\\u009b31m\\u202egpj\\u2066\\u2028.\\u007f\\u200f';

describe('text from outside', () => {
  it('does not act, and stays as it is otherwise', () => {
    expect(visibleText(ACTING)).toBe(SHOWN);
    expect(visibleText('a\nb\tc')).toBe('a\\u000ab\\u0009c');
    expect(visibleLines(`a\n${ACTING}`)).toBe(`a\n${SHOWN}`);
    const plain = 'Zoë’s “shop” – אב – 👩‍👩‍👧 — a=b+c';
    expect(visibleText(plain)).toBe(plain);
  });

  it('is shown in plain text of a page', () => {
    expect(isolated('a\u202eb')).toBe('a\\u202eb');
    expect(isolated('אב\u2069')).toBe('\u2068אב\\u2069\u2069');
  });

  it('changes nothing outside its element in pages', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { visitor, view, site } = await ownedSite(world, await world.serve(), 'bidi.example');
    const more = { props: { [ACTING]: ACTING }, ref: `https://x.example/${ACTING}` };
    await view(`/${encodeURIComponent(ACTING)}?utm_campaign=${encodeURIComponent(ACTING)}`, more);
    await view('/', { ...more, name: ACTING });
    const base = `/dashboard/sites/${site.id}`;
    await visitor.get('/dashboard/settings/api-keys');
    const made = await visitor.post('/dashboard/settings/api-keys', { name: ACTING });
    await visitor.get(`${base}/settings`);
    const shared = await visitor.post(`${base}/settings/shares`, { name: ACTING });
    const pages = await Promise.all(
      [
        ...[
          base,
          `${base}?events=${encodeURIComponent(`prop:${ACTING}`)}`,
          `${base}/activity`,
          `${base}/settings`,
          `${base}/settings/sharing`,
        ],
        ...['/dashboard/settings/api-keys', `${base}?range=${encodeURIComponent(ACTING)}`],
      ].map((path) => visitor.get(path)),
    );
    for (const { text, status } of [made, shared, ...pages]) {
      expect(status).toBeLessThan(500);
      // Attributes and options are shown on their own.
      const mixed = text
        .replaceAll(
          /<bdi[^>]*>.*?<\/bdi>|<option[^>]*>.*?<\/option>|<span class="visually-hidden">.*?<\/span>/gsu,
          '',
        )
        .replaceAll(/<[^>]*>/gsu, '');
      expect(/.{0,60}[\u202a-\u202e\u2066\u2067].{0,60}/su.exec(mixed)?.[0]).toBeUndefined();
    }
    expect(pages[0]?.text).toContain('\u202e');
  });

  it('does not reach a terminal through the command line', async () => {
    const dataDir = await temporaryFolder();
    const { email } = await addOwner(dataDir, 'example.com');
    const added = await command(dataDir, ['key', 'add', '--account', email, '--name', ACTING]);
    const listed = await command(dataDir, ['key', 'list', '--account', email]);
    const asJson = await command(dataDir, ['key', 'list', '--account', email, '--json']);
    const refused = await command(dataDir, ['site', 'list', '--account', ACTING]);
    const unknown = await command(dataDir, [ACTING]);
    const asJsonRefused = await command(dataDir, ['account', 'add', '--email', ACTING, '--json']);
    for (const { stdout, stderr } of [added, listed, asJson, refused, unknown, asJsonRefused])
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\u2028/u);
    expect(listed.stdout).toContain(SHOWN);
    expect(refused.stderr).toContain(SHOWN);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ name: ACTING })]),
    });
  });

  it('is refused in an email address', async () => {
    const dataDir = await temporaryFolder();
    for (const email of ['a\u001b[2Jb@example.com', 'a\u202eb@example.com']) {
      const { stderr } = await command(dataDir, ['account', 'add', '--email', email, '--json']);
      expect(JSON.parse(stderr)).toMatchObject({ code: 'INVALID_EMAIL' });
    }
  });
});

describe('the log', () => {
  const logged = (write: (app: ReturnType<typeof Fastify>) => void): string => {
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
    write(Fastify({ logger: { ...loggerOptions('info'), stream } }));
    return text;
  };

  it('has one line for each message, in which nothing acts', () => {
    const text = logged(({ log }) => log.warn({ err: new Error(ACTING), path: ACTING }, ACTING));
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\u2028/u);
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(JSON.parse(text)).toMatchObject({ msg: ACTING, path: ACTING, err: { message: ACTING } });
  });

  it('limits what it says of an error, and leaves out what the error carries', () => {
    const cause = new Error('y'.repeat(10_000));
    const error = Object.assign(new Error('x'.repeat(100), { cause }), { parameters: 'secret', code: 'E' });
    const text = logged(({ log }) => log.error({ err: error }, 'failed'));
    expect(text.length).toBeLessThan(3_000);
    expect(text).not.toContain('secret');
    expect(JSON.parse(text)).toMatchObject({
      err: { type: 'Error', code: 'E', message: expect.stringContaining('x: y'), stack: expect.any(String) },
    });
  });
});

describe('a CSV cell', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1+1', "'-1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1+1', "'  =1+1"],
    ['\u00a0=1+1', "'\u00a0=1+1"],
    ['＝1+1', "'＝1+1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠x', "'＠x"],
    ['\ttext', "'\ttext"],
    ['\r=1', `"'\r'=1"`],
    ['\n=1', `"'\n'=1"`],
    ['a;=1+1', "a;'=1+1"],
    [';=1+1', ";'=1+1"],
    ['a; ＝1+1;-2', "a;' ＝1+1;'-2"],
    ['a\t@x', "a\t'@x"],
    ['a|=x', "a|'=x"],
    ['"a";=cmd', `"""a"";'=cmd"`],
  ])('%j is not a formula', (value, written) => {
    expect(csvRow([value])).toBe(`${written}\r\n`);
  });

  it.each(['a=b', 'a-b', '/a?b=c;d=e', 'a, -b', 'x@example.com', 'a;b', '1+1'])('%j stays', (value) => {
    expect(csvRow([value])).toBe(`${value.includes(',') ? `"${value}"` : value}\r\n`);
  });

  it('is a number if the value is one, and disarmed within JSON', () => {
    expect(csvRow([-1, { a: ';=1' }])).toBe(`-1,"{""a"":"";'=1""}"\r\n`);
  });
});
