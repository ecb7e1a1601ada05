import { spawnSync } from 'node:child_process';
import { canInstallPackages, installPackages } from './browsers.ts';

/** Finds a Python for the specification's sample, which needs the module `requests`. */

/** The `python3` on the path, then the system's own, which Debian's packages are for. */
const CANDIDATES = ['python3', '/usr/bin/python3'];

/** Returns the path of a Python with `requests`, or null. */
export function findPython(): string | null {
  return (
    CANDIDATES.find(
      (python) => spawnSync(python, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0,
    ) ?? null
  );
}

/** Installs Debian's package if possible, and reports it. Without the package, the test of the sample is skipped. */
export function ensureRequests(say: (line: string) => void): void {
  if (findPython() === null && canInstallPackages()) {
    say('There is no Python with the module "requests" on this machine.');
    installPackages(['python3-requests'], say);
  }
  const python = findPython();
  say(
    python === null
      ? 'NOT TESTED: the Python sample of the specification, for want of python3 with the module "requests".'
      : `python with requests: ${python}`,
  );
}
