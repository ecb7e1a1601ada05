import { type Browser, type BrowserContext, chromium, expect, type Page, test } from '@playwright/test';
import { CAUSES, CHECK_TEXT, CHECK_WAIT_MS } from '../server/src/dashboard/install/text.ts';
import { freePort } from '../server/test/support/free-port.ts';
import { programPath } from './support/browsers.ts';
import { faultsOf, LOOKS, strictContext } from './support/dashboard-browser.ts';
import {
  type DashboardServer,
  Pages,
  siteKeysRead,
  startDashboardServer,
} from './support/dashboard-server.ts';
import { chromiumUserAgent } from './support/playwright-engine.ts';

/** The dashboard as a person uses it. One engine is enough: the dashboard is HTML, and the tracker has its own tests. */

const PASSWORD = 'correct horse battery';
/** Without what is in closed menus. */
const SEEN = { useInnerText: true };

test.describe.configure({ mode: 'serial' });

const pages = new Pages();
let browser: Browser;

test.beforeAll(async () => {
  const port = await pages.open();
  browser = await chromium.launch({
    executablePath: programPath('chromium'),
    args: ['--no-sandbox', `--host-resolver-rules=MAP *.example 127.0.0.1:${port}`],
  });
});
test.afterAll(async () => {
  await browser.close();
  pages.close();
});

/** Creates a context of visitors who are counted. */
async function visitorsContext(): Promise<BrowserContext> {
  const visitors = await browser.newContext({ userAgent: chromiumUserAgent(browser.version()) });
  await visitors.addInitScript(() =>
    Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false }),
  );
  return visitors;
}

/** Creates the owner and a site, and puts its tag into the pages. */
async function setUp(page: Page, server: DashboardServer): Promise<void> {
  await page.goto(/http:\/\/\S+\/setup\?token=\S+/.exec(server.output())?.[0] ?? '');
  await page.getByLabel('Email address').fill('ada@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Domain').fill('https://shop.example/with/a/path');
  await page.getByRole('button', { name: 'Add site' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('shop.example');
  pages.tag = (await page.locator('#snippet-html').textContent()) ?? '';
  await siteKeysRead(server.address);
}

test('takes an owner from setup to the first counted event @chromium', async () => {
  const server = await startDashboardServer('serve', /setup\?token=\S+\n/);
  try {
    const { context, complaints } = await strictContext(browser, server.address);
    const page = await context.newPage();
    const visitors = await visitorsContext();
    await setUp(page, server);

    // A page on a host of another domain: refused, explained, and allowed with one click.
    const visitor = await visitors.newPage();
    await visitor.goto('http://staging.shop.example/');
    const allow = page.getByRole('button', { name: 'Allow staging.shop.example' });
    await expect(allow).toBeVisible();
    await expect(page.getByText('Domain not allowed: staging.shop.example')).toBeVisible();
    await allow.click();
    await expect(page.getByText('Events from staging.shop.example are counted from now on.')).toBeVisible();
    await expect(page.locator('.check-green')).toHaveCount(0);
    await siteKeysRead(server.address);

    await visitor.goto('http://staging.shop.example/again');
    await expect(page.locator('.check-green')).toBeVisible();
    await expect(page.locator('[data-step="counted"]')).toContainText('1 event this month.');
    await visitor.goto('http://shop.example/');
    await page.getByRole('link', { name: 'Open report' }).click();
    await expect(page.getByRole('link', { name: /^Page views/ })).toContainText(/[12]/);

    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await expect(page.locator('.live-state')).toHaveText('Updates automatically');
    await visitor.goto('http://shop.example/just/now');
    await expect(page.locator('.activity-lines li').first()).toContainText('/just/now');
    await expect(page.locator('.now-pages')).toContainText('/just/now');
    await visitor.goto('http://other.shop.example/');
    await expect(page.locator('[data-what="refused"]').first()).toContainText('other.shop.example');
    for (let times = 0; times < 3; times++)
      await fetch(`${server.address}/a.js`, { headers: { referer: 'http://shop.example/' } });
    await expect(page.locator('[data-what="script"]')).toContainText(' times');
    await expect(page.locator('[data-what="script"]')).toHaveCount(1);

    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByLabel('Name').fill('nightly report');
    await page.getByRole('button', { name: 'Create key' }).click();
    const key = await page.locator('#made-key').textContent();
    const events = async () => {
      const answer = await fetch(`${server.address}/api/v1/sites`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return ((await answer.json()) as { sites: { events_this_month: number }[] }).sites[0]
        ?.events_this_month;
    };
    await expect.poll(events).toBe(3);
    await page.getByRole('link', { name: 'Sites' }).first().click();
    await expect(page.locator('.figure')).toHaveText('3 events this month');
    await page.getByRole('link', { name: '2 not counted this week' }).click();
    await expect(page.getByText('This host is now allowed')).toBeVisible();
    expect(complaints).toEqual([]);
  } finally {
    await server.stop();
  }
});

test('counts a page below a path, and updates pages there @chromium', async () => {
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}/stats`;
  const server = await startDashboardServer('serve', /setup\?token=\S+\n/, { PORT: port, PUBLIC_URL: url });
  try {
    const { context, complaints } = await strictContext(browser, `${url}/`);
    const page = await context.newPage();
    await setUp(page, server);
    expect(pages.tag).toContain(`src="${url}/a.js"`);
    const visitor = await (await visitorsContext()).newPage();
    const sent = visitor.waitForRequest((request) => request.method() === 'POST');
    await visitor.goto('http://shop.example/');
    expect((await sent).url()).toBe(`${url}/e`);
    await expect(page.locator('[data-step="counted"]')).toContainText('1 event this month.');
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await expect(page.locator('.live-state')).toHaveText('Updates automatically');
    await visitor.goto('http://shop.example/just/now');
    await expect(page.locator('.activity-lines li').first()).toContainText('/just/now');
    await expect(page.locator('.now-pages')).toContainText('/just/now');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(`${url}/login`);
    expect(complaints).toEqual([]);
  } finally {
    await server.stop();
  }
});

test.describe('with 90 days of data @chromium', () => {
  let demo: DashboardServer;
  let site = '';

  test.beforeAll(async () => {
    test.setTimeout(300_000);
    demo = await startDashboardServer('demo', /Sign in with .*\n/);
  });
  test.afterAll(async () => demo.stop());

  async function signedIn(options: Parameters<Browser['newContext']>[0] = {}) {
    const { context, complaints } = await strictContext(browser, demo.address, options);
    const page = await context.newPage();
    const [, email = '', password = ''] = /Sign in with\s+(\S+)\s+(\S+)/.exec(demo.output()) ?? [];
    await page.goto('/login');
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dashboard');
    site = (await page.locator('.stretched').first().getAttribute('href')) ?? '';
    return { page, complaints };
  }

  // Samples of all pages are checked in every look (`gallery.spec.ts`).
  test('pages with much traffic pass the checks in the dark, on a phone', async () => {
    test.setTimeout(600_000);
    const [{ colorScheme, width }] = LOOKS;
    const look = { colorScheme, viewport: { width, height: 800 } };
    const { page, complaints } = await signedIn(look);
    const found: string[] = [];
    for (const path of [
      '/dashboard',
      site,
      `${site}?range=today&f=is.channel.ai&f=is.country.DE&compare=year`,
      `${site}/details?by=page&range=91d`,
      `${site}/funnels?range=91d&step=page:/&step=page:/*&step=event:signup&by=country`,
      `${site}/journeys?range=91d`,
      `${site}/map?range=28d`,
      `${site}/activity`,
      `${site}/not-counted`,
      `${site}/install`,
      `${site}/settings`,
      '/dashboard/instance',
      '/dashboard/nothing-here',
      '/docs',
    ]) {
      await page.goto(path);
      found.push(...(await faultsOf(page)).map((fault) => `${path}: ${fault}`));
    }
    expect(found).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('the live check says what silence may mean', async () => {
    const { page, complaints } = await signedIn();
    await page.clock.install();
    const help = page.locator('[data-check-help]');
    const cause = (id: (typeof CAUSES)[number]['id']) => help.locator(`[data-cause="${id}"]`);
    // An event of the demo's visitors ends the wait, so it is begun again.
    const afterSilence = (begin: () => Promise<unknown>, sentence: string) =>
      expect(async () => {
        await begin();
        await page.clock.runFor(CHECK_WAIT_MS);
        expect(await help.textContent()).toContain(sentence);
      }).toPass();
    await page.goto(`${site}/install`);
    await expect(cause('csp')).toBeHidden();
    await afterSilence(() => page.goto(`${site}/install`), CHECK_TEXT.nothing);
    await expect(help.locator('li')).toContainText(CAUSES.map(({ name }) => name));
    await expect(cause('automation')).toContainText('This browser is automated.');
    await expect(cause('gpc')).not.toContainText('This browser sends it.', { useInnerText: true });

    // The script sends nothing in an automated browser.
    pages.tag = (await page.locator('#snippet-html').textContent()) ?? '';
    await afterSilence(async () => {
      // A browser that has the script in its cache does not ask for it again.
      const visitor = await browser.newPage();
      await visitor.goto('http://notes.example/');
      await visitor.close();
      await expect(page.locator('[data-step="script"]')).toContainText('notes.example');
    }, CHECK_TEXT.silent('notes.example'));
    await expect(cause('csp')).toBeVisible();
    await expect(cause('path')).toBeHidden();
    expect(complaints).toEqual([]);
  });

  test('options change the snippet that is copied, with the keyboard and on a small phone', async () => {
    const { page, complaints } = await signedIn({
      viewport: { width: 320, height: 640 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.goto(`${site}/install`);
    const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await page.getByRole('radio', { name: 'HTML' }).focus();
    await press('ArrowDown');
    await expect(page.getByRole('radio', { name: 'Next.js' })).toBeChecked();
    await page.getByText('Options', { exact: true }).focus();
    await press('Enter', 'Tab', 'ArrowDown');
    await expect(page.locator('#snippet-next')).toContainText('a.full.js');
    await press('Tab', 'Space');
    await expect(page.locator('#snippet-next')).toContainText('data-outbound="on"');
    await expect(page.getByLabel('Outbound links')).toBeFocused();
    await page.getByRole('textbox', { name: 'Query parameters' }).fill('page, q');
    await press('Tab');
    await expect(page.locator('#snippet-next')).toContainText('data-query="page|q"');
    await page.locator('[data-copy="snippet-next"]').click();
    await expect(page.getByText('Copied')).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      await page.locator('#snippet-next').textContent(),
    );
    for (const platform of await page.locator('[name=platform]').all()) {
      await platform.check();
      expect(await isTooWide(), (await platform.getAttribute('value')) ?? '').toBe(false);
    }
    await page.reload();
    await expect(page.getByRole('radio', { name: 'Google Tag Manager' })).toBeChecked();
    await expect(page.getByLabel('Outbound links')).toBeChecked();
    await page.getByRole('textbox', { name: 'Query parameters' }).fill('a=b');
    await press('Tab');
    await expect(page.getByText('got “a=b”')).toBeVisible();
    expect(complaints).toEqual([]);
  });

  test('details open over the report by keyboard, and going back closes them', async () => {
    test.setTimeout(300_000);
    const { page, complaints } = await signedIn({
      viewport: { width: 320, height: 640 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.goto(`${site}?range=7d`);
    const report = page.url();
    const link = page.locator('#pages').getByRole('link', { name: 'Details of Pages' });
    const dialog = page.getByRole('dialog', { name: 'Pages' });
    const names = dialog.locator('tbody th');
    await link.focus();
    await page.keyboard.press('Enter');
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole('heading', { name: 'Pages' })).toBeFocused();
    expect(page.url()).toContain('/details?range=7d&by=page');
    expect(await faultsOf(page)).toEqual([]);

    await dialog.getByRole('searchbox').fill('blog');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/search=blog/);
    await expect(names.filter({ hasNotText: /blog/i })).toHaveCount(0);
    await expect(dialog.getByRole('searchbox')).toBeFocused();
    const column = dialog.getByRole('link', { name: 'Bounce rate' });
    await column.focus();
    await page.keyboard.press('Enter');
    await expect(dialog.getByRole('columnheader', { name: 'Bounce rate' })).toHaveAttribute(
      'aria-sort',
      'descending',
    );
    await expect(column).toBeFocused();
    await dialog.getByRole('button', { name: 'Copy' }).click();
    await expect(dialog.getByText('Copied')).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^Page\tVisitors\t.*\n.*blog/);

    await page.goBack();
    await expect(dialog).toBeHidden();
    expect(page.url()).toBe(report);
    await expect(link).toBeFocused();
    await page.goForward();
    await expect(dialog).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(page).toHaveURL(report);

    // The address is that of a page, which leads back to the report.
    await page.goForward();
    await expect(dialog).toBeVisible();
    await page.reload();
    await expect(page.locator('main [data-details-view]')).toBeVisible();
    expect(await faultsOf(page)).toEqual([]);
    await page.goBack();
    await expect(page.locator('#pages')).toBeVisible();
    // Details open in a dialog once the page's script has run.
    await page.waitForLoadState();
    await link.click();
    await dialog.locator('tbody a').first().click();
    await expect(page.locator('.chip')).toContainText('Page is', SEEN);
    expect(complaints).toEqual([]);
  });

  test('several days of the chart open as a period, dragged over or chosen with Shift', async () => {
    const { page, complaints } = await signedIn();
    const periodOf = () => {
      const { searchParams } = new URL(page.url());
      return [searchParams.get('from'), searchParams.get('to')].map(
        (day) => Date.parse(day ?? '') / 86_400_000,
      );
    };
    await page.goto(`${site}?range=7d`);
    const days = page.locator('.chart-hit');
    await expect(page.locator('.chart-keys')).toBeAttached();
    await days.nth(4).hover();
    await page.mouse.down();
    await days.nth(3).hover();
    await days.nth(2).hover();
    await expect(page.locator('.chart-hit.is-shown')).toHaveCount(3);
    await page.mouse.up();
    await page.waitForURL(/range=custom/);
    const [from = 0, to] = periodOf();
    expect(to).toBe(from + 2);

    await page.goto(`${site}?range=7d`);
    const chart = page.getByRole('slider', { name: 'Visitors over time' });
    await chart.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+ArrowRight');
    await expect(chart).toHaveAttribute('aria-valuetext', /^[^–]+ – [^–]+$/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/range=custom/);
    expect(periodOf()).toEqual([from - 2, from - 1]);

    // Parts of a day have no report, so that several of them would open nothing.
    await page.goto(`${site}?range=yesterday`);
    await chart.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+ArrowRight');
    await expect(page.locator('.chart-hit.is-shown')).toHaveCount(1);
    await expect(chart).toHaveAttribute('aria-valuenow', '2');
    expect(complaints).toEqual([]);
  });

  test('every task works with the keyboard', async () => {
    const { page, complaints } = await signedIn();
    await page.goto(site);
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('d');
    await page.waitForURL('**?range=today');
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/range=custom/);
    await page.keyboard.press('?');
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await expect(dialog.getByText('Last 91 days')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await page.keyboard.press('w');
    await page.waitForURL(/range=7d/);

    const menu = page.locator('.menu > summary', { hasText: 'Period:' });
    await menu.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('link', { name: 'Last 91 days' })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(menu).toBeFocused();
    await expect(page.getByRole('link', { name: 'Last 91 days' })).toBeHidden();

    const chart = page.getByRole('slider', { name: 'Visitors over time' });
    await chart.focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await expect(chart).toHaveAttribute('aria-valuetext', /: Visitors [\d,]+.*, Page views [\d,]+/);
    await expect(page.locator('.chart-tip')).toContainText('Bounce rate');
    await page.keyboard.press('Escape');
    await expect(page.locator('.chart-tip')).toBeHidden();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.waitForURL(/range=custom/);

    await page.getByRole('link', { name: 'United States' }).focus();
    await page.keyboard.press('Enter');
    await expect(page.locator('.chip')).toContainText('Country is United States', SEEN);
    // Menus work once the page's script has run.
    await page.waitForLoadState();
    await page.locator('.chip summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('.chip').getByLabel('Condition').selectOption('is not');
    await page.keyboard.press('Escape');
    await expect(page.locator('.chip summary')).toBeFocused();
    await page.keyboard.press('Enter');
    await page.locator('.chip').getByRole('button', { name: 'Apply' }).press('Enter');
    await expect(page.locator('.chip')).toContainText('Country is not United States', SEEN);
    // Shortcuts work once the page's script has run.
    await page.waitForLoadState();
    await page.keyboard.press('Escape');
    await expect(page.locator('.chip')).toHaveCount(0);
    await page.waitForLoadState();

    await page.keyboard.press('/');
    await expect(page.getByLabel('Value', { exact: true })).toBeFocused();
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text', '/docs\n\n/blog\n');
      const pasted = { clipboardData, bubbles: true, cancelable: true };
      document.activeElement?.dispatchEvent(new ClipboardEvent('paste', pasted));
    });
    await expect(page.getByLabel('Another value')).toHaveValue('/blog');
    await page.getByLabel('Condition').selectOption('contains');
    await page.getByRole('button', { name: 'Apply filter' }).press('Enter');
    await expect(page.locator('.chip')).toHaveText(/Page contains\s+\/docs.*or\s+\/blog/s, SEEN);
    await page.waitForLoadState();
    await page.keyboard.press('Escape');
    await expect(page.locator('.chip')).toHaveCount(0);
    expect(complaints).toEqual([]);
  });

  test('a filter is chosen from suggestions with the keyboard', async () => {
    const { page, complaints } = await signedIn();
    await page.goto(`${site}?range=91d`);
    await page.keyboard.press('/');
    const field = page.getByRole('combobox', { name: 'Value', exact: true });
    const options = page.getByRole('listbox', { name: 'Most frequent values' }).getByRole('option');
    await page.getByLabel('Filter by').selectOption('Source');
    await field.focus();
    await page.keyboard.type('dir');
    await expect(options).toHaveText([/^Direct \/ none [\d,]+ visitors$/]);
    await expect(page.getByRole('status').filter({ hasText: '1 value' })).toHaveCount(1);
    await expect(field).toHaveAttribute('aria-expanded', 'true');
    await page.keyboard.press('Escape');
    await expect(options).toHaveCount(0);
    await page.keyboard.press('ArrowDown');
    await expect(options.first()).toHaveAttribute('aria-selected', 'true');
    await expect(field).toHaveAttribute('aria-activedescendant', 'suggestion-0');
    expect(await faultsOf(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await expect(field).toHaveValue('Direct / none');
    await expect(field).toHaveAttribute('aria-expanded', 'false');
    await page.keyboard.press('Enter');
    await page.waitForURL(/f=source%3A$/);
    const chip = page.locator('.chip');
    await expect(chip).toContainText('Source is Direct / none', SEEN);
    await page.waitForLoadState();

    // The chip is edited in place: another condition, and a further value.
    await chip.locator('summary').focus();
    await page.keyboard.press('Enter');
    await expect(chip.getByRole('combobox', { name: 'Value', exact: true })).toHaveValue('Direct / none');
    await chip.getByLabel('Condition').selectOption('is not');
    await chip.getByRole('button', { name: 'Add another value' }).press('Enter');
    await page.keyboard.type('goog');
    await expect(options).toHaveText([/^Google [\d,]+ visitors$/]);
    expect(await faultsOf(page)).toEqual([]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.waitForURL(/range=91d&f=%21source%3A%7CGoogle$/);
    await expect(chip).toContainText(/Source is not\s+Direct \/ none.*or\s+Google/s, SEEN);
    expect(complaints).toEqual([]);
  });

  test('the map shows the numbers of a country, by pointer, touch and keyboard', async () => {
    const { page, complaints } = await signedIn({ hasTouch: true });
    await page.goto(`${site}/map?range=91d`);
    const germany = page.locator('.world a', { hasText: 'Germany' });
    const text = page.locator('[data-map-text]');
    await germany.hover();
    await expect(text).toHaveText(/^Germany: \d/);
    await page.getByRole('link', { name: 'United States' }).focus();
    await expect(text).toHaveText(/^United States: \d/);
    await expect(page.locator('.world .is-shown')).toHaveCount(1);
    await germany.tap();
    await expect(text).toHaveText(/^Germany: \d/);
    await germany.tap();
    await expect(page.locator('.chip')).toContainText('Country is Germany', SEEN);
    expect(complaints).toEqual([]);
  });

  test('everything works without JavaScript', async () => {
    const { page } = await signedIn({ javaScriptEnabled: false });
    await page.goto(site);
    await page.locator('.menu > summary', { hasText: 'Period:' }).click();
    await page.getByRole('link', { name: 'Last 91 days' }).click();
    await page.getByRole('link', { name: 'Google', exact: true }).click();
    await expect(page.locator('.chip')).toContainText('Source is Google', SEEN);
    await page.getByRole('link', { name: /Bounce rate/ }).click();
    await expect(page.getByRole('link', { name: /Bounce rate/ })).toHaveAttribute('aria-current', 'true');
    await page.locator('.chip-value').click();
    await expect(page.locator('.chip')).toHaveCount(0);
    await page.locator('.menu > summary', { hasText: 'Filter' }).click();
    await page.getByLabel('Value', { exact: true }).fill('/docs');
    await page.getByLabel('Condition').selectOption('does not contain');
    await page.getByRole('button', { name: 'Apply filter' }).click();
    await expect(page.locator('.chip')).toContainText('/docs', SEEN);
    await expect(page.locator('#pages table')).not.toContainText('/docs');
    await page.goto(`${site}/activity`);
    await expect(page.locator('.activity-lines li').first()).toContainText('View');
    await page.getByRole('link', { name: 'Refresh' }).click();
    await expect(page.locator('.now-count')).toContainText(/[1-9]\d* visitor/);
    await page.goto(`${site}/install`);
    await page.getByRole('radio', { name: 'Astro' }).check();
    await expect(page.locator('#snippet-astro')).toContainText('is:inline');
    await page.getByText('Options', { exact: true }).click();
    await expect(page.getByLabel('Outbound links')).toBeHidden();
    await page.getByLabel('Full, 2.1 kB').check();
    await page.getByLabel('Outbound links').check();
    await page.getByRole('button', { name: 'Update snippet' }).click();
    await expect(page.locator('#snippet-astro')).toContainText('a.full.js');
    await expect(page.locator('#snippet-astro')).toContainText('data-outbound="on"');
    await expect(page.getByLabel('Outbound links')).toBeChecked();
    await page.goto(site);
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: 'Goals' }).click();
    await page.getByLabel('Event name or page path').fill('/pricing');
    await page.getByLabel('Type', { exact: true }).selectOption('page');
    await page.getByRole('button', { name: 'Add goal' }).click();
    await expect(page.getByText('Goals saved.')).toBeVisible();
  });
});
