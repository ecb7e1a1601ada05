import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { SECOND_MS } from './clock.ts';
import { type MailSettings, readMailSettings } from './mail-settings.ts';

/**
 * Every setting: its name, its default, and one sentence. `attractos --help` and the README's table come from here, and a
 * test holds the README to it.
 */
const SETTINGS = {
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'TCP port to listen on; 0 picks a free one.',
  }),
  HOST: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 or :: for all interfaces.',
  }),
  DATA_DIR: Type.String({
    minLength: 1,
    default: './data',
    description: 'Folder that holds everything stored. Created with mode 700.',
  }),
  DATABASE_URL: Type.String({
    default: '',
    description:
      'PostgreSQL for accounts, sites and keys, as postgres://user:password@host/database; with CLICKHOUSE_URL, or neither. Empty: in DATA_DIR.',
  }),
  CLICKHOUSE_URL: Type.String({
    default: '',
    description:
      'ClickHouse for events, as http://user:password@host:8123/database, with commas between replicas; with DATABASE_URL, or neither. Empty: in DATA_DIR.',
  }),
  SPOOL_MAX_BYTES: Type.Integer({
    minimum: 1024 * 1024,
    default: 4 * 1024 ** 3,
    description:
      'Bytes of events that may wait in DATA_DIR while the databases are away; then beacons are answered 503.',
  }),
  PUBLIC_URL: Type.String({
    default: '',
    description:
      'Address at which visitors reach this server, such as https://stats.example; used in the snippets shown.',
  }),
  SCRIPT_PATH: Type.String({
    default: '',
    pattern: '^((/[A-Za-z0-9._~-]+)+\\.js)?$',
    description:
      'Further path at which the tracker is served and which the snippets name, such as /js/app.js; .full and .micro go before .js. Empty: /a.js alone.',
  }),
  COLLECT_PATH: Type.String({
    default: '',
    pattern: '^((/[A-Za-z0-9._~-]+)+)?$',
    description:
      'Further path at which beacons arrive, and to which the tracker at SCRIPT_PATH sends them, such as /js/log. Empty: /e alone.',
  }),
  TRUST_PROXY: Type.String({
    default: '',
    description:
      'Proxies whose X-Forwarded-For is believed: comma-separated CIDRs, or loopback, linklocal, uniquelocal. Empty: none.',
  }),
  GEO_DATABASE: Type.String({
    default: '',
    description:
      'Path of a file in MaxMind format (.mmdb) that tells the country of an address. Empty: by COUNTRY_HEADER, else by the time zone of the browser.',
  }),
  COUNTRY_HEADER: Type.String({
    default: '',
    pattern: '^([A-Za-z0-9-]+)?$',
    description:
      'Header in which a proxy of TRUST_PROXY names the country of the visitor, such as CF-IPCountry. Empty: none.',
  }),
  SITE_RATE: Type.Number({
    exclusiveMinimum: 0,
    default: 1000,
    description: 'Beacons a second that one site may send.',
  }),
  SITE_BURST: Type.Number({
    minimum: 1,
    default: 5000,
    description:
      'Beacons that one site may send at once before SITE_RATE applies. Half of them are reserved: where several addresses send, each has at most a tenth of the burst from this half.',
  }),
  MAX_CONNECTIONS: Type.Integer({
    minimum: 1,
    default: 10_000,
    description:
      'Connections that may be open at once; those beyond it are closed unanswered. Fewer, where the process may not open 256 files besides.',
  }),
  API_ORIGINS: Type.String({
    default: '',
    description:
      'Origins whose pages may read the API from a browser, comma-separated, such as https://app.example. Empty: none.',
  }),
  RETENTION_DAYS: Type.Integer({
    minimum: 0,
    maximum: 36_500,
    default: 0,
    description:
      'Days after which events are deleted, where a site says nothing else; 0 keeps them. Counts never change.',
  }),
  SIGNUPS: Type.Union([Type.Literal('closed'), Type.Literal('invite'), Type.Literal('open')], {
    default: 'closed',
    description:
      'Who may make an account once there is a first one: closed and invite, only by invitation; open, anybody.',
  }),
  NEW_ACCOUNT_PLAN: Type.Union([Type.Literal('free'), Type.Literal('pro')], {
    default: 'free',
    description: 'Plan of accounts made in the dashboard: free or pro.',
  }),
  SHUTDOWN_DELAY: Type.Number({
    minimum: 0,
    maximum: 300,
    default: 0,
    description:
      'Seconds between the signal to stop, from when on /readyz says no, and the end of accepting: time for a load balancer to look elsewhere.',
  }),
  SMTP_URL: Type.String({
    default: '',
    description:
      'Mail server for invitations and forgotten passwords, as smtp://user:password@host:587 or smtps://…:465. Empty: no mail is sent, and links are shown.',
  }),
  MAIL_FROM: Type.String({
    default: '',
    description: 'Sender of those mails, such as AttractOS <stats@example.com>; with SMTP_URL, or neither.',
  }),
  METRICS_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 0,
    description: 'TCP port of a listener that serves GET /metrics to Prometheus and nothing else; 0: none.',
  }),
  METRICS_HOST: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'Address of that listener. It asks for no token: whoever reaches it may read.',
  }),
  METRICS_TOKEN: Type.String({
    default: '',
    pattern: '^([!-~]{16,})?$',
    description:
      'Token of at least 16 characters with which GET /metrics is also served on PORT, as Authorization: Bearer. Empty: it is not.',
  }),
  LOG_LEVEL: Type.Union(
    [
      Type.Literal('fatal'),
      Type.Literal('error'),
      Type.Literal('warn'),
      Type.Literal('info'),
      Type.Literal('debug'),
      Type.Literal('trace'),
      Type.Literal('silent'),
    ],
    { default: 'info', description: 'fatal, error, warn, info, debug, trace or silent.' },
  ),
};

const Settings = Type.Object(SETTINGS);
type Settings = Static<typeof Settings>;
export type SettingName = keyof Settings;

const validator = Compile(Settings);

/** The settings as the program uses them. */
export interface Config {
  port: number;
  host: string;
  dataDir: string;
  /** Null: everything is in the data folder. */
  databases: Databases | null;
  /** Of events that may wait for the databases. */
  spoolMaxBytes: number;
  /** Without a trailing slash; null when not set. */
  publicUrl: string | null;
  /** Where tracker and collector are found besides `/a.js` and `/e`; null: nowhere. */
  paths: { script: string | null; collect: string | null };
  /** Networks and names for Fastify's `trustProxy`; empty: no proxy is believed. */
  trustProxy: readonly string[];
  /** Null: none. */
  geoDatabase: string | null;
  /** In lower case; null: none. */
  countryHeader: string | null;
  siteRatePerSecond: number;
  siteBurst: number;
  /** At once. */
  maxConnections: number;
  /** Origins that the API lets browsers read its answers on. */
  apiOrigins: readonly string[];
  /** Null: events are kept. */
  retentionDays: number | null;
  signups: Settings['SIGNUPS'];
  newAccountPlan: Settings['NEW_ACCOUNT_PLAN'];
  shutdownDelayMs: number;
  /** Null: no mail is sent. */
  mail: MailSettings | null;
  metrics: {
    /** Null: no listener. */
    listen: { port: number; host: string } | null;
    /** Null: not on the main port. */
    token: string | null;
  };
  logLevel: Settings['LOG_LEVEL'];
}

/** Addresses of the servers that keep everything in the scaled-out shape. They may hold passwords: for no log and no answer. */
export interface Databases {
  postgres: string;
  /** One for each replica, with commas between them. */
  clickhouse: string;
}

/** The environment contradicts the catalogue of settings. The message names the setting and what it takes. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The catalogue, in the order it is shown. */
export function settingsCatalogue(): { name: SettingName; default: string; sentence: string }[] {
  return Object.entries(SETTINGS).map(([name, schema]) => ({
    name: name as SettingName, // Object.entries forgets the literal names of a constant object
    default: String((schema as { default?: unknown }).default ?? ''),
    sentence: (schema as { description?: string }).description ?? '',
  }));
}

function isNumeric(name: string): boolean {
  const type = (SETTINGS as Record<string, { type?: unknown }>)[name]?.type;
  return type === 'number' || type === 'integer';
}

function readValue(name: string, text: string): unknown {
  if (!isNumeric(name)) return text;
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw new ConfigError(`${name} is "${text}", which is not a number.`);
  return number;
}

function checkMail({ SMTP_URL, MAIL_FROM, PUBLIC_URL }: Settings): MailSettings | null {
  const mail = readMailSettings({ server: SMTP_URL, from: MAIL_FROM, publicUrl: PUBLIC_URL });
  if (typeof mail === 'string') throw new ConfigError(mail);
  return mail;
}

/** Half a pair would keep the accounts of one installation with the events of another. Never shows an address. */
export function checkDatabases(postgres: string, clickhouse: string): Databases | null {
  if (postgres === '' && clickhouse === '') return null;
  if (postgres === '' || clickhouse === '') {
    const [there, missing] =
      postgres === '' ? ['CLICKHOUSE_URL', 'DATABASE_URL'] : ['DATABASE_URL', 'CLICKHOUSE_URL'];
    throw new ConfigError(`${there} is set and ${missing} is not: set both, or neither.`);
  }
  if (!/^postgres(ql)?:\/\/./.test(postgres))
    throw new ConfigError('DATABASE_URL is no address that begins with postgres://.');
  if (!clickhouse.split(',').every((url) => /^https?:\/\/./.test(url.trim())))
    throw new ConfigError('CLICKHOUSE_URL is no address that begins with http:// or https://.');
  return { postgres, clickhouse };
}

function checkPublicUrl(text: string): string | null {
  if (text === '') return null;
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ConfigError(`PUBLIC_URL is "${text}", which is no http or https address.`);
  }
  return text.replace(/\/+$/, '');
}

function checkOrigins(text: string): string[] {
  const origins = text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  for (const origin of origins) {
    if (URL.parse(origin)?.origin !== origin) {
      throw new ConfigError(
        `API_ORIGINS is "${text}": "${origin}" is no origin, which is scheme, host and port, such as https://app.example.`,
      );
    }
  }
  return origins;
}

/** A renamed collector is of use only to a tracker that knows of it. */
function checkPaths(script: string, collect: string): Config['paths'] {
  if (collect !== '' && script === '') {
    throw new ConfigError(
      `COLLECT_PATH is "${collect}", but SCRIPT_PATH names no path for the tracker that sends there.`,
    );
  }
  return { script: script || null, collect: collect || null };
}

/** Anybody can send a header: it means something only where a proxy is known to have set it. */
function checkCountryHeader(header: string, trustProxy: string): string | null {
  if (header === '') return null;
  if (trustProxy === '') {
    throw new ConfigError(
      `COUNTRY_HEADER is "${header}", but TRUST_PROXY names no proxy that could be believed to set it.`,
    );
  }
  return header.toLowerCase();
}

/**
 * The environment as a configuration. Settings that are absent or empty have their defaults; names that are not in the
 * catalogue are not ours to judge, since an environment is shared with others.
 *
 * @throws ConfigError with one sentence for a person
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const values: Record<string, unknown> = {};
  for (const { name, default: fallback } of settingsCatalogue()) {
    values[name] = readValue(name, environment[name] || fallback);
  }
  if (!validator.Check(values)) {
    const [problem] = validator.Errors(values);
    const name = problem?.instancePath.slice(1) ?? '';
    throw new ConfigError(
      `${name} is "${environment[name]}": ${problem?.message}. ${(SETTINGS as Record<string, { description?: string }>)[name]?.description ?? ''}`,
    );
  }
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: values.DATA_DIR,
    databases: checkDatabases(values.DATABASE_URL, values.CLICKHOUSE_URL),
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
    publicUrl: checkPublicUrl(values.PUBLIC_URL),
    paths: checkPaths(values.SCRIPT_PATH, values.COLLECT_PATH),
    trustProxy: values.TRUST_PROXY.split(',')
      .map((network) => network.trim())
      .filter((network) => network !== ''),
    geoDatabase: values.GEO_DATABASE || null,
    countryHeader: checkCountryHeader(values.COUNTRY_HEADER, values.TRUST_PROXY),
    siteRatePerSecond: values.SITE_RATE,
    siteBurst: values.SITE_BURST,
    maxConnections: values.MAX_CONNECTIONS,
    apiOrigins: checkOrigins(values.API_ORIGINS),
    retentionDays: values.RETENTION_DAYS === 0 ? null : values.RETENTION_DAYS,
    signups: values.SIGNUPS,
    newAccountPlan: values.NEW_ACCOUNT_PLAN,
    shutdownDelayMs: values.SHUTDOWN_DELAY * SECOND_MS,
    mail: checkMail(values),
    metrics: {
      listen: values.METRICS_PORT === 0 ? null : { port: values.METRICS_PORT, host: values.METRICS_HOST },
      token: values.METRICS_TOKEN || null,
    },
    logLevel: values.LOG_LEVEL,
  };
}

/**
 * The environment with the settings of a `.env` file under it: what the environment says wins. The file is ours alone, so a
 * name in it that is no setting is a mistake.
 *
 * @param file names and values of the file, see `util.parseEnv`
 * @throws ConfigError naming the unknown setting
 */
export function withEnvFile(
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  for (const name of Object.keys(file)) {
    if (!Object.hasOwn(SETTINGS, name)) {
      throw new ConfigError(
        `.env sets ${name}, which is no setting. There are: ${Object.keys(SETTINGS).join(', ')}.`,
      );
    }
  }
  return { ...file, ...environment };
}
