import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { openTotpSecret } from '../app/second-factor.ts';
import type { Config } from '../config/config.ts';
import { writeDate } from '../domain/calendar.ts';
import { MINUTE_MS, systemClock } from '../domain/clock.ts';
import { isSealed, SecretBox } from '../domain/secret-box.ts';
import type { Databases } from '../store/contract/databases.ts';
import { type Audit, StoreUnavailable } from '../store/contract/store.ts';
import { inspect, inspectDatabases, inspectDisk, inspectSecrets } from '../store/offline/inspect.ts';

/** The result of a check: what was found, and what to do if it failed. */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  advice: string;
}

/** The free space below which the disk should be looked after, if events are not refused even earlier. */
const DISK_FREE_MIN_BYTES = 1024 ** 3;
/** How far stored events may be ahead of the clock. */
const CLOCK_SLACK_MS = MINUTE_MS;
const SHOWN = 5;

/** Examines a data folder, with or without a running server. It reads all stored data. */
export async function examine(config: Config): Promise<Check[]> {
  const folder = await checkFolder(config.dataDir);
  if (!folder.ok) return [folder];
  return [
    await checkPermissions(config.dataDir),
    await checkDisk(config),
    ...(config.databases === null ? [] : [await checkPostgres(config.databases)]),
    ...(await checkSecrets(config)),
    ...(await checkEvents(config)),
  ];
}

/** Checks that this user can access the folder. Without access, the other checks would find nothing. */
async function checkFolder(dataDir: string): Promise<Check> {
  const wrong = (found: string, advice: string) => ({
    ...{ name: 'data folder', ok: false, advice },
    found: `${dataDir} ${found}`,
  });
  if (!existsSync(dataDir))
    return wrong('does not exist', 'Start the server once, or set DATA_DIR to the folder it uses.');
  if (!(await stat(dataDir)).isDirectory())
    return wrong('is not a folder', 'Set DATA_DIR to the folder that the server uses.');
  try {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return wrong('is not accessible to this user', 'Run this as the user that the server runs as.');
  }
  return { name: 'data folder', ok: true, found: dataDir, advice: '' };
}

async function checkEvents(config: Config): Promise<Check[]> {
  try {
    const { audit, newestEventMs, damage } = await inspect(config);
    return audit === null
      ? [checkFiles(damage)]
      : [
          checkClock(newestEventMs),
          ...checkNumbers(config, audit),
          checkFiles([...damage, ...audit.integrity]),
        ];
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const advice =
      config.databases === null
        ? 'Run this as the user that the server runs as. If another program locks the files, try again later.'
        : 'Check CLICKHOUSE_URL, the servers and the network. Collectors queue events until then.';
    return [{ name: 'events', ok: false, found: error.message, advice }];
  }
}

async function checkPostgres(databases: Databases): Promise<Check> {
  const name = 'PostgreSQL';
  try {
    const { postgres: found } = await inspectDatabases(databases);
    const archives = found.archives ? '; WAL archiving is on, so archives keep deleted salts' : '';
    return {
      ...{ name, ok: true, advice: '' },
      found: `version ${found.version}, schema ${found.schema}${archives}`,
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const advice =
      'Check DATABASE_URL, the server and the network. Collectors keep using the site keys they have loaded.';
    return { name, ok: false, found: error.message, advice };
  }
}

/** Checks that the secret key opens the secrets of two-factor authentication. */
async function checkSecrets(config: Config): Promise<Check[]> {
  const name = 'two-factor secrets';
  const wrong = (found: string, advice: string) => [{ name, ok: false, found, advice }];
  try {
    const { secrets, secretKey: inFolder } = await inspectSecrets(config);
    const secretKey = config.secretKey ?? inFolder;
    if (config.databases !== null && secretKey === null)
      return wrong('SECRET_KEY is not set', 'Set it to the same value on every server.');
    const box = secretKey === null ? null : new SecretBox(secretKey);
    const locked = secrets.filter((secret) =>
      box === null ? isSealed(secret.totpSecret) : openTotpSecret(box, secret) === null,
    );
    if (locked.length > 0)
      return wrong(
        `${secretKey === null ? 'no secret key' : 'another secret key'}: cannot decrypt those of ${list(locked.map(({ email }) => email))}`,
        `Put back ${config.databases === null ? 'secret.key, or set SECRET_KEY to the key that encrypted them' : 'the SECRET_KEY that encrypted them'}, and restart the server. Until then, these people can sign in with a recovery code and set up their app again. If they have none, run: attractos account reset-second-factor --email ADDRESS`,
      );
    return [{ name, ok: true, found: `${secrets.length} in use, all readable`, advice: 'Nothing to do.' }];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The checks of files and databases report these.
    if (error instanceof StoreUnavailable) return [];
    return wrong(error.message, 'Correct this, then run the command again.');
  }
}

async function checkPermissions(dataDir: string): Promise<Check> {
  const { mode } = await stat(dataDir);
  const others = mode & 0o077;
  return {
    name: 'permissions',
    ok: others === 0,
    found: `${dataDir} has mode ${(mode & 0o777).toString(8)}`,
    advice: `Other users can read it. Run: chmod 700 ${dataDir}`,
  };
}

async function checkDisk({ dataDir, minFreeBytes }: Config): Promise<Check> {
  const { freeBytes: free } = await inspectDisk(dataDir);
  const found = `${mib(free)} MiB free`;
  const isRefusing = free < minFreeBytes;
  const limit = minFreeBytes === 0 ? 'when the disk is full' : `below ${mib(minFreeBytes)} MiB`;
  return {
    name: 'disk',
    ok: free >= DISK_FREE_MIN_BYTES && !isRefusing,
    found: isRefusing ? `${found}, so events are refused` : found,
    advice: `Free up disk space, shorten retention or use a larger disk. Events are refused ${limit} (MIN_FREE_DISK_MIB).`,
  };
}

function mib(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
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
    advice: 'Stored events are in the future, so the clock was set back. Check time synchronization.',
  };
}

function list(lines: readonly string[]): string {
  return `${lines.slice(0, SHOWN).join('; ')}${lines.length > SHOWN ? `; and ${lines.length - SHOWN} more` : ''}`;
}

function checkFiles(complaints: readonly string[]): Check {
  return {
    name: 'files',
    ok: complaints.length === 0,
    found: complaints.length === 0 ? 'no damage found' : list(complaints),
    advice: 'A file is damaged. Stop the server, check the disk and restore the newest backup.',
  };
}

function checkNumbers(
  { databases }: Config,
  { counters, ledger, rollups }: Omit<Audit, 'integrity'>,
): Check[] {
  const wrongRows = counters.map(
    (line) => `${line.siteId} ${writeDate(line.day)}: counted ${line.counted}, rows ${line.rows}`,
  );
  const wrongLedger = ledger.map(
    (line) => `${line.siteId} ${writeDate(line.day)}: counted ${line.counted}, ledger ${line.stored}`,
  );
  const wrongRollups = rollups.map(
    (line) =>
      `${line.siteId} ${writeDate(line.day)}, ${line.what}: found ${line.kept}, expected ${line.rows}`,
  );
  return [
    {
      name: 'counters',
      ok: counters.length === 0,
      found: counters.length === 0 ? 'every counter matches its rows' : list(wrongRows),
      advice: 'Another program changed rows. Restore the newest backup and report this to the project.',
    },
    {
      name: 'ledger',
      ok: ledger.length === 0,
      found: ledger.length === 0 ? 'matches the counters' : list(wrongLedger),
      advice: 'Another program changed counters. Restore the newest backup and report this to the project.',
    },
    {
      name: 'reports',
      ok: rollups.length === 0,
      found: rollups.length === 0 ? 'match the events' : list(wrongRollups),
      advice:
        databases === null
          ? 'Another program changed rows or rollups. Restore the newest backup and report this to the project.'
          : 'ClickHouse has lost rows, or another program changed them. Reports make missing rows again. Report anything else to the project.',
    },
  ];
}
