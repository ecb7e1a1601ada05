import { test as base, expect } from '@playwright/test';
import { type EngineName, whyNot } from './browsers.ts';
import { LAUNCH } from './engines.ts';
import { Lab, type Site } from './lab.ts';
import type { Engine, Tab } from './tab.ts';

/** Chosen by the project. */
export interface Choice {
  engineName: EngineName;
}

interface WorkerFixtures extends Choice {
  /** The network, the server behind it and the operator, one of each per worker. */
  workerLab: Lab;
  engine: Engine;
}

interface TestFixtures {
  /** Skips the test where its engine is missing; the set-up has said so, and has failed on continuous integration. */
  available: undefined;
  /** The worker's laboratory, cleared for this test. */
  lab: Lab;
  /** A site of this test's own, already known to the server. */
  site: Site;
  /** A tab in a profile of its own. */
  tab: Tab;
}

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
    { scope: 'worker' },
  ],

  engine: [
    async ({ workerLab, engineName }, use) => {
      const engine = await LAUNCH[engineName](workerLab.network.port);
      await use(engine);
      await engine.close();
    },
    { scope: 'worker', timeout: 90_000 },
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
