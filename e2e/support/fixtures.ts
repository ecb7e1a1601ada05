import { test as base, expect } from '@playwright/test';
import { type EngineName, whyNot } from './browsers.ts';
import { LAUNCH } from './engines.ts';
import { Lab, type Site } from './lab.ts';
import type { Engine, Tab } from './tab.ts';

/** Options that the Playwright project sets. */
export interface Choice {
  engineName: EngineName;
}

interface WorkerFixtures extends Choice {
  /** The network, the server behind it and the operator. There is one of each per worker. */
  workerLab: Lab;
  engine: Engine;
}

interface TestFixtures {
  /** Skips the test if its engine is missing. The setup has already reported that, or failed in continuous integration. */
  available: undefined;
  /** The worker's lab, cleared for this test. */
  lab: Lab;
  /** A site for this test only, already known to the server. */
  site: Site;
  /** A tab in a profile of its own. */
  tab: Tab;
}

/**
 * Limit on a worker's startup. Several programs start before its first test, and each may take half a minute on a busy machine.
 */
const START_TIMEOUT_MS = 300_000;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  engineName: ['chromium', { option: true, scope: 'worker' }],

  available: [
    async ({ engineName }, use, testInfo) => {
      const reason = whyNot(engineName);
      testInfo.skip(reason !== null, `${engineName}: ${reason}`);
      await use(undefined);
    },
    { auto: true },
  ],

  workerLab: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner wants the pattern to see what a fixture needs
    async ({}, use) => {
      const lab = await Lab.open();
      await use(lab);
      await lab.close();
    },
    { scope: 'worker', timeout: START_TIMEOUT_MS },
  ],

  engine: [
    async ({ workerLab, engineName }, use) => {
      const engine = await LAUNCH[engineName](workerLab.network.port);
      await use(engine);
      await engine.close();
    },
    { scope: 'worker', timeout: START_TIMEOUT_MS },
  ],

  lab: async ({ workerLab }, use) => {
    workerLab.network.reset();
    await use(workerLab);
    expect(workerLab.network.pageErrors, 'errors that the pages reported').toEqual([]);
  },

  site: async ({ lab }, use) => {
    await use(await lab.newSite());
  },

  tab: async ({ engine }, use) => {
    const tab = await engine.newTab();
    await use(tab);
    await tab.close();
  },
});

export { expect };
