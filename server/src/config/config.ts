import { trustedProxies } from '../domain/addresses.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../domain/clock.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { readPostgresUrl } from '../domain/postgres-url.ts';
import type { SingleSignOnSettings } from '../domain/single-sign-on.ts';
import type { Databases } from '../store/contract/databases.ts';
import type { TextLimits } from '../store/contract/events.ts';
import type { ReportLimits } from '../store/contract/reports.ts';
import { readMailSettings } from './mail.ts';
import { listOf, type Setting } from './setting.ts';
import { SETTINGS, type SettingName, type Settings } from './settings.ts';
import { readSingleSignOn } from './single-sign-on.ts';

const MIB = 1024 ** 2;

/** The configuration as the program uses it. */
export interface Config {
  port: number;
  host: string;
  /** The path of the Unix socket to listen on; null to listen on host and port. */
  socketPath: string | null;
  dataDir: string;
  /** The databases; null if all data is in the data folder. */
  databases: Databases | null;
  /** The key that encrypts stored secrets; null if it is in the data folder. */
  secretKey: string | null;
  /** The most bytes of events that may wait for the databases. */
  spoolMaxBytes: number;
  /** What reports may use on this machine. */
  reportLimits: ReportLimits;
  /** The public URL without a trailing slash; null if it is not set. */
  publicUrl: string | null;
  /** Paths of tracker and collector in addition to `/a.js` and `/e`; null if none. */
  paths: { script: string | null; collect: string | null };
  /** Networks and names of trusted proxies, for Fastify's `trustProxy`; empty if no proxy is trusted. */
  trustProxy: readonly string[];
  /** The header in which trusted proxies name the client, in lower case; null if it is one of the usual ones. */
  clientIpHeader: string | null;
  /** The path of the country database; null if there is none. */
  geoDatabase: string | null;
  /** The path of the ASN database; null if there is none. */
  asnDatabase: string | null;
  /** The path of a file with the networks of crawlers; null for the built-in ones. */
  crawlerRanges: string | null;
  /** The country header in lower case; null if there is none. */
  countryHeader: string | null;
  siteRatePerSecond: number;
  siteBurst: number;
  /** How much text each site may store per UTC day. */
  textLimits: TextLimits;
  /** The free bytes on the disk below which no events are stored; 0 for any. */
  minFreeBytes: number;
  /** What an operator types to run a command. */
  command: string;
  /** The most connections open at once. */
  maxConnections: number;
  /** Origins whose pages may read the API. */
  apiOrigins: readonly string[];
  /** The default retention in days; null if events are kept forever. */
  retentionDays: number | null;
  signups: Settings['SIGNUPS'];
  newAccountPlan: Settings['NEW_ACCOUNT_PLAN'];
  /** How long a browser stays signed in to the dashboard: without use, and at most. */
  sessions: { idleMs: number; maxAgeMs: number };
  shutdownDelayMs: number;
  /** The identity provider; null if people sign in with passwords only. */
  singleSignOn: SingleSignOnSettings | null;
  /** The mail settings; null if no email is sent. */
  mail: MailSettings | null;
  metrics: {
    /** The address of the separate listener; null if there is none. */
    listen: { port: number; host: string } | null;
    /** The token for metrics on the main port; null if they are not served there. */
    token: string | null;
  };
  logLevel: Settings['LOG_LEVEL'];
}

/** The error of an invalid setting. Its message says what is expected and what was given. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const read = ([name, setting]: [string, Setting<string | number>]) => {
    const text = environment[name] || String(setting.default);
    try {
      return [name, setting.read(text)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const given = setting.isSecret ? `${text.length} characters` : `"${text}"`;
      throw new ConfigError(`${name} ${error.message}; got ${given}.`);
    }
  };
  // Each entry has the type of its setting, which `fromEntries` cannot express.
  return Object.fromEntries(Object.entries<Setting<string | number>>(SETTINGS).map(read)) as Settings;
}

function checkMail({ SMTP_URL, SMTP_CA_FILE, MAIL_FROM, PUBLIC_URL }: Settings): MailSettings | null {
  const mail = readMailSettings({
    ...{ server: SMTP_URL, caFile: SMTP_CA_FILE, from: MAIL_FROM, publicUrl: PUBLIC_URL },
  });
  if (typeof mail === 'string') throw new ConfigError(mail);
  return mail;
}

function checkSingleSignOn(values: Settings, publicUrl: string | null): SingleSignOnSettings | null {
  const settings = readSingleSignOn(values, publicUrl);
  if (typeof settings === 'string') throw new ConfigError(settings);
  return settings;
}

/** Checks that both databases are set, or neither. Error messages never show a URL, because it may contain a password. */
export function checkDatabases(postgres: string, clickhouse: string): Databases | null {
  if (postgres === '' && clickhouse === '') return null;
  if (postgres === '' || clickhouse === '') {
    const [there, missing] =
      postgres === '' ? ['CLICKHOUSE_URL', 'DATABASE_URL'] : ['DATABASE_URL', 'CLICKHOUSE_URL'];
    throw new ConfigError(`${missing} must be set if ${there} is set: set both or neither.`);
  }
  if (!/^postgres(ql)?:\/\/./.test(postgres))
    throw new ConfigError('DATABASE_URL must be a URL that begins with postgres://.');
  if (!clickhouse.split(',').every((url) => /^https?:\/\/./.test(url.trim())))
    throw new ConfigError('CLICKHOUSE_URL must be a URL that begins with http:// or https://.');
  for (const url of clickhouse.split(',')) checkLogin('CLICKHOUSE_URL', url.trim());
  if (/[?#]/.test(clickhouse))
    throw new ConfigError(
      'CLICKHOUSE_URL must have no parameters after ?. In its user and password, write ? as %3F and # as %23.',
    );
  try {
    readPostgresUrl(postgres);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError(`DATABASE_URL ${error.message}.`);
  }
  return { postgres, clickhouse };
}

/** Checks that the URL's user and password are percent-encoded. Error messages never show the URL. */
function checkLogin(name: SettingName, url: string): void {
  const [, login = ''] = /^\w+:\/\/([^/@]*)@/.exec(url) ?? [];
  try {
    decodeURIComponent(login);
  } catch {
    throw new ConfigError(`${name} must write % in its user or password as %25.`);
  }
  const [oneHost = ''] = /^\w+:\/\/(?:[^/@]*@)?[^/,]*/.exec(url) ?? [];
  if (URL.parse(oneHost) === null) {
    throw new ConfigError(
      `${name} must be a valid URL. In its user and password, write / as %2F, # as %23, ? as %3F and @ as %40.`,
    );
  }
}

/** Matches a path without characters that have a meaning in HTML or in a cookie. */
const BASE_PATH = /^(\/[\w.~%-]+)*$/;

function checkPublicUrl(text: string): string | null {
  if (text === '') return null;
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ConfigError(`PUBLIC_URL must be an http(s) URL; got "${text}".`);
  }
  const { origin, href } = url;
  const path = url.pathname.replace(/\/+$/, '');
  if (href !== `${origin}${url.pathname}` || !BASE_PATH.test(path)) {
    throw new ConfigError(
      `PUBLIC_URL must consist of an origin and an optional path of letters, digits and - . _ ~ %, such as https://stats.example or https://example.com/stats; got "${text}".`,
    );
  }
  return `${origin}${path}`;
}

function checkProxies(text: string): string[] {
  const networks = listOf(text);
  for (const network of networks) {
    try {
      trustedProxies([network]);
    } catch {
      throw new ConfigError(
        `TRUST_PROXY must list CIDRs such as 10.0.0.0/8, or loopback, linklocal, uniquelocal; got ${quoted(network, text)}.`,
      );
    }
  }
  return networks;
}

/** Quotes the wrong part of a list, and the whole list if it has other parts. */
function quoted(part: string, list: string): string {
  return part === list ? `"${part}"` : `"${part}" in "${list}"`;
}

function checkOrigins(text: string): string[] {
  const origins = listOf(text);
  for (const origin of origins) {
    if (URL.parse(origin)?.origin !== origin) {
      throw new ConfigError(
        `API_ORIGINS must list origins (scheme, host and port) such as https://app.example; got ${quoted(origin, text)}.`,
      );
    }
  }
  return origins;
}

/** Checks that an additional collector path comes with a tracker that sends to it. */
function checkPaths(script: string, collect: string): Config['paths'] {
  if (collect !== '' && script === '') {
    throw new ConfigError(
      `SCRIPT_PATH must be set if COLLECT_PATH is set, because only the tracker at SCRIPT_PATH sends there; got COLLECT_PATH "${collect}".`,
    );
  }
  return { script: script || null, collect: collect || null };
}

/** Checks that a proxy is trusted if a header of proxies is set. Otherwise, any client could send it. */
function checkProxyHeader(name: 'COUNTRY_HEADER' | 'CLIENT_IP_HEADER', values: Settings): string | null {
  const header = values[name];
  if (header === '') return null;
  if (values.TRUST_PROXY === '' && values.SOCKET_PATH === '') {
    throw new ConfigError(
      `TRUST_PROXY must be set if ${name} is set, because the header is read from trusted proxies only; got ${name} "${header}".`,
    );
  }
  return header.toLowerCase();
}

/**
 * Reads the configuration from the environment. Absent and empty settings have their defaults. Unknown names are ignored,
 * because an environment is shared with other programs.
 *
 * @throws ConfigError if a setting is invalid
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const values = readSettings(environment);
  const publicUrl = checkPublicUrl(values.PUBLIC_URL);
  return {
    port: values.PORT,
    host: values.HOST,
    socketPath: values.SOCKET_PATH || null,
    dataDir: values.DATA_DIR,
    databases: checkDatabases(values.DATABASE_URL, values.CLICKHOUSE_URL),
    secretKey: values.SECRET_KEY || null,
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
    reportLimits: {
      memoryMib: values.REPORTS_MEMORY_MIB,
      threads: values.REPORTS_THREADS,
      spillFolder: values.REPORTS_SPILL_DIR || null,
    },
    publicUrl,
    paths: checkPaths(values.SCRIPT_PATH, values.COLLECT_PATH),
    trustProxy: checkProxies(values.TRUST_PROXY),
    clientIpHeader: checkProxyHeader('CLIENT_IP_HEADER', values),
    geoDatabase: values.GEO_DATABASE || null,
    asnDatabase: values.ASN_DATABASE || null,
    crawlerRanges: values.CRAWLER_RANGES || null,
    countryHeader: checkProxyHeader('COUNTRY_HEADER', values),
    siteRatePerSecond: values.SITE_RATE,
    siteBurst: values.SITE_BURST,
    textLimits: { texts: values.SITE_TEXTS, bytes: values.SITE_TEXT_MIB * MIB },
    minFreeBytes: values.MIN_FREE_DISK_MIB * MIB,
    // In a checkout, npm starts the server. An image and the package have the command itself.
    command: environment.npm_lifecycle_event === undefined ? 'attractos' : 'npm run -s attractos --',
    maxConnections: values.MAX_CONNECTIONS,
    apiOrigins: checkOrigins(values.API_ORIGINS),
    retentionDays: values.RETENTION_DAYS === 0 ? null : values.RETENTION_DAYS,
    signups: values.SIGNUPS,
    newAccountPlan: values.NEW_ACCOUNT_PLAN,
    sessions: { idleMs: values.SESSION_IDLE_HOURS * HOUR_MS, maxAgeMs: values.SESSION_MAX_DAYS * DAY_MS },
    shutdownDelayMs: values.SHUTDOWN_DELAY * SECOND_MS,
    singleSignOn: checkSingleSignOn(values, publicUrl),
    mail: checkMail(values),
    metrics: {
      listen: values.METRICS_PORT === 0 ? null : { port: values.METRICS_PORT, host: values.METRICS_HOST },
      token: values.METRICS_TOKEN || null,
    },
    logLevel: values.LOG_LEVEL,
  };
}

/**
 * Merges the settings of a `.env` file into the environment, which takes precedence. The file is only for this program, so an
 * unknown name in it is an error.
 *
 * @param file the names and values in the file, as `util.parseEnv` returns them
 * @throws ConfigError naming the unknown setting
 */
export function withEnvFile(
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  for (const name of Object.keys(file)) {
    if (!Object.hasOwn(SETTINGS, name)) {
      throw new ConfigError(
        `.env sets ${name}, which is not a setting. Settings: ${Object.keys(SETTINGS).join(', ')}.`,
      );
    }
  }
  return { ...file, ...environment };
}
