import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from '@playwright/test';

/** Checks for every page of the dashboard, in a real browser. */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A small phone in dark mode and a desktop in light mode: each theme and each width once. */
export const LOOKS = [
  { colorScheme: 'dark', width: 360 },
  { colorScheme: 'light', width: 1440 },
] as const;

/** Creates a context that records requests to other servers, policy violations and errors. */
export async function strictContext(
  browser: Browser,
  address: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({ baseURL: address, ...options });
  const complaints: string[] = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:'))
      complaints.push(request.url());
  });
  context.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('status of 4'))
      complaints.push(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  return { context, complaints };
}

/** Opens all collapsed parts, and lists what is wrong with the page: violations found by axe, and overflow. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>('details:not([data-menu])'))
      details.open = true;
  });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  // Runs through the debugger, to which the page's policy does not apply.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    );
  });
  return sideways > 0 ? [`${sideways} px too wide`, ...violations] : violations;
}
