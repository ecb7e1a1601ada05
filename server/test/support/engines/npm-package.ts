import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { mayDownload, missing, run } from './process.ts';

/** Packages of npm that tests need and that are too large for dependencies. Each has its own folder. */

/**
 * Installs a package, unless it is installed.
 *
 * @param spec an exact version, or a range, of which the newest is installed
 * @returns the folder of the package; null if it must not be downloaded. @throws in CI
 */
export function npmPackage(name: string, spec: string): string | null {
  const installed = join(root, 'node_modules', '.cache', `${name}-${spec}`);
  if (!existsSync(installed) && mayDownload()) download(`${name}@${spec}`, installed);
  if (existsSync(installed)) return join(installed, 'node_modules', name);
  return missing(name, 'Run with ENGINES=install, which takes it from npm.');
}

/** Downloads a package into a temporary folder, and renames the folder when it is complete. */
function download(what: string, installed: string): void {
  const unfinished = `${installed}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    // Without this file, npm would install into the enclosing project.
    writeFileSync(join(unfinished, 'package.json'), '{ "private": true }');
    run('npm', ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', what], {
      cwd: unfinished,
    });
    if (!existsSync(installed)) renameSync(unfinished, installed);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
