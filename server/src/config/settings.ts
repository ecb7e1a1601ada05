import { SECRET_KEY } from '../domain/secret-box.ts';
import { integer, number, type Setting, text, word } from './setting.ts';

const NOT_BLANK = /\S/;
/** The pattern of a path segment. It excludes `.` and `..`, which browsers resolve before they send a request. */
const STEP = '/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+';

/**
 * Every setting with its name, default and description. `attractos --help` prints them, and a test compares the README's table
 * with them.
 */
export const SETTINGS = {
  PORT: integer({
    min: 0,
    max: 65535,
    default: 8080,
    sentence: 'TCP port to listen on. 0 picks a free port.',
  }),
  HOST: text({
    pattern: NOT_BLANK,
    expected: 'must not be blank',
    default: '127.0.0.1',
    sentence: 'Address to listen on. Use 0.0.0.0 or :: for all interfaces.',
  }),
  SOCKET_PATH: text({
    default: '',
    sentence:
      'Path of a Unix socket to listen on instead of HOST and PORT, such as /run/attractos/http.sock. Created with mode 660, for a proxy in the same group, which is trusted without TRUST_PROXY.',
  }),
  DATA_DIR: text({
    pattern: NOT_BLANK,
    expected: 'must not be blank',
    default: './data',
    sentence: 'Folder for all stored data. Created with mode 700.',
  }),
  DATABASE_URL: text({
    default: '',
    sentence:
      'PostgreSQL for accounts, sites and keys: postgres://user:password@host/database. ?sslmode=verify-full adds TLS, and ?host=/var/run/postgresql connects to a Unix socket. Requires CLICKHOUSE_URL. If empty, they are stored in DATA_DIR.',
  }),
  CLICKHOUSE_URL: text({
    default: '',
    sentence:
      'ClickHouse for events: http://user:password@host:8123/database, with commas between replicas. Requires DATABASE_URL. If empty, events are stored in DATA_DIR.',
  }),
  SECRET_KEY: text({
    default: '',
    isSecret: true,
    pattern: new RegExp(`^$|${SECRET_KEY.source}`),
    expected: 'must have at least 32 printable ASCII characters, without spaces',
    sentence:
      'Key that encrypts the secrets of two-factor authentication, at least 32 random characters. Required with DATABASE_URL, the same on every server. If empty, the first start writes one to secret.key in DATA_DIR. Keep a copy: backups do not contain it.',
  }),
  SPOOL_MAX_BYTES: integer({
    min: 1024 * 1024,
    default: 4 * 1024 ** 3,
    sentence:
      'Maximum size of the queue in DATA_DIR that holds events while the databases are down, in bytes. When it is full, events are answered with 503.',
  }),
  REPORTS_MEMORY_MIB: integer({
    min: 256,
    default: 256,
    sentence:
      'Memory that reports may use in this process, in MiB. What does not fit is written to disk temporarily. With databases, reports use the memory of ClickHouse instead.',
  }),
  REPORTS_THREADS: integer({
    min: 1,
    default: 2,
    sentence: 'Threads on which reports are computed in this process.',
  }),
  REPORTS_SPILL_DIR: text({
    default: '',
    sentence: 'Folder for what does not fit in the memory of reports. If empty, a folder in DATA_DIR.',
  }),
  PUBLIC_URL: text({
    default: '',
    sentence:
      'Public URL of this server, such as https://stats.example, or https://example.com/stats to serve everything below a path. Used in snippets and email links. If it is https without a path, browsers are told to use HTTPS only.',
  }),
  SCRIPT_PATH: text({
    default: '',
    pattern: new RegExp(`^((${STEP})+\\.js)?$`),
    expected: 'must be a path that ends in .js, such as /js/app.js, without . or .. steps',
    sentence:
      'Additional path for the tracker, used in snippets, such as /js/app.js. Variants add .full or .micro before .js. If empty, the tracker is served at /a.js only.',
  }),
  COLLECT_PATH: text({
    default: '',
    pattern: new RegExp(`^((${STEP})+)?$`),
    expected: 'must be a path such as /js/log, without . or .. steps',
    sentence:
      'Additional path that accepts events, used by the tracker at SCRIPT_PATH, such as /js/log. If empty, only /e accepts events.',
  }),
  TRUST_PROXY: text({
    default: '',
    sentence:
      'Proxies whose X-Forwarded-For, or else Forwarded, is trusted: comma-separated CIDRs, or loopback, linklocal, uniquelocal. If empty, only the one at SOCKET_PATH is trusted.',
  }),
  CLIENT_IP_HEADER: text({
    default: '',
    pattern: /^([A-Za-z0-9-]+)?$/,
    expected: 'must be the name of a header, such as CF-Connecting-IP',
    sentence:
      'Header in which a trusted proxy sends the IP address of the visitor, such as CF-Connecting-IP, X-Real-IP or Forwarded. It takes precedence over X-Forwarded-For. Requires TRUST_PROXY or SOCKET_PATH.',
  }),
  GEO_DATABASE: text({
    default: '',
    sentence:
      'Path of a country or city database in MaxMind format (.mmdb), such as those of MaxMind, DB-IP or IP2Location. It takes precedence over all other sources, and a city database adds regions and cities. If empty, or if it lacks an address, the country comes from COUNTRY_HEADER, else from the bundled database, else from the time zone of the browser.',
  }),
  COUNTRY_HEADER: text({
    default: '',
    pattern: /^([A-Za-z0-9-]+)?$/,
    expected: 'must be the name of a header, such as CF-IPCountry',
    sentence:
      'Header in which a trusted proxy sends the country of the visitor, such as CF-IPCountry. Requires TRUST_PROXY or SOCKET_PATH. If empty, no header is read.',
  }),
  ASN_DATABASE: text({
    default: '',
    sentence:
      'Path of an ASN database in MaxMind format (.mmdb). With it, a site can exclude visitors from networks of hosting providers.',
  }),
  CRAWLER_RANGES: text({
    default: '',
    sentence:
      'Path of a JSON file with the networks that crawlers come from, such as {"Googlebot": ["66.249.64.0/27"]}. Crawlers from elsewhere are listed as unverified. If empty, a built-in list is used.',
  }),
  SITE_RATE: number({
    above: 0,
    default: 1000,
    sentence: 'Events per second that each site may send.',
  }),
  SITE_BURST: number({
    min: 1,
    default: 5000,
    sentence:
      'Events that each site may send at once before SITE_RATE applies. Half of the burst is reserved: if several addresses send, each can take at most a tenth of the burst from that half.',
  }),
  SITE_TEXT_MIB: integer({
    min: 1,
    default: 1024,
    sentence:
      'Text that each site may store per UTC day, in MiB, beyond 200 bytes for each event. Events beyond it still count, but their long texts are stored as (other).',
  }),
  SITE_TEXTS: integer({
    min: 1,
    default: 1_000_000,
    sentence:
      'Different texts (pages, event names, referrers, campaigns, sets of properties) that each site may store per UTC day. Events beyond them still count, but texts that are new that day are stored as (other).',
  }),
  MIN_FREE_DISK_MIB: integer({
    min: 0,
    default: 256,
    sentence:
      'Free space on the disk of DATA_DIR below which events are answered with 503, in MiB. 0 accepts events until the disk is full.',
  }),
  MAX_CONNECTIONS: integer({
    min: 1,
    default: 10_000,
    sentence:
      'Maximum number of open connections; more are closed unanswered. Lowered automatically if the open-file limit leaves fewer than 256 descriptors for other use.',
  }),
  API_ORIGINS: text({
    default: '',
    sentence:
      'Comma-separated origins whose pages may read the API from a browser, such as https://app.example. If empty, none may.',
  }),
  RETENTION_DAYS: integer({
    min: 0,
    max: 36_500,
    default: 0,
    sentence:
      'Days to keep events, unless a site has its own setting. 0 keeps them forever. Deleting events never changes counts.',
  }),
  SIGNUPS: word(['closed', 'invite', 'open'], {
    default: 'closed',
    sentence:
      'Who can create an account after the first one: with closed or invite, only people with an invitation; with open, anyone.',
  }),
  NEW_ACCOUNT_PLAN: word(['free', 'pro'], {
    default: 'free',
    sentence:
      'Plan of further accounts created in the dashboard: free or pro. The owner account, created with the setup link, is pro. “account plan” changes it.',
  }),
  OIDC_ISSUER: text({
    default: '',
    sentence:
      'URL of your identity provider, for single sign-on with OpenID Connect: its issuer, such as https://id.example. Requires OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and PUBLIC_URL. Register PUBLIC_URL followed by /login/sso/callback there. If empty, people sign in with passwords only.',
  }),
  OIDC_CLIENT_ID: text({ default: '', sentence: 'Client ID that the identity provider gave this server.' }),
  OIDC_CLIENT_SECRET: text({
    default: '',
    isSecret: true,
    sentence: 'Client secret that the identity provider gave this server.',
  }),
  OIDC_SCOPES: text({
    default: 'openid email profile',
    pattern: /^(?=.*\bopenid\b)(?=.*\bemail\b)[!-~]+( [!-~]+)*$/,
    expected: 'must list scopes with single spaces, openid and email among them',
    sentence:
      'Scopes to ask the identity provider for, with spaces in between. Some providers need one more for OIDC_ROLE_CLAIM.',
  }),
  OIDC_DOMAINS: text({
    default: '',
    sentence:
      'Comma-separated email domains of people who may use single sign-on, such as example.com. They get an account when they first sign in. If empty, only people who have an account may use it.',
  }),
  OIDC_ROLE_CLAIM: text({
    default: '',
    sentence:
      'Claim that decides who can see the sites of the operator (the oldest account), such as groups. It is read at each single sign-on and replaces other roles on these sites. Requires OIDC_ADMINS or OIDC_VIEWERS.',
  }),
  OIDC_ADMINS: text({
    default: '',
    sentence: 'Comma-separated values of OIDC_ROLE_CLAIM that make a person an admin of these sites.',
  }),
  OIDC_VIEWERS: text({
    default: '',
    sentence: 'Comma-separated values of OIDC_ROLE_CLAIM that make a person a viewer of these sites.',
  }),
  OIDC_ONLY: word(['off', 'on'], {
    default: 'off',
    sentence:
      'With on, people sign in with single sign-on only: passwords, sign-up and password resets are refused. The operator can still create a link with account reset-link.',
  }),
  SESSION_IDLE_HOURS: number({
    min: 0.25,
    max: 8_760,
    default: 168,
    sentence:
      'Hours without use after which a browser is signed out of the dashboard. Pages that update themselves do not count as use.',
  }),
  SESSION_MAX_DAYS: integer({
    min: 1,
    max: 365,
    default: 30,
    sentence: 'Days after which a browser is signed out of the dashboard, however often it is used.',
  }),
  SHUTDOWN_DELAY: number({
    min: 0,
    max: 300,
    default: 0,
    sentence:
      'Seconds to keep accepting after SIGTERM while /readyz fails, so that load balancers can drain.',
  }),
  SMTP_URL: text({
    default: '',
    sentence:
      'Mail server for invitations and password resets: smtp://user:password@host:587 or smtps://…:465. Requires MAIL_FROM and PUBLIC_URL. If empty, no email is sent and links are shown instead.',
  }),
  MAIL_FROM: text({
    default: '',
    sentence: 'Sender of those emails, such as AttractOS <stats@example.com>. Requires SMTP_URL.',
  }),
  SMTP_CA_FILE: text({
    default: '',
    sentence:
      'PEM file of the CA that signed the certificate of the mail server, if that CA is private. No other CA is then trusted, and emails are sent only over TLS. If empty, the CAs that Node.js trusts. Requires SMTP_URL.',
  }),
  METRICS_PORT: integer({
    min: 0,
    max: 65535,
    default: 0,
    sentence: 'TCP port of a separate listener that serves only GET /metrics, for Prometheus. 0 disables it.',
  }),
  METRICS_HOST: text({
    pattern: NOT_BLANK,
    default: '127.0.0.1',
    sentence:
      'Address of the metrics listener. It requires no token: anyone who can reach it can read the metrics.',
  }),
  METRICS_TOKEN: text({
    default: '',
    isSecret: true,
    pattern: /^([!-~]{16,})?$/,
    expected: 'must have at least 16 printable ASCII characters, without spaces',
    sentence:
      'Token of at least 16 characters. If set, PORT also serves GET /metrics to requests with Authorization: Bearer and this token.',
  }),
  LOG_LEVEL: word(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    sentence: 'Lowest level to log: fatal, error, warn, info, debug, trace or silent.',
  }),
};

export type SettingName = keyof typeof SETTINGS;

/** The values of all settings, each parsed but not checked against the others. */
export type Settings = { [Name in SettingName]: ReturnType<(typeof SETTINGS)[Name]['read']> };

/** Lists all settings in display order. */
export function settingsCatalogue(): { name: SettingName; default: string; sentence: string }[] {
  return Object.entries<Setting<string | number>>(SETTINGS).map(([name, setting]) => ({
    name: name as SettingName, // Object.entries loses the literal types of the names
    default: String(setting.default),
    sentence: setting.sentence,
  }));
}
