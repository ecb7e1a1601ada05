import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from '@playwright/test';

/** What every page of the dashboard is held to, in a real browser. */

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A small phone in the dark and a desk in daylight: each theme, and each width, once. */
export const LOOKS = [
  { colorScheme: 'dark', width: 360 },
  { colorScheme: 'light', width: 1440 },
] as const;

/** A context that keeps what was asked of another server, what the policy stopped, and what threw. */
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
      complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  return { context, complaints };
}

/** Opens whatever is folded, and says what is wrong with the page: by axe, and where it is too wide. */
export async function faultsOf(page: Page): Promise<string[]> {
  for (const details of await page.locator('details:not([data-menu]) > summary').all()) await details.click();
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    );
  });
  return sideways > 0 ? [`${sideways} px too wide`, ...violations] : violations;
}
