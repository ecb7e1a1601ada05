import { type BrowserContext, chromium, firefox, type Page } from '@playwright/test';
import { programPath } from './browsers.ts';
import { type Engine, goBack, type Tab } from './tab.ts';

/** Chromium and Firefox, driven by Playwright. */

/**
 * Chromium's arguments. They limit it to the loopback interface: the proxy resolves the names of pages, and the browser's own
 * requests reach nothing.
 */
export const CHROMIUM_ARGUMENTS = [
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
  '--disable-quic',
];

/** Returns the user agent of a visitor's Chromium. Headless Chromium's would be classified as a bot. */
export function chromiumUserAgent(version: string): string {
  const [major = ''] = version.split('.');
  return `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
}

/** @param proxyPort where the test network listens */
export async function launchChromium(proxyPort: number): Promise<Engine> {
  const browser = await chromium.launch({
    executablePath: programPath('chromium'),
    args: CHROMIUM_ARGUMENTS,
    // Visitors' browsers have the back/forward cache; Playwright turns it off.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    proxy: { server: `http://127.0.0.1:${proxyPort}` },
  });
  return {
    async newTab() {
      const context = await browser.newContext({ userAgent: chromiumUserAgent(browser.version()) });
      return toTab(context, await context.newPage());
    },
    close: () => browser.close(),
  };
}

/**
 * Launches stock Firefox over WebDriver BiDi. Playwright does not document this channel, which is one reason to pin its exact
 * version: from 1.65 on it sends a command that Firefox ESR does not support.
 */
export async function launchFirefox(proxyPort: number): Promise<Engine> {
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: programPath('firefox'),
    proxy: { server: `http://127.0.0.1:${proxyPort}` },
    firefoxUserPrefs: { 'network.dns.forceResolve': '127.0.0.1' },
  });
  return {
    async newTab() {
      const context = await browser.newContext();
      return toTab(context, await context.newPage());
    },
    close: () => browser.close(),
  };
}

function toTab(context: BrowserContext, tabPage: Page): Tab {
  const tab: Tab = {
    async goto(address) {
      await tabPage.goto(address, { waitUntil: 'load' });
    },
    eval: ((run: (argument: unknown) => unknown, argument: unknown) =>
      tabPage.evaluate(run, argument)) as Tab['eval'], // one implementation for the two ways to call it
    click: (selector) => tabPage.click(selector),
    back: () => goBack(tab),
    openTab: async () => toTab(context, await context.newPage()),
    closeTab: () => tabPage.close(),
    close: () => context.close(),
  };
  return tab;
}
