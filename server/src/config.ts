import { Compile } from 'typebox/compile';
import { SECOND_MS } from './clock.ts';
import { type MailSettings, readMailSettings } from './mail-settings.ts';
import { believedProxies } from './proxies.ts';
import { SETTINGS, type SettingName, Settings, settingsCatalogue } from './settings.ts';

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
  checkLogin('DATABASE_URL', postgres);
  for (const url of clickhouse.split(',')) checkLogin('CLICKHOUSE_URL', url.trim());
  return { postgres, clickhouse };
}

/** Passwords have characters that mean something in an address. Never shows it. */
function checkLogin(name: SettingName, url: string): void {
  const [, login = ''] = /^\w+:\/\/([^/@]*)@/.exec(url) ?? [];
  try {
    decodeURIComponent(login);
  } catch {
    throw new ConfigError(`${name} has a % in its user or password that is not written as %25.`);
  }
  const [oneHost = ''] = /^\w+:\/\/(?:[^/@]*@)?[^/,]*/.exec(url) ?? [];
  if (URL.parse(oneHost) === null) {
    throw new ConfigError(
      `${name} cannot be read as an address. In its user and password / is written as %2F, # as %23, ? as %3F and @ as %40.`,
    );
  }
}

function checkPublicUrl(text: string): string | null {
  if (text === '') return null;
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ConfigError(`PUBLIC_URL is "${text}", which is no http or https address.`);
  }
  const { origin, pathname } = url;
  if (url.href !== `${origin}${pathname}`) {
    throw new ConfigError(
      `PUBLIC_URL is "${text}", which has more than an origin and a path: further paths are put behind it.`,
    );
  }
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

function checkProxies(text: string): string[] {
  const networks = listOf(text);
  for (const network of networks) {
    const refuse = () =>
      new ConfigError(
        `TRUST_PROXY is "${text}": "${network}" is neither a network, such as 10.0.0.0/8, nor loopback, linklocal or uniquelocal.`,
      );
    if (/^\d+$/.test(network)) throw refuse(); // how many proxies there are, in other programs; here it would be an address
    try {
      believedProxies([network]);
    } catch {
      throw refuse();
    }
  }
  return networks;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function checkOrigins(text: string): string[] {
  const origins = listOf(text);
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
    // What the schema says of words and patterns is no sentence; the description is.
    const why = /^must be (?:[<>]|integer)/.test(problem?.message ?? '')
      ? `: ${problem?.message}`
      : ', which it cannot be';
    throw new ConfigError(
      `${name} is "${environment[name]}"${why}. ${(SETTINGS as Record<string, { description?: string }>)[name]?.description ?? ''}`,
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
    trustProxy: checkProxies(values.TRUST_PROXY),
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
