import { existsSync } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { DAY_MS, MINUTE_MS, systemClock } from '../clock.ts';
import type { Config, Databases } from '../config.ts';
import { inspect, inspectDatabases } from '../store/open.ts';
import { type Audit, StoreUnavailable } from '../store/store.ts';

/** One thing looked at: what was found, and what to do about it where it is wrong. */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  advice: string;
}

const DISK_FREE_MIN_BYTES = 1024 ** 3;
/** Stored events may be this far ahead of the clock before it must have been set back. */
const CLOCK_SLACK_MS = MINUTE_MS;
const SHOWN = 5;

/** Examines a data folder, beside a running server or without one. Reads everything that is stored. */
export async function examine(config: Config): Promise<Check[]> {
  const folder = await checkFolder(config.dataDir);
  if (!folder.ok) return [folder];
  return [
    await checkPermissions(config.dataDir),
    await checkDisk(config.dataDir),
    ...(config.databases === null ? [] : [await checkPostgres(config.databases)]),
    ...(await checkEvents(config)),
  ];
}

/** Whoever may not look into a folder finds nothing in it, and nothing wrong. */
async function checkFolder(dataDir: string): Promise<Check> {
  const wrong = (found: string, advice: string) => ({
    ...{ name: 'data folder', ok: false, advice },
    found: `${dataDir} ${found}`,
  });
  if (!existsSync(dataDir))
    return wrong('does not exist', 'Start the server once, or set DATA_DIR to the folder it uses.');
  if (!(await stat(dataDir)).isDirectory())
    return wrong('is no folder', 'Set DATA_DIR to the folder that the server uses.');
  try {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return wrong('is closed to this user', 'Run this as the user that the server runs as.');
  }
  return { name: 'data folder', ok: true, found: dataDir, advice: '' };
}

async function checkEvents(config: Config): Promise<Check[]> {
  try {
    const { audit, newestEventMs, damage } = await inspect(config);
    return audit === null
      ? [checkFiles(damage)]
      : [checkClock(newestEventMs), ...checkNumbers(audit), checkFiles([...damage, ...audit.integrity])];
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const advice =
      config.databases === null
        ? 'Run this as the user that the server runs as, and try again when no other program holds the files.'
        : 'Check CLICKHOUSE_URL, the servers, and the way to them. Collectors keep events until then.';
    return [{ name: 'events', ok: false, found: error.message, advice }];
  }
}

async function checkPostgres(databases: Databases): Promise<Check> {
  const name = 'PostgreSQL';
  try {
    const { postgres: found } = await inspectDatabases(databases);
    const archives = found.archives ? '; its log is archived, and so are destroyed salts' : '';
    return {
      ...{ name, ok: true, advice: '' },
      found: `version ${found.version}, schema ${found.schema}${archives}`,
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const advice =
      'Check DATABASE_URL, the server, and the way to it. Collectors go on with the keys they know.';
    return { name, ok: false, found: error.message, advice };
  }
}

async function checkPermissions(dataDir: string): Promise<Check> {
  const { mode } = await stat(dataDir);
  const others = mode & 0o077;
  return {
    name: 'permissions',
    ok: others === 0,
    found: `${dataDir} has mode ${(mode & 0o777).toString(8)}`,
    advice: `Others can look into it: chmod 700 ${dataDir}`,
  };
}

async function checkDisk(dataDir: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataDir);
  const freeBytes = bavail * bsize;
  return {
    name: 'disk',
    ok: freeBytes >= DISK_FREE_MIN_BYTES,
    found: `${Math.floor(freeBytes / 1024 ** 2)} MiB free`,
    advice:
      'Make room: when the disk is full, events are refused. Shorter retention and a larger disk both help.',
  };
}

function checkClock(newestEventMs: number | null): Check {
  const now = systemClock.now();
  const aheadMs = newestEventMs === null ? 0 : newestEventMs - now;
  return {
    name: 'clock',
    ok: aheadMs <= CLOCK_SLACK_MS,
    found:
      newestEventMs === null
        ? `${new Date(now).toISOString()}, no events yet`
        : `${new Date(now).toISOString()}, newest event ${new Date(newestEventMs).toISOString()}`,
    advice: 'Stored events lie in the future: the clock was set back. Check time synchronisation.',
  };
}

function list(lines: readonly string[]): string {
  return `${lines.slice(0, SHOWN).join('; ')}${lines.length > SHOWN ? `; and ${lines.length - SHOWN} more` : ''}`;
}

function checkFiles(complaints: readonly string[]): Check {
  return {
    name: 'files',
    ok: complaints.length === 0,
    found: complaints.length === 0 ? 'sound' : list(complaints),
    advice: 'A file is damaged. Stop the server, check the disk, and restore the newest backup.',
  };
}

function checkNumbers({ counters, ledger, rollups }: Omit<Audit, 'integrity'>): Check[] {
  const day = (number: number) => new Date(number * DAY_MS).toISOString().slice(0, 10);
  const wrongRows = counters.map(
    (line) => `${line.siteId} ${day(line.day)}: counted ${line.counted}, rows ${line.rows}`,
  );
  const wrongLedger = ledger.map(
    (line) => `${line.siteId} ${day(line.day)}: counted ${line.counted}, ledger ${line.stored}`,
  );
  const wrongRollups = rollups.map(
    (line) => `${line.siteId} ${day(line.day)}, ${line.what}: kept ${line.kept}, rows ${line.rows}`,
  );
  return [
    {
      name: 'counters',
      ok: counters.length === 0,
      found: counters.length === 0 ? 'every counter equals its rows' : list(wrongRows),
      advice:
        'Rows were changed by something else than this program. Restore the newest backup, and tell the project.',
    },
    {
      name: 'ledger',
      ok: ledger.length === 0,
      found: ledger.length === 0 ? 'balances with the counters' : list(wrongLedger),
      advice:
        'Counters were changed by something else than this program. Restore the newest backup, and tell the project.',
    },
    {
      name: 'reports',
      ok: rollups.length === 0,
      found: rollups.length === 0 ? 'every sum kept for reports equals its rows' : list(wrongRollups),
      advice:
        'Rows or sums were changed by something else than this program. Restore the newest backup, and tell the project.',
    },
  ];
}
