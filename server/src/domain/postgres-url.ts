/** Reads a connection string of PostgreSQL as libpq does: https://www.postgresql.org/docs/current/libpq-connect.html */

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

/** The port of a host that names none. */
const DEFAULT_PORT = 5432;
const PORT_MAX = 65_535;

/** A host and port of TCP. */
export interface PostgresHost {
  /** A name or an IP address, without brackets. */
  host: string;
  port: number;
}

export interface PostgresUrl {
  /** The hosts to try in turn; none for the default of the driver. A socket replaces them. */
  hosts: readonly PostgresHost[];
  /** The path of the Unix socket of a server on this machine; null for TCP. */
  socket: string | null;
  /** What to log in with. What is empty has the default of the driver. */
  login: { user: string; password: string; database: string };
  /** Always `disable` on a Unix socket, where TLS does not exist. */
  sslMode: SslMode;
  /** Paths of PEM files. */
  files: { rootCert: string | null; cert: string | null; key: string | null };
  /** Whether to trust the certificate authorities of the operating system as well as those of Node.js. */
  trustsSystem: boolean;
  /** Parameters for the server, such as `application_name`. */
  session: Readonly<Record<string, string>>;
}

/** Parameters that are passed on to the server. */
const FOR_THE_SERVER = ['application_name', 'options'] as const;
const FOR_US = [
  ...(['host', 'port', 'user', 'password', 'dbname'] as const),
  ...(['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding'] as const),
] as const;

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

/** Matches a connection string: user and password, hosts, database, parameters. */
const PARTS = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#@]*))?(?:\?(.*))?$/s;
/** Matches one of the hosts: an IPv6 address in brackets, or any other host, and its port. */
const HOST_AND_PORT = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d*))?$/;
const NOT_A_URL =
  'must be a valid URL. In its user and password, write / as %2F, # as %23, ? as %3F and @ as %40';

/**
 * Reads a connection string. Messages never show a value, because it may be part of a password.
 *
 * @throws RangeError whose message continues the setting's name with what is expected, such as `must be an integer`
 */
export function readPostgresUrl(text: string): PostgresUrl {
  const [all, login = '', hosts = '', database = '', query = ''] = PARTS.exec(text) ?? [];
  if (all === undefined) throw new RangeError(NOT_A_URL);
  const [user = '', ...password] = login.split(':');
  const inAuthority = {
    user: decoded(user),
    password: decoded(password.join(':')),
    database: decoded(database, NOT_A_URL),
  };
  const fromAuthority = hosts === '' ? [] : hosts.split(',').map(readHost);
  if (query.includes('@')) throw new RangeError('must write ? in its user or password as %3F');
  const given = new Map(new URLSearchParams(query));
  for (const [name, value] of given) checkParameter(name, value);
  const { hosts: tcp, socket } = placeOf(withParameters(fromAuthority, given));
  const sslMode = sslModeOf(given);
  const rootCert = given.get('sslrootcert') ?? null;
  return {
    hosts: tcp,
    socket,
    login: {
      user: given.get('user') ?? inAuthority.user,
      password: given.get('password') ?? inAuthority.password,
      database: given.get('dbname') ?? inAuthority.database,
    },
    sslMode: socket === null ? sslMode : 'disable',
    files: {
      rootCert: rootCert === 'system' ? null : rootCert,
      cert: given.get('sslcert') ?? null,
      key: given.get('sslkey') ?? null,
    },
    trustsSystem: rootCert === 'system',
    session: Object.fromEntries(
      FOR_THE_SERVER.flatMap((name) => {
        const value = given.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

function decoded(part: string, complaint = 'must write % in its user or password as %25'): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(complaint);
  }
}

/** A host of TCP, or the folder of a Unix socket, which begins with a slash. An empty host is missing. */
interface Place {
  host: string;
  port: string;
}

function readHost(text: string): Place {
  const [all, v6, host = '', port = ''] = HOST_AND_PORT.exec(text) ?? [];
  if (all === undefined) throw new RangeError(NOT_A_URL);
  return { host: decoded(v6 ?? host, NOT_A_URL), port };
}

/** Returns the places after the parameters `host` and `port`, which take precedence and list as many values, or one port. */
function withParameters(places: readonly Place[], given: ReadonlyMap<string, string>): readonly Place[] {
  const hosts = given.get('host')?.split(',') ?? places.map(({ host }) => host);
  const ports = given.get('port')?.split(',') ?? (given.has('host') ? [] : places.map(({ port }) => port));
  if (ports.length > 1 && ports.length !== hosts.length)
    throw new RangeError('must have one port, or one for each host');
  if (ports.length > hosts.length) throw new RangeError('must have a host if it has a port');
  return hosts.map((host, index) => ({ host, port: ports[index] ?? ports[0] ?? '' }));
}

function placeOf(places: readonly Place[]): Pick<PostgresUrl, 'hosts' | 'socket'> {
  const hosts = places.map(({ host, port }) => ({ host, port: portOf(port) }));
  const sockets = hosts.filter(({ host }) => host.startsWith('/'));
  const [socket] = sockets;
  if (socket === undefined) {
    if (!hosts.every(({ host }) => isHost(host))) throw new RangeError(NOT_A_URL);
    return { hosts, socket: null };
  }
  if (hosts.length > 1) throw new RangeError('must have no other host if it has the folder of a Unix socket');
  return { hosts: [], socket: `${socket.host.replace(/\/+$/, '')}/.s.PGSQL.${socket.port}` };
}

function portOf(text: string): number {
  if (text === '') return DEFAULT_PORT;
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > PORT_MAX) throw new RangeError(NOT_A_URL);
  return port;
}

function isHost(host: string): boolean {
  return host.includes(':') ? URL.canParse(`x://[${host}]`) : host !== '' && URL.canParse(`x://${host}`);
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
  checkFiles(given, mode);
  if (mode === 'require' && rootCert !== undefined) return 'verify-ca';
  return mode ?? 'disable';
}

/** Refuses certificates that would be ignored. */
function checkFiles(given: ReadonlyMap<string, string>, mode: SslMode | null): void {
  const named = (['sslrootcert', 'sslcert', 'sslkey'] as const).filter((name) => given.has(name));
  if (given.has('sslcert') !== given.has('sslkey'))
    throw new RangeError('must have both sslcert and sslkey, or neither');
  if (mode === null && named.length > 0)
    throw new RangeError(
      `must have the sslmode require, verify-ca or verify-full with ${named.join(', ')}; without it, there is no TLS`,
    );
}
