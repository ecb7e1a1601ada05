import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/paths.ts';

/** Small file systems, to test full and read-only disks. */

function mount(...args: readonly string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

async function canMountHere(): Promise<boolean> {
  return (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['-m', 'true']).status === 0
  );
}

/** Whether file systems can be mounted here. Warns if not. */
export const canMount = await canMountHere();
if (!canMount) process.stderr.write('NOT TESTED: small and read-only disks need Linux and root.\n');

export interface SmallDisk {
  path: string;
  setReadOnly(readOnly: boolean): void;
}

/** Mounts a file system in memory with room for `kib` KiB, for one test. */
export async function smallDisk(kib: number): Promise<SmallDisk> {
  const path = await temporaryFolder();
  if (!mount('-t', 'tmpfs', '-o', `size=${kib}k,mode=700`, 'tmpfs', path))
    throw new Error('cannot mount a tmpfs');
  onTestFinished(() => {
    if (spawnSync('umount', [path]).status !== 0) spawnSync('umount', ['-l', path]);
  });
  chmodSync(path, 0o700);
  return {
    path,
    setReadOnly(readOnly) {
      if (!mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, path)) throw new Error('cannot remount');
    },
  };
}
