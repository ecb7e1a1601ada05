import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../free-port.ts';
import { until } from '../poll.ts';
import { install, mayInstall, missing, readPid, stopByPid } from './process.ts';
import { madeOnce } from './shared.ts';

/** ClickHouse 18.16 for tests, as packaged by Debian: replicas of the same tables, and the ZooKeeper that coordinates them. */

/** The longest that a start may take. It usually takes seconds; after this it is considered hung, and is retried. */
const START_DEADLINE_MS = 40_000;
const START_TRIES = 3;
const SHOWN_LOG_CHARS = 2_000;
const SERVER = '/usr/sbin/clickhouse-server';
const ZOOKEEPER = '/usr/share/java/zookeeper.jar';
const JAVA = '/usr/bin/java';
/** Command prefix that ends a program together with its parent. It execs the program, so the process id stays the same. */
const ENDED_WITH_ITS_PARENT = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] as const;

function obtain(): boolean {
  const isThere = () => [SERVER, ZOOKEEPER, JAVA].every((file) => existsSync(file));
  if (!isThere() && mayInstall())
    install('clickhouse-server', 'clickhouse-client', 'zookeeper', 'default-jre-headless');
  if (isThere()) return true;
  missing(
    'ClickHouse',
    'Install clickhouse-server, zookeeper and default-jre-headless, or run as root with ENGINES=install.',
  );
  return false;
}

/** Whether suites that need ClickHouse can run here. Otherwise they are skipped, except in CI, where they fail. */
export const hasClickHouse = obtain();

/** One ClickHouse server of a cluster. */
export interface ClickHouseReplica {
  httpPort: number;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface ClickHouseCluster {
  replicas: readonly ClickHouseReplica[];
  /** Controls ZooKeeper, as if it were another replica. */
  keeper: Omit<ClickHouseReplica, 'httpPort'>;
  /** Creates an empty database on every replica. @returns an address for each replica */
  createDatabase(): Promise<string[]>;
  /** Runs a statement on one replica. @returns the text of the response */
  sql(replica: number, text: string): Promise<string>;
}

interface Ports {
  zookeeper: number;
  replicas: { http: number; tcp: number; interserver: number }[];
}

/**
 * Creates and starts a cluster in a folder. The caller ends it. A failed start is reported on standard error and retried on
 * other ports.
 */
export async function startClickHouse(folder: string, count: number): Promise<ClickHouseCluster> {
  for (let tries = 1; ; tries++) {
    const ports = await writeFiles(folder, count);
    const cluster = describeCluster(folder, ports);
    const starts = await Promise.allSettled(
      [cluster.keeper, ...cluster.replicas].map((server) => server.start()),
    );
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed === undefined) return cluster;
    await endClickHouse(cluster);
    if (tries === START_TRIES) throw failed.reason;
    process.stderr.write(`\nClickHouse did not start, try ${tries} of ${START_TRIES}: ${failed.reason}\n`);
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }
}

/** Ends a test's cluster permanently. */
export async function endClickHouse(cluster: ClickHouseCluster): Promise<void> {
  await Promise.all([...cluster.replicas, cluster.keeper].map((server) => server.kill('SIGKILL')));
}

/** Returns the two-replica cluster that all suites of a run share. Each suite has its own databases. */
export async function sharedClickHouse(): Promise<ClickHouseCluster> {
  const folder = join(inject('enginesFolder'), 'clickhouse');
  const ports = await madeOnce(folder, async () => {
    await startClickHouse(folder, 2);
    return readFileSync(join(folder, 'ports.json'), 'utf8');
  });
  return describeCluster(folder, JSON.parse(ports) as Ports);
}

function describeCluster(folder: string, ports: Ports): ClickHouseCluster {
  const replicas = ports.replicas.map((_, i) => describeReplica(folder, ports, i));
  const sql = async (replica: number, text: string) => {
    const answer = await fetch(`http://127.0.0.1:${ports.replicas[replica]?.http}/`, {
      method: 'POST',
      body: text,
      // Servers close idle connections after a few seconds, and the next request would fail.
      headers: { connection: 'close' },
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.text()).trim();
  };
  return {
    replicas,
    keeper: describeKeeper(folder, ports.zookeeper),
    sql,
    async createDatabase() {
      const name = `test_${randomBytes(6).toString('hex')}`;
      for (const i of replicas.keys()) await sql(i, `CREATE DATABASE ${name}`);
      return ports.replicas.map(({ http }) => `http://127.0.0.1:${http}/${name}`);
    },
  };
}

function describeReplica(folder: string, ports: Ports, i: number): ClickHouseReplica {
  const http = ports.replicas[i]?.http ?? 0;
  const home = join(folder, `replica-${i}`);
  return {
    httpPort: http,
    async start() {
      const child = launch(SERVER, [`--config-file=${join(home, 'config.xml')}`], { home, folder });
      await cameUp(child, home, () =>
        fetch(`http://127.0.0.1:${http}/ping`).then(
          (answer) => answer.ok,
          () => false,
        ),
      );
    },
    kill: (signal) => stopByPid(readPid(join(home, 'pid')), signal),
  };
}

function describeKeeper(folder: string, port: number): ClickHouseCluster['keeper'] {
  const home = join(folder, 'zookeeper');
  return {
    async start() {
      const child = launch(
        JAVA,
        [
          ...['-Xmx128m', '-Dzookeeper.admin.enableServer=false', '-cp', `${home}:${ZOOKEEPER}`],
          ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(home, 'zoo.cfg')],
        ],
        { home, folder },
      );
      await cameUp(child, home, async () => (await askKeeper(port)) === 'imok');
    },
    kill: (signal) => stopByPid(readPid(join(home, 'pid')), signal),
  };
}

/** @throws with the server's last output if it exits or does not respond in time */
async function cameUp(child: ChildProcess, home: string, answers: () => Promise<boolean>): Promise<void> {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  try {
    await until(answers, (yes) => yes || hasEnded(), START_DEADLINE_MS);
    if (hasEnded()) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
  } catch (error) {
    const said = ['output', 'error.log'].map((name) => join(home, name)).filter((file) => existsSync(file));
    const texts = said.map((file) => readFileSync(file, 'utf8').slice(-SHOWN_LOG_CHARS));
    throw new Error(`${child.spawnfile} did not come up: ${error}\n${texts.join('\n')}`, { cause: error });
  }
}

/** Sends ZooKeeper a status request. While it is starting, it accepts the connection but never responds. */
function askKeeper(port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    socket.on('connect', () => socket.write('ruok'));
    socket.on('data', (data) => {
      answer += data.toString();
    });
    for (const end of ['close', 'error', 'timeout'] as const) {
      socket.on(end, () => {
        socket.destroy();
        resolve(answer);
      });
    }
  });
}

/**
 * Starts a server in its own process group. A shared server ends with the run, a test's server with its worker at the latest.
 */
function launch(
  program: string,
  args: readonly string[],
  { home, folder }: { home: string; folder: string },
): ChildProcess {
  const isShared = folder.startsWith(inject('enginesFolder'));
  const [first, ...rest] = isShared ? [program, ...args] : [...ENDED_WITH_ITS_PARENT, program, ...args];
  const output = openSync(join(home, 'output'), 'a');
  const child = spawn(first, rest, { detached: true, stdio: ['ignore', output, output], cwd: home });
  closeSync(output);
  child.unref();
  writeFileSync(join(home, 'pid'), String(child.pid));
  if (!isShared) return child;
  const name = home.slice(home.lastIndexOf('/') + 1);
  const place = join(inject('enginesFolder'), `clickhouse-${name}`);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'pid'), String(child.pid));
  return child;
}

const USERS = `<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors><result_rows>0</result_rows>
<read_rows>0</read_rows><execution_time>0</execution_time></interval></default></quotas></yandex>`;

/** Chooses ports, and writes the configuration and empty data folders. */
async function writeFiles(folder: string, count: number): Promise<Ports> {
  const ports: Ports = { zookeeper: await freePort(), replicas: [] };
  for (let i = 0; i < count; i++)
    ports.replicas.push({
      http: await freePort(),
      tcp: await freePort(),
      interserver: await freePort(),
    });
  writeFileSync(join(folder, 'ports.json'), JSON.stringify(ports));
  const zookeeper = join(folder, 'zookeeper');
  mkdirSync(zookeeper, { recursive: true });
  writeFileSync(
    join(zookeeper, 'zoo.cfg'),
    `dataDir=${zookeeper}/data\nclientPort=${ports.zookeeper}\nclientPortAddress=127.0.0.1\n4lw.commands.whitelist=*\ntickTime=2000\nfsync.warningthresholdms=60000\n`,
  );
  const shards = ports.replicas
    .map(({ tcp }) => `<shard><replica><host>127.0.0.1</host><port>${tcp}</port></replica></shard>`)
    .join('');
  for (const [i, { http, tcp, interserver }] of ports.replicas.entries()) {
    const home = join(folder, `replica-${i}`);
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(join(home, 'users.xml'), USERS);
    writeFileSync(
      join(home, 'config.xml'),
      `<?xml version="1.0"?>
<yandex>
<logger><level>warning</level><log>${home}/server.log</log><errorlog>${home}/error.log</errorlog><size>10M</size><count>1</count></logger>
<http_port>${http}</http_port><tcp_port>${tcp}</tcp_port>
<interserver_http_port>${interserver}</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
<listen_host>127.0.0.1</listen_host><timezone>UTC</timezone>
<max_connections>256</max_connections><keep_alive_timeout>3</keep_alive_timeout><max_concurrent_queries>100</max_concurrent_queries>
<uncompressed_cache_size>8388608</uncompressed_cache_size><mark_cache_size>16777216</mark_cache_size>
<path>${home}/data/</path><tmp_path>${home}/data/tmp/</tmp_path><user_files_path>${home}/data/user_files/</user_files_path>
<format_schema_path>${home}/data/format_schemas/</format_schema_path>
<users_config>${home}/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<zookeeper><node index="1"><host>127.0.0.1</host><port>${ports.zookeeper}</port></node><session_timeout_ms>10000</session_timeout_ms></zookeeper>
<macros><shard>1</shard><replica>replica-${i}</replica></macros>
<remote_servers><both>${shards}</both></remote_servers>
</yandex>`,
    );
  }
  return ports;
}
