import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { programPath } from './support/browsers.ts';
import { startDashboardServer } from './support/dashboard-server.ts';

/** Takes the README's screenshots of the demo: `npm run screenshots`. */

const FOLDER = fileURLToPath(new URL('screenshots', import.meta.url));
const DESK = { width: 1280, height: 800 };
const HIGH_DESK = { width: 1280, height: 1180 };
const PHONE = { width: 390, height: 844 };

const demo = await startDashboardServer('demo', /Sign in with {2}\S+ {2}\S+\n/, {
  // Without it, the snippet's page says that the script can only be loaded on this machine.
  PUBLIC_URL: 'https://stats.notes.example',
});
const browser = await chromium.launch({ executablePath: programPath('chromium'), args: ['--no-sandbox'] });
try {
  mkdirSync(FOLDER, { recursive: true });
  const page = await browser.newPage({ baseURL: demo.address, reducedMotion: 'reduce' });
  const [, email = '', password = ''] = /Sign in with {2}(\S+) {2}(\S+)\n/.exec(demo.output()) ?? [];
  await page.goto('/login');
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard');
  const site = (await page.locator('.stretched').first().getAttribute('href')) ?? '';

  const take = async (
    name: string,
    path: string,
    {
      colorScheme = 'light',
      viewport = DESK,
    }: { colorScheme?: 'light' | 'dark'; viewport?: typeof DESK } = {},
  ) => {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.goto(path);
    await page.screenshot({ path: `${FOLDER}/${name}.png` });
    process.stdout.write(`e2e/screenshots/${name}.png\n`);
  };
  await take('report', `${site}?range=91d`, { viewport: HIGH_DESK });
  await take('report-phone', `${site}?range=91d&metric=conversions`, {
    colorScheme: 'dark',
    viewport: PHONE,
  });
  await take('not-counted', `${site}/not-counted`);
  await take('install', `${site}/install`, { colorScheme: 'dark' });
} finally {
  await browser.close();
  await demo.stop();
}
