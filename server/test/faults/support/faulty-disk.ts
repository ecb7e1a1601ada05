import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/paths.ts';

const SOURCE = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));
/** Private folder for programs that are compiled once per run. */
const folder = join(tmpdir(), `attractos-faults-${process.getuid?.() ?? 0}`);

/** Compiles a helper written in C, or returns null if this machine cannot. */
function compile(name: string, source: string, flags: readonly string[]): string | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unfinished = join(folder, `${name}.${process.pid}`);
  const { status } = spawnSync('cc', ['-O2', '-o', unfinished, source, ...flags], { stdio: 'ignore' });
  if (status !== 0) return null;
  // Renamed into place, so that test files running in parallel never see a partial file.
  const made = join(folder, name);
  renameSync(unfinished, made);
  return made;
}

const library =
  process.platform === 'linux' ? compile('faulty-disk.so', SOURCE, ['-shared', '-fPIC', '-ldl']) : null;

/** Whether disk faults can be simulated here. Warns if not. */
export const canFailDisks = library !== null;
if (!canFailDisks) {
  process.stderr.write('NOT TESTED: failing disks need Linux and a C compiler (cc) on the path.\n');
}

/** Linux error numbers, the values of `errno`. */
export const ERRNO = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const;

/** Kinds of file operations: flush, change or read. */
export type Deed = 'sync' | 'write' | 'read';

/** A process with a disk that fails on command. */
export interface FaultyDisk {
  /** Environment variables to start the process with. */
  settings: Record<string, string>;
  /** Makes every such call on files with these names fail from now on. */
  fail(deed: Deed, error: keyof typeof ERRNO, ...names: readonly string[]): void;
  /** Stops all faults. */
  heal(): void;
  /** Lists the faults that really happened, each as `deed path`. */
  happened(): string[];
}

export async function faultyDisk(): Promise<FaultyDisk> {
  if (library === null) throw new Error('there is no way to fail a disk on this machine');
  const place = await temporaryFolder();
  const orders = join(place, 'orders');
  const log = join(place, 'log');
  const heal = () => rmSync(orders, { force: true });
  onTestFinished(heal);
  return {
    settings: { LD_PRELOAD: library, FAULT_ORDERS: orders, FAULT_LOG: log },
    fail(deed, error, ...names) {
      const standing = existsSync(orders) ? readFileSync(orders, 'utf8') : '';
      const added = names.map((name) => `${deed} ${ERRNO[error]} /${name}\n`).join('');
      writeFileSync(`${orders}.new`, standing + added);
      renameSync(`${orders}.new`, orders);
    },
    heal,
    happened: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
  };
}
