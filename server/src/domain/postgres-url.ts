/** Reads a connection string of PostgreSQL as libpq does: https://www.postgresql.org/docs/current/libpq-connect.html */

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

export interface PostgresUrl {
  /** The URL without parameters: `postgres://user:password@host:port/database`, where several hosts may be named. */
  server: string;
  sslMode: SslMode;
  /** Paths of PEM files. Without a root certificate, the ones that Node.js trusts count. */
  files: { rootCert: string | null; cert: string | null; key: string | null };
  /** Parameters for the server, such as `application_name`. */
  session: Readonly<Record<string, string>>;
}

/** Parameters that are passed on to the server. */
const FOR_THE_SERVER = ['application_name', 'options'] as const;
const FOR_US = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding'] as const;

const ANYTHING = /^/;
/** Parameters of libpq that have no effect here, with the values for which that is harmless. */
const IGNORED: Readonly<Record<string, RegExp>> = {
  client_encoding: /^(auto|utf-?8)$/i,
  connect_timeout: ANYTHING,
  fallback_application_name: ANYTHING,
  gssencmode: /^(disable|prefer)$/,
  keepalives: ANYTHING,
  keepalives_count: ANYTHING,
  keepalives_idle: ANYTHING,
  keepalives_interval: ANYTHING,
  sslcompression: ANYTHING,
  sslnegotiation: /^postgres$/,
  sslsni: /^1$/,
  target_session_attrs: /^(any|read-write|primary)$/,
  tcp_user_timeout: ANYTHING,
};

/**
 * Reads the parameters of a connection string. Messages never show a value, because it may be part of a password.
 *
 * @throws RangeError whose message continues the setting's name with what is expected, such as `must be an integer`
 */
export function readPostgresUrl(text: string): PostgresUrl {
  const [server = '', ...rest] = text.split('?');
  const query = rest.join('?');
  if (query.includes('@')) throw new RangeError('must write ? in its user or password as %3F');
  const given = new Map(new URLSearchParams(query));
  for (const [name, value] of given) checkParameter(name, value);
  const rootCert = given.get('sslrootcert') ?? null;
  return {
    server,
    sslMode: sslModeOf(given),
    files: {
      rootCert: rootCert === 'system' ? null : rootCert,
      cert: given.get('sslcert') ?? null,
      key: given.get('sslkey') ?? null,
    },
    session: Object.fromEntries(
      FOR_THE_SERVER.flatMap((name) => {
        const value = given.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

function checkParameter(name: string, value: string): void {
  if ([...FOR_THE_SERVER, ...FOR_US].some((known) => known === name)) return;
  const harmless = Object.hasOwn(IGNORED, name) ? IGNORED[name] : undefined;
  if (harmless === undefined)
    throw new RangeError(
      `has the unknown parameter ${name}. Known are ${[...FOR_US, ...FOR_THE_SERVER].join(', ')}; parameters of the server go into options, as in options=-c%20search_path%3Dmine`,
    );
  if (!harmless.test(value)) throw new RangeError(`has a value of ${name} that is not supported`);
}

function sslModeOf(given: ReadonlyMap<string, string>): SslMode {
  const [ssl, rootCert] = [given.get('ssl'), given.get('sslrootcert')];
  if (ssl !== undefined && ssl !== 'true') throw new RangeError('may only have true as its parameter ssl');
  const named = given.get('sslmode') ?? (ssl === 'true' ? 'require' : null);
  const mode = SSL_MODES.find((each) => each === named) ?? null;
  if (named !== null && mode === null)
    throw new RangeError(`must have one of ${SSL_MODES.join(', ')} as its sslmode`);
  // Channel binding detects a man in the middle. The driver does not support it, but a verified certificate does the same.
  if (given.get('channel_binding') === 'require') return 'verify-full';
  if (rootCert === 'system') {
    if (mode !== null && mode !== 'verify-full')
      throw new RangeError('must have the sslmode verify-full with sslrootcert=system');
    return 'verify-full';
  }
  if (mode === 'require' && rootCert !== undefined) return 'verify-ca';
  return mode ?? 'disable';
}
