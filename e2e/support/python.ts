import { spawnSync } from 'node:child_process';
import { canInstallPackages, installPackages } from './browsers.ts';

/** The Python that the specification's sample runs on: one that has the module `requests`. */

/** Whatever `python3` means here, then the system's own, which is the one Debian's packages are for. */
const CANDIDATES = ['python3', '/usr/bin/python3'];

/** A Python with `requests`, or null. */
export function findPython(): string | null {
  return (
    CANDIDATES.find(
      (python) => spawnSync(python, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0,
    ) ?? null
  );
}

/** Fetches Debian's package where that is possible, and says so. Without it the sample's test is skipped. */
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
