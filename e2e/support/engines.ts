import type { EngineName } from './browsers.ts';
import { launchChromium, launchFirefox } from './playwright-engine.ts';
import type { Engine } from './tab.ts';
import { launchWebKit } from './webkit-engine.ts';

/** How each engine is started, given the port of the test network. */
export const LAUNCH: Readonly<Record<EngineName, (proxyPort: number) => Promise<Engine>>> = {
  chromium: launchChromium,
  firefox: launchFirefox,
  webkit: launchWebKit,
};
