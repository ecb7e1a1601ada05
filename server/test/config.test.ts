import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, withEnvFile } from '../src/config/config.ts';
import { settingsCatalogue } from '../src/config/settings.ts';
import { DAY_MS } from '../src/domain/clock.ts';
import { readPostgresUrl } from '../src/domain/postgres-url.ts';
import { root, temporaryFolder } from './support/paths.ts';
import { command } from './support/program.ts';

describe('the configuration', () => {
  it('has a default for every setting', () => {
    expect(readConfig({})).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      socketPath: null,
      dataDir: './data',
      databases: null,
      publicUrl: null,
      paths: { script: null, collect: null },
      trustProxy: [],
      clientIpHeader: null,
      geoDatabase: null,
      asnDatabase: null,
      crawlerRanges: null,
      countryHeader: null,
      siteRatePerSecond: 1000,
      siteBurst: 5000,
      command: 'attractos',
      maxConnections: 10_000,
      apiOrigins: [],
      retentionDays: null,
      signups: 'closed',
      newAccountPlan: 'free',
      sessions: { idleMs: 7 * DAY_MS, maxAgeMs: 30 * DAY_MS },
      shutdownDelayMs: 0,
      metrics: { listen: null, token: null },
      logLevel: 'info',
    });
  });

  it('names the command as npm runs it, if npm started the server', () => {
    expect(readConfig({ npm_lifecycle_event: 'start' }).command).toBe('npm run -s attractos --');
  });

  it('reads the environment', () => {
    expect(
      readConfig({
        PORT: '0',
        HOST: '::',
        DATA_DIR: '/var/lib/attractos',
        PUBLIC_URL: 'https://stats.example/',
        TRUST_PROXY: 'loopback, 10.0.0.0/8,',
        CLIENT_IP_HEADER: 'CF-Connecting-IP',
        GEO_DATABASE: '/var/lib/countries.mmdb',
        COUNTRY_HEADER: 'CF-IPCountry',
        SITE_RATE: '0.5',
        SITE_BURST: '1',
        MAX_CONNECTIONS: '1',
        API_ORIGINS: 'https://app.example, http://localhost:3000',
        RETENTION_DAYS: '365',
        LOG_LEVEL: 'silent',
      }),
    ).toMatchObject({
      port: 0,
      host: '::',
      dataDir: '/var/lib/attractos',
      publicUrl: 'https://stats.example',
      trustProxy: ['loopback', '10.0.0.0/8'],
      clientIpHeader: 'cf-connecting-ip',
      geoDatabase: '/var/lib/countries.mmdb',
      asnDatabase: null,
      crawlerRanges: null,
      countryHeader: 'cf-ipcountry',
      siteRatePerSecond: 0.5,
      siteBurst: 1,
      maxConnections: 1,
      apiOrigins: ['https://app.example', 'http://localhost:3000'],
      retentionDays: 365,
      signups: 'closed',
      newAccountPlan: 'free',
      logLevel: 'silent',
    });
  });

  it('treats an empty setting as absent, and ignores other variables', () => {
    expect(readConfig({ PORT: '', HOST: '', LOG_LEVEL: '', PATH: '/bin', port: 'x' })).toEqual(
      readConfig({}),
    );
  });

  it.each([
    ['API_ORIGINS', '*'],
    ['API_ORIGINS', 'https://app.example/'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', ' '],
    ['PORT', 'Infinity'],
    ['SITE_RATE', '0'],
    ['SITE_RATE', '-5'],
    ['SITE_RATE', 'fast'],
    ['SITE_BURST', '0'],
    ['SITE_BURST', 'NaN'],
    ['MAX_CONNECTIONS', '0'],
    ['MAX_CONNECTIONS', '1.5'],
    ['RETENTION_DAYS', '-1'],
    ['RETENTION_DAYS', '1.5'],
    ['SCRIPT_PATH', 'app.js'],
    ['SCRIPT_PATH', '/app'],
    ['SCRIPT_PATH', '/:key.js'],
    ['COLLECT_PATH', '/log'],
    ['COLLECT_PATH', '/*'],
    ['SHUTDOWN_DELAY', '-1'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_LEVEL', 'INFO'],
    ['PUBLIC_URL', 'stats.example'],
    ['PUBLIC_URL', 'ftp://stats.example'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['PUBLIC_URL', 'https://stats.example?x=1'],
    ['PUBLIC_URL', 'https://stats.example/#top'],
    ['PUBLIC_URL', 'https://me:secret@stats.example'],
    ['PUBLIC_URL', 'https://stats.example/a;b'],
    ['PUBLIC_URL', 'https://stats.example//a'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '1'],
    ['TRUST_PROXY', 'loopback, 10.0.0.0/33'],
    ['CLIENT_IP_HEADER', 'X-Real-IP'],
    ['CLIENT_IP_HEADER', 'X-Real-IP, Forwarded'],
    ['SCRIPT_PATH', '/../app.js'],
    ['COLLECT_PATH', '/./log'],
    ['HOST', ' '],
    ['DATA_DIR', ' '],
    ['SIGNUPS', 'yes'],
  ])('refuses %s=%s with an error that names both', (name, value) => {
    const read = () => readConfig({ [name]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`\\b${name} .*\\bgot `));
    expect(read).toThrow(`"${value}"`);
    expect(read).not.toThrow(/constant|pattern/);
  });

  it('keeps a secret out of its error', () => {
    const read = () => readConfig({ METRICS_TOKEN: 'hunter2' });
    expect(read).toThrow(/^METRICS_TOKEN .* got 7 characters\.$/);
    expect(read).not.toThrow(/hunter2/);
  });

  it('formats the server address as browsers do', () => {
    const read = (url: string) => readConfig({ PUBLIC_URL: url }).publicUrl;
    expect(read(' HTTPS://Stats.Example:443// ')).toBe('https://stats.example');
    expect(read('https://example.com/x/../stats/')).toBe('https://example.com/stats');
    expect(read('http://münchen.example:8080/a b/')).toBe('http://xn--mnchen-3ya.example:8080/a%20b');
  });

  it('requires both databases or neither', () => {
    const postgres = 'postgres://user:secret@db.example:5432/attractos?sslmode=verify-full';
    const clickhouse = 'https://user:secret@ch.example:8443/attractos';
    expect(readConfig({ DATABASE_URL: postgres, CLICKHOUSE_URL: clickhouse }).databases).toEqual({
      postgres,
      clickhouse,
    });
    expect(() => readConfig({ DATABASE_URL: postgres })).toThrow(
      'CLICKHOUSE_URL must be set if DATABASE_URL is set: set both or neither.',
    );
    expect(() => readConfig({ CLICKHOUSE_URL: clickhouse })).toThrow(
      'DATABASE_URL must be set if CLICKHOUSE_URL is set: set both or neither.',
    );
  });

  it.each([
    { DATABASE_URL: 'mysql://u:secret@h/d', CLICKHOUSE_URL: 'http://u:secret@h:8123' },
    { DATABASE_URL: 'u:secret@h/d', CLICKHOUSE_URL: 'http://u:secret@h:8123' },
    { DATABASE_URL: 'postgres://u:secret@h/d', CLICKHOUSE_URL: 'clickhouse://u:secret@h:9000' },
    { DATABASE_URL: 'postgres://', CLICKHOUSE_URL: 'http://u:secret@h:8123' },
  ])('refuses the database URLs $DATABASE_URL and $CLICKHOUSE_URL without showing them', (settings) => {
    const read = () => readConfig(settings);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/^(DATABASE|CLICKHOUSE)_URL must be a URL that begins with/);
    expect(read).not.toThrow(/secret/);
  });

  it('explains how to encode a password in a URL, without showing it', () => {
    const read = (postgres: string, clickhouse: string) => () =>
      readConfig({
        DATABASE_URL: `postgres://u${postgres}`,
        CLICKHOUSE_URL: `http://a,http://u${clickhouse}`,
      });
    const good = ':s%25cret@h:1/d';
    for (const [bad, says] of [
      [':s%cret@h:1/d', / must write % .* %25\.$/],
      [':s/cret@h:1/d', / must be a valid URL\. .*%2F/],
      [':s#cret@h:1/d', / must be a valid URL\. .*%23/],
      [':s?cret@h:1/d', / must be a valid URL\. .*%3F/],
    ] as const) {
      for (const [name, refused] of [
        ['DATABASE_URL', read(bad, good)],
        ['CLICKHOUSE_URL', read(good, bad)],
      ] as const) {
        expect(refused, bad).toThrow(ConfigError);
        expect(refused).toThrow(new RegExp(`^${name}${says.source}`));
        expect(refused).not.toThrow(/cret/);
      }
    }
    for (const fine of [good, '@[::1]:1/d', ':@h/d?sslmode=require', ':p@h1:1,h2:2/d'])
      expect(read(fine, good)().databases?.postgres).toBe(`postgres://u${fine}`);
  });

  it.each([
    ['u:p%40@h/d', { hosts: ['h:5432'], login: ['u', 'p@', 'd'] }],
    ['[::1]:1,h2/d', { hosts: ['::1:1', 'h2:5432'] }],
    ['/d?host=a,b&port=1,2', { hosts: ['a:1', 'b:2'] }],
    ['/d?host=a,b&port=3', { hosts: ['a:3', 'b:3'] }],
    ['h:1/d?host=::1&user=v&password=q%2B&dbname=e', { hosts: ['::1:5432'], login: ['v', 'q+', 'e'] }],
    ['u@/d%2F?host=/run/pg/', { socket: '/run/pg/.s.PGSQL.5432', login: ['u', '', 'd/'] }],
    ['/d?host=/sockets/my:region:one&port=6', { socket: '/sockets/my:region:one/.s.PGSQL.6' }],
    ['u:p@%2Frun%2Fpg:7/d?sslmode=verify-full', { socket: '/run/pg/.s.PGSQL.7', sslMode: 'disable' }],
    ['/d', { hosts: [], login: ['', '', 'd'] }],
  ])('finds the host, the socket and the login of PostgreSQL in %s', (url, expected) => {
    const { hosts, socket, login, sslMode } = readPostgresUrl(`postgresql://${url}`);
    expect({
      ...{ hosts: hosts.map(({ host, port }) => `${host}:${port}`), socket, sslMode },
      login: [login.user, login.password, login.database],
    }).toMatchObject(expected);
  });

  it.each([
    ['sslmode=verify-full&sslrootcert=/ca.pem', null],
    ['sslmode=require&channel_binding=require&target_session_attrs=read-write', null],
    ['application_name=us&options=-c%20search_path%3Dmine&keepalives_idle=10', null],
    ['sslrootcert=system', null],
    [
      'statement_timeout=1',
      /^DATABASE_URL has the unknown parameter statement_timeout\. Known are .*options=-c/,
    ],
    ['sslmode=verify', /^DATABASE_URL must have one of disable, .* as its sslmode\.$/],
    [
      'sslmode=require&sslrootcert=system',
      /^DATABASE_URL must have the sslmode verify-full with sslrootcert=system\.$/,
    ],
    [
      'target_session_attrs=standby',
      /^DATABASE_URL has a value of target_session_attrs that is not supported\.$/,
    ],
    ['gssencmode=require', /^DATABASE_URL has a value of gssencmode that is not supported\.$/],
    ['sslmode=require&sslcert=/c.pem', /^DATABASE_URL must have both sslcert and sslkey, or neither\.$/],
    ['sslrootcert=/ca.pem', /^DATABASE_URL must have the sslmode require, .* with sslrootcert; without it/],
    ['host=/run&port=70000', /^DATABASE_URL must be a valid URL\./],
    ['host=h&port=1,2', /^DATABASE_URL must have one port, or one for each host\.$/],
    ['host=/run,h', /^DATABASE_URL must have no other host if it has the folder of a Unix socket\.$/],
  ])('reads the parameters of PostgreSQL as libpq does: %s', (parameters, says) => {
    const read = () =>
      readConfig({ DATABASE_URL: `postgres://u:p@h/d?${parameters}`, CLICKHOUSE_URL: 'http://h:8123' });
    if (says === null) expect(read().databases?.postgres).toContain(parameters);
    else expect(read).toThrow(says);
  });

  it.each([
    ['postgres://u:1?cret@h/d', 'http://h', /^DATABASE_URL must write \? in its user or password as %3F\.$/],
    [
      'postgres://u:p@h/d',
      'http://u:1?cret@h',
      /^CLICKHOUSE_URL must have no parameters after \?\. .* \? as %3F/,
    ],
    ['postgres://u:p@h/d', 'https://h:8443?x=1', /^CLICKHOUSE_URL must have no parameters after \?/],
    [
      'postgres://u:p@h/d',
      'http://a:8123,http://b:8123/?secret=cret',
      /^CLICKHOUSE_URL must have no parameters/,
    ],
  ])(
    'refuses parameters that may be a part of a password without showing them: %s %s',
    (postgres, clickhouse, says) => {
      const read = () => readConfig({ DATABASE_URL: postgres, CLICKHOUSE_URL: clickhouse });
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(says);
      expect(read).not.toThrow(/cret/);
    },
  );

  it('lets the environment override .env, and refuses unknown names in .env', () => {
    expect(withEnvFile({ PORT: '1', PATH: '/bin' }, { PORT: '2', HOST: '::' })).toEqual({
      PORT: '1',
      HOST: '::',
      PATH: '/bin',
    });
    expect(() => withEnvFile({}, { PROT: '1' })).toThrow(/\.env sets PROT, which is not a setting.*PORT/);
    for (const name of ['toString', '__proto__', 'constructor']) {
      const file = Object.fromEntries([[name, '1']]);
      expect(() => withEnvFile({}, file)).toThrow(ConfigError);
    }
  });

  it.each([
    {
      settings: { PORT: 'http' },
      says: /^attractos: PORT must be an integer from 0 to 65535; got "http"\. .*--help/,
    },
    { settings: { TRUST_PROXY: 'everybody' }, says: /^attractos: TRUST_PROXY must .*; got "everybody"/ },
    {
      settings: { HOST: 'no.such.invalid' },
      says: /^attractos: Cannot listen on HOST "no\.such\.invalid", PORT 0: .*--help/,
    },
    {
      settings: { METRICS_HOST: '[::1]', METRICS_PORT: '1' },
      says: /^attractos: Cannot listen on METRICS_HOST "\[::1\]"/,
    },
    {
      settings: { SCRIPT_PATH: '/a.js' },
      says: /^attractos: SCRIPT_PATH "\/a\.js" or .* in use: .*--help/,
    },
    { settings: { LOG_LEVEL: 'loud' }, says: /^attractos: LOG_LEVEL must be one of .*; got "loud"/ },
  ])('stops the program with an error: $settings', async ({ settings, says }) => {
    const { code, stdout, stderr } = await command(await temporaryFolder(), ['serve'], {
      PORT: '0',
      ...settings,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe('the file .env', () => {
  const ran = async (prepare: (folder: string) => void) => {
    const folder = await temporaryFolder();
    prepare(folder);
    return command(folder, ['account', 'reset-link', '--email', 'nobody@example.com']);
  };

  it('may begin with a byte order mark, and is named if it cannot be read', async () => {
    const marked = await ran((folder) => writeFileSync(join(folder, '.env'), '\u{FEFF}PORT=1\r\n'));
    expect(marked.stderr).toMatch(/no account/);
    const unread = await ran((folder) => mkdirSync(join(folder, '.env')));
    expect(unread).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Cannot read \.env: .*\n$/) });
  });
});

describe('the catalogue of settings', () => {
  const catalogue = settingsCatalogue();

  it('describes each setting', () => {
    for (const { sentence } of catalogue) expect(sentence).toMatch(/^\S.*[.:]$/);
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });

  it('lists every setting in --help', async () => {
    const { code, stdout } = await command(await temporaryFolder(), ['--help']);
    expect(code).toBe(0);
    for (const { name, default: fallback, sentence } of catalogue) {
      expect(stdout).toContain(`${fallback === '' ? name : `${name}=${fallback}`} `);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(sentence);
    }
  });

  it('lists every setting in the README, line by line', () => {
    const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n');
    const start = lines.indexOf('| Setting | Default | What it does |');
    expect(start, 'the README has a table of settings').toBeGreaterThan(-1);
    const rows: string[][] = [];
    for (const line of lines.slice(start + 2)) {
      if (!line.startsWith('|')) break;
      rows.push(
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    }
    expect(rows).toEqual(
      catalogue.map(({ name, default: fallback, sentence }) => [
        `\`${name}\``,
        fallback === '' ? '' : `\`${fallback}\``,
        sentence,
      ]),
    );
  });
});
