import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/paths.ts';

const SOURCE = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));
/** Where what is compiled once for a run is kept; of this user alone. */
const folder = join(tmpdir(), `attractos-faults-${process.getuid?.() ?? 0}`);

/** Compiles a helper written in C; null where this machine cannot. */
function compile(name: string, source: string, flags: readonly string[]): string | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unfinished = join(folder, `${name}.${process.pid}`);
  const { status } = spawnSync('cc', ['-O2', '-o', unfinished, source, ...flags], { stdio: 'ignore' });
  if (status !== 0) return null;
  // By rename, so that test files running at once never see half of it.
  const made = join(folder, name);
  renameSync(unfinished, made);
  return made;
}

const library =
  process.platform === 'linux' ? compile('faulty-disk.so', SOURCE, ['-shared', '-fPIC', '-ldl']) : null;

/** Whether disks can be made to fail here; says so loudly where not. */
export const canFailDisks = library !== null;
if (!canFailDisks) {
  process.stderr.write('NOT TESTED: failing disks need Linux and a C compiler (cc) on the path.\n');
}

/** Linux error numbers, as `errno` has them. */
export const ERRNO = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const;

/** What a call does to a file: flush it, change it, or read it. */
export type Deed = 'sync' | 'write' | 'read';

/** A disk under a process of its own that fails on command. */
export interface FaultyDisk {
  /** Settings to start the process with. */
  settings: Record<string, string>;
  /** From now on, every such call on files with these names fails. */
  fail(deed: Deed, error: keyof typeof ERRNO, ...names: readonly string[]): void;
  /** From now on, nothing fails. */
  heal(): void;
  /** Faults that really happened, each as `deed path`. */
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
