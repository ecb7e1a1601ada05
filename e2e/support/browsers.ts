import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { chromium } from '@playwright/test';

/** Finds the browsers on this machine, and installs missing ones. */

export type EngineName = 'chromium' | 'firefox' | 'webkit';

/** The programs that run or drive an engine. The first existing path is used, unless an environment variable names another. */
const PROGRAMS = {
  chromium: {
    variable: 'CHROMIUM_PATH',
    paths: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/usr/bin/google-chrome-stable',
      '/opt/google/chrome/chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    debian: 'chromium',
  },
  firefox: {
    variable: 'FIREFOX_PATH',
    paths: ['/usr/bin/firefox-esr', '/usr/bin/firefox'],
    debian: 'firefox-esr',
  },
  webkit: {
    variable: 'WEBKIT_DRIVER_PATH',
    paths: ['/usr/bin/WebKitWebDriver'],
    debian: 'webkit2gtk-driver',
  },
  xvfb: { variable: 'XVFB_PATH', paths: ['/usr/bin/Xvfb'], debian: 'xvfb' },
} as const;

type Program = keyof typeof PROGRAMS;

/** The programs that each engine needs. */
const NEEDS: Readonly<Record<EngineName, readonly Program[]>> = {
  chromium: ['chromium'],
  firefox: ['firefox'],
  webkit: ['webkit', 'xvfb'],
};

/** Limit on a download, long enough for a slow connection. */
const DOWNLOAD_TIMEOUT_MS = 240_000;

/** Returns the path of a program, or null. @throws if the environment names a file that does not exist */
export function findProgram(program: Program): string | null {
  const { variable, paths } = PROGRAMS[program];
  const told = process.env[variable];
  if (told !== undefined && told !== '') {
    if (!existsSync(told)) throw new Error(`${variable} is "${told}", and there is no such file.`);
    return told;
  }
  const own = program === 'chromium' ? [chromium.executablePath()] : [];
  return [...paths, ...own].find((path) => existsSync(path)) ?? null;
}

/** Returns the path of a program that must exist. */
export function programPath(program: Program): string {
  const path = findProgram(program);
  if (path === null) throw new Error(`${program} is not on this machine.`);
  return path;
}

/** Returns the reason why an engine cannot run here, or null. */
export function whyNot(engine: EngineName): string | null {
  const missing = NEEDS[engine].filter((program) => findProgram(program) === null);
  return missing.length === 0 ? null : `${missing.join(' and ')} not found on this machine`;
}

/** Returns whether system packages can be installed here without asking. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Lines of `apt-get` that are repeated if it fails, where its reasons are. */
const LINES_OF_FAILURE = 5;

/** Installs Debian packages. @returns whether it worked */
export function installPackages(packages: readonly string[], say: (line: string) => void): boolean {
  say(`Installing with apt-get: ${packages.join(' ')} (this takes a minute or two).`);
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  // If one of several package lists is out of reach, the others may have what is needed.
  const steps = [apt('update'), apt('install', '-y', '--no-install-recommends', ...packages)];
  const done = steps.at(-1)?.status === 0;
  const reasons = steps.flatMap(({ stderr, error }) => (error?.message ?? stderr).trim().split('\n'));
  if (!done) for (const line of reasons.slice(-LINES_OF_FAILURE)) say(`apt-get: ${line}`);
  return done;
}

/** Downloads Playwright's own Chromium. @returns whether it worked */
function downloadChromium(say: (line: string) => void): boolean {
  say('Trying the download that comes with Playwright: playwright install chromium');
  const cli = join(
    dirname(createRequire(import.meta.url).resolve('@playwright/test/package.json')),
    'cli.js',
  );
  const { status } = spawnSync(process.execPath, [cli, 'install', 'chromium'], {
    stdio: 'ignore',
    timeout: DOWNLOAD_TIMEOUT_MS,
  });
  if (status !== 0) say('That download did not work.');
  return status === 0;
}

/**
 * Makes sure that the engines can run, and prints what was found and done. Without Firefox or WebKit, which not every machine
 * can install, their tests are skipped, and the results say why.
 *
 * @throws if Chromium is missing
 */
export function ensureBrowsers(engines: readonly EngineName[], say: (line: string) => void): void {
  if (engines.includes('chromium') && whyNot('chromium') !== null) {
    say('There is no Chromium on this machine.');
    downloadChromium(say);
  }
  for (const engine of engines) {
    const missing = NEEDS[engine].filter((program) => findProgram(program) === null);
    // One engine at a time: a package that is not to be had must not keep others out.
    if (missing.length > 0 && canInstallPackages())
      installPackages(
        missing.map((program) => PROGRAMS[program].debian),
        say,
      );
    const reason = whyNot(engine);
    if (reason === null) say(`${engine}: ${NEEDS[engine].map(programPath).join(', ')}`);
    else if (engine === 'chromium')
      throw new Error(
        `Cannot test in Chromium: ${reason}. Install it, or name it in ${PROGRAMS.chromium.variable}.`,
      );
    else say(`NOT TESTED IN ${engine.toUpperCase()}: ${reason}. Its tests are reported as skipped.`);
  }
}
