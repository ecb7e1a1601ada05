import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inject } from 'vitest';
import { until } from '../poll.ts';
import { freePort, install, mayInstall, missing, readPid, stopByPid } from './process.ts';
import { madeOnce } from './shared.ts';

/** ClickHouse 18.16 for tests, as Debian has it: replicas of the same tables, and the ZooKeeper they agree by. */

const START_DEADLINE_MS = 120_000;
const SERVER = '/usr/sbin/clickhouse-server';
const ZOOKEEPER = '/usr/share/java/zookeeper.jar';
const JAVA = '/usr/bin/java';
/** Becomes the program that follows, with the same process id. */
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

/** Whether suites that need ClickHouse can run here; where they cannot, they are skipped, except in CI. */
export const hasClickHouse = obtain();

/** One server. */
export interface ClickHouseReplica {
  httpPort: number;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface ClickHouseCluster {
  replicas: readonly ClickHouseReplica[];
  /** ZooKeeper, as if it were another replica. */
  keeper: Omit<ClickHouseReplica, 'httpPort'>;
  /** A new, empty database on every replica. @returns an address of each */
  createDatabase(): Promise<string[]>;
  /** Asks one replica something. @returns the text of the answer */
  sql(replica: number, text: string): Promise<string>;
}

interface Ports {
  zookeeper: number;
  replicas: { http: number; tcp: number; interserver: number }[];
}

/** Makes and starts a cluster in a folder. Whoever starts one ends it. */
export async function startClickHouse(folder: string, count: number): Promise<ClickHouseCluster> {
  const ports: Ports = { zookeeper: await freePort(), replicas: [] };
  for (let i = 0; i < count; i++)
    ports.replicas.push({
      http: await freePort(),
      tcp: await freePort(),
      interserver: await freePort(),
    });
  writeFiles(folder, ports);
  const cluster = describeCluster(folder, ports);
  await Promise.all([cluster.keeper.start(), ...cluster.replicas.map((replica) => replica.start())]);
  return cluster;
}

/** Ends a cluster of a test for good. */
export async function endClickHouse(cluster: ClickHouseCluster): Promise<void> {
  await Promise.all([...cluster.replicas, cluster.keeper].map((server) => server.kill('SIGKILL')));
}

/** The cluster of two that all suites of a run share, each with databases of its own. */
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
      // Servers close an idle connection after seconds, which the next question would run into.
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
      launch(SERVER, [`--config-file=${join(home, 'config.xml')}`], { home, folder });
      await until(
        () =>
          fetch(`http://127.0.0.1:${http}/ping`).then(
            (answer) => answer.ok,
            () => false,
          ),
        (up) => up,
        START_DEADLINE_MS,
      );
    },
    kill: (signal) => stopByPid(readPid(join(home, 'pid')), signal),
  };
}

function describeKeeper(folder: string, port: number): ClickHouseCluster['keeper'] {
  const home = join(folder, 'zookeeper');
  return {
    async start() {
      launch(
        JAVA,
        [
          ...['-Xmx128m', '-Dzookeeper.admin.enableServer=false', '-cp', `${home}:${ZOOKEEPER}`],
          ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(home, 'zoo.cfg')],
        ],
        { home, folder },
      );
      await until(
        () => askKeeper(port),
        (answer) => answer === 'imok',
        START_DEADLINE_MS,
      );
    },
    kill: (signal) => stopByPid(readPid(join(home, 'pid')), signal),
  };
}

/** A half-started ZooKeeper takes the question and never answers. */
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

/** Starts a server in a group of its own. One of the whole run is ended with it, one of a test at the latest with its worker. */
function launch(
  program: string,
  args: readonly string[],
  { home, folder }: { home: string; folder: string },
) {
  const isShared = folder.startsWith(inject('enginesFolder'));
  const [first, ...rest] = isShared ? [program, ...args] : [...ENDED_WITH_ITS_PARENT, program, ...args];
  const child = spawn(first, rest, { detached: true, stdio: 'ignore', cwd: home });
  child.unref();
  writeFileSync(join(home, 'pid'), String(child.pid));
  if (!isShared) return;
  const name = home.slice(home.lastIndexOf('/') + 1);
  const place = join(inject('enginesFolder'), `clickhouse-${name}`);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'pid'), String(child.pid));
}

const USERS = `<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors><result_rows>0</result_rows>
<read_rows>0</read_rows><execution_time>0</execution_time></interval></default></quotas></yandex>`;

function writeFiles(folder: string, ports: Ports): void {
  writeFileSync(join(folder, 'ports.json'), JSON.stringify(ports));
  const zookeeper = join(folder, 'zookeeper');
  mkdirSync(zookeeper, { recursive: true });
  writeFileSync(
    join(zookeeper, 'zoo.cfg'),
    `dataDir=${zookeeper}/data\nclientPort=${ports.zookeeper}\nclientPortAddress=127.0.0.1\n4lw.commands.whitelist=*\ntickTime=2000\nfsync.warningthresholdms=60000\n`,
  );
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
</yandex>`,
    );
  }
}
