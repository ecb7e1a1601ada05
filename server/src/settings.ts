import { type Static, Type } from 'typebox';

const NOT_BLANK = '\\S';
/** A step of a path; browsers walk up at dots before they ask. */
const STEP = '/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+';

/**
 * Every setting: its name, its default, and one sentence. `attractos --help` and the README's table come from here, and a
 * test holds the README to it.
 */
export const SETTINGS = {
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'TCP port to listen on; 0 picks a free one.',
  }),
  HOST: Type.String({
    pattern: NOT_BLANK,
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 or :: for all interfaces.',
  }),
  DATA_DIR: Type.String({
    pattern: NOT_BLANK,
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
    pattern: `^((${STEP})+\\.js)?$`,
    description:
      'Further path at which the tracker is served and which the snippets name, such as /js/app.js; .full and .micro go before .js. Empty: /a.js alone.',
  }),
  COLLECT_PATH: Type.String({
    default: '',
    pattern: `^((${STEP})+)?$`,
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
    pattern: NOT_BLANK,
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

/** What the settings must be, each on its own. */
export const Settings = Type.Object(SETTINGS);
export type Settings = Static<typeof Settings>;
export type SettingName = keyof Settings;

/** The catalogue, in the order it is shown. */
export function settingsCatalogue(): { name: SettingName; default: string; sentence: string }[] {
  return Object.entries(SETTINGS).map(([name, schema]) => ({
    name: name as SettingName, // Object.entries forgets the literal names of a constant object
    default: String((schema as { default?: unknown }).default ?? ''),
    sentence: (schema as { description?: string }).description ?? '',
  }));
}
