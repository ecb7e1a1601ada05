import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Databases } from '../../src/store/contract/databases.ts';
import { freePort } from '../../test/support/free-port.ts';
import { familyCpuMs } from './os.ts';

/** The machine's PostgreSQL and ClickHouse, started for a measurement and stopped after it. */

const DEBIAN_FOLDER = '/usr/lib/postgresql';
const CLICKHOUSE = '/usr/sbin/clickhouse-server';
const START_DEADLINE_MS = 60_000;
const LOOK_MS = 100;
const STOP_DEADLINE_MS = 20_000;

export interface Engines {
  databases: Databases;
  /** Returns the CPU time used so far, in milliseconds. */
  cpu(): { postgres: number; clickhouse: number };
  /** Runs a ClickHouse statement. @returns the text of the response */
  sql(text: string): Promise<string>;
  /** Returns the size of PostgreSQL's tables and indexes, in bytes. */
  postgresBytes(): number;
  stop(): Promise<void>;
}

/** Returns whether both are installed on this machine. */
export function hasEngines(): boolean {
  return existsSync(CLICKHOUSE) && postgresFolder() !== undefined;
}

function postgresFolder(): string | undefined {
  if (!existsSync(DEBIAN_FOLDER)) return undefined;
  const [newest] = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a));
  return newest === undefined ? undefined : join(DEBIAN_FOLDER, newest, 'bin');
}

/** Starts a PostgreSQL that flushes every commit, and a ClickHouse without replicas. */
export async function startEngines(folder: string): Promise<Engines> {
  const [postgresPort, httpPort, tcpPort] = [await freePort(), await freePort(), await freePort()];
  const postgres = startPostgres(join(folder, 'postgres'), postgresPort);
  const clickhouse = startClickHouse(join(folder, 'clickhouse'), { httpPort, tcpPort });
  const sql = async (text: string) => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/`, {
      method: 'POST',
      body: text,
      headers: { connection: 'close' },
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.text()).trim();
  };
  const address = `postgres://postgres@127.0.0.1:${postgresPort}/postgres`;
  const psql = (text: string) => run(join(postgresFolder() ?? '', 'psql'), [address, '-qAtXc', text]);
  await comesUp(() => psql('SELECT 1'));
  await comesUp(() => sql('CREATE DATABASE IF NOT EXISTS bench'));
  const of = ({ pid }: ChildProcess) => familyCpuMs(pid ?? 0);
  return {
    databases: { postgres: address, clickhouse: `http://127.0.0.1:${httpPort}/bench` },
    cpu: () => ({ postgres: of(postgres), clickhouse: of(clickhouse) }),
    sql,
    postgresBytes: () => Number(psql('SELECT pg_database_size(current_database())')),
    async stop() {
      await Promise.all([end(postgres, 'SIGINT'), end(clickhouse, 'SIGTERM')]);
    },
  };
}

function startPostgres(folder: string, port: number): ChildProcess {
  const bin = postgresFolder() ?? '';
  // PostgreSQL refuses to run as root.
  const owner =
    process.getuid?.() === 0
      ? { uid: Number(run('id', ['-u', 'postgres'])), gid: Number(run('id', ['-g', 'postgres'])) }
      : {};
  mkdirSync(folder, { recursive: true });
  if (owner.uid !== undefined) {
    chmodSync(join(folder, '..'), 0o711);
    chownSync(folder, owner.uid, owner.gid);
  }
  const data = join(folder, 'data');
  run(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C'], {
    ...owner,
    cwd: folder,
  });
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`];
  return spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...owner,
    cwd: folder,
    stdio: 'ignore',
  });
}

function startClickHouse(folder: string, ports: { httpPort: number; tcpPort: number }): ChildProcess {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'users.xml'),
    `<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>`,
  );
  writeFileSync(
    join(folder, 'config.xml'),
    `<yandex><logger><level>warning</level><log>${folder}/log</log><errorlog>${folder}/errors</errorlog></logger>
<http_port>${ports.httpPort}</http_port><tcp_port>${ports.tcpPort}</tcp_port><listen_host>127.0.0.1</listen_host>
<timezone>UTC</timezone><mark_cache_size>67108864</mark_cache_size>
<path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><user_files_path>${folder}/files/</user_files_path>
<format_schema_path>${folder}/formats/</format_schema_path><users_config>${folder}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database></yandex>`,
  );
  return spawn(CLICKHOUSE, [`--config-file=${join(folder, 'config.xml')}`], { cwd: folder, stdio: 'ignore' });
}

async function comesUp(ask: () => unknown): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() - start > START_DEADLINE_MS) throw error;
      await pause(LOOK_MS);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await gone;
  clearTimeout(deadline);
}

/** @throws with the program's output if it fails */
function run(
  program: string,
  args: readonly string[],
  options: { uid?: number; gid?: number; cwd?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} failed (${status}): ${stderr}${stdout}`);
  return stdout.trim();
}
