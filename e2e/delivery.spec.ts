import { expect, test } from './support/fixtures.ts';
import { gist } from './support/lab.ts';
import type { Received } from './support/network.ts';
import { page } from './support/page.ts';

/** How a beacon gets from the page to the collector, and what happens when something is in its way. */

/** Ways in which a browser's `sendBeacon` fails, as the page's own script brings them about. */
const BROKEN_BEACONS = {
  'is missing': 'delete Navigator.prototype.sendBeacon;',
  'answers false': 'Navigator.prototype.sendBeacon = () => false;',
  throws: 'Navigator.prototype.sendBeacon = () => { throw new TypeError("not today"); };',
};

for (const [fault, code] of Object.entries(BROKEN_BEACONS)) {
  test(`a view arrives once where sendBeacon ${fault}`, async ({ lab, site, tab }) => {
    lab.page(site, '/', { head: `<script>${code}</script>` });
    await tab.goto(site.at('/'));
    expect(await lab.sent(site, tab)).toEqual(['pageview /']);
    expect(lab.network.received.map(({ method }) => method)).not.toContain('OPTIONS');
    expect(await lab.count(site)).toBe(1);
  });
}

test('a view that is left at once arrives without sendBeacon, too', async ({ lab, site, tab }) => {
  lab.page(site, '/', {
    head: `<script>${BROKEN_BEACONS['is missing']}</script>`,
    body: '<script>addEventListener("DOMContentLoaded", () => { location.href = "/end"; });</script>',
  });
  lab.network.serve(site.at('/start'), { body: page({}) });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/start'));
  await tab.eval(() => {
    setTimeout(() => {
      location.href = '/';
    });
  });
  await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /']);
  await lab.answered();
  expect(await lab.count(site)).toBe(1);
});

test('what a browser sends again by itself counts once', async ({ lab, site, tab, engineName }) => {
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await lab.fence(tab); // the connection has been used by now

  let lost = 0;
  lab.network.decide = ({ method }) => {
    if (method !== 'POST' || lost > 0) return 'pass';
    lost += 1;
    return 'lose-answer';
  };
  await tab.eval(() => window.attractos.track('order'));
  // Chromium and Firefox repeat a request whose reused connection died without an answer; WebKitGTK does not.
  const receipts = engineName === 'webkit' ? 1 : 2;
  await expect
    .poll(() => lab.events(site).map(gist))
    .toEqual(['pageview /', ...Array(receipts).fill('order /')]);
  await lab.answered();
  const orders = lab.events(site).slice(1);
  expect(new Set(orders.map(({ id }) => id)).size).toBe(1);
  expect(await lab.count(site)).toBe(2);
});

test('a collector that is away is not noticed by the page', async ({ lab, site, tab }) => {
  lab.network.decide = ({ method }: Received) => (method === 'POST' ? 'lose' : 'pass');
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await tab.eval(() => window.attractos.track('order'));
  await lab.fence(tab);

  lab.network.decide = () => 'pass';
  await tab.eval(() => history.pushState(null, '', '/next'));
  await lab.fence(tab);
  const stored = lab.requests(site).filter(({ status, method }) => method === 'POST' && status === 202);
  expect(stored.flatMap(({ beacons }) => beacons).map(gist)).toContain('pageview /next');
});

test('a page goes on where the script cannot be had', async ({ lab, site, tab }) => {
  lab.network.decide = () => 'lose';
  lab.page(site, '/', {
    body: '<script>addEventListener("load", () => { document.title = "loaded"; });</script>',
  });
  await tab.goto(site.at('/'));
  expect(await tab.eval(() => document.title)).toBe('loaded');
});

test('fifty pages left at once all arrive', async ({ lab, site, tab }) => {
  const PAGES = 50;
  for (let number = 1; number <= PAGES; number += 1) {
    const next = number === PAGES ? '/end' : `/${number + 1}`;
    lab.page(site, `/${number}`, {
      body: `<script>addEventListener('DOMContentLoaded', () => { location.href = '${next}'; });</script>`,
    });
  }
  for (const path of ['/start', '/end']) lab.network.serve(site.at(path), { body: page({}) });
  await tab.goto(site.at('/start'));
  await tab.eval(() => {
    setTimeout(() => {
      location.href = '/1';
    });
  });

  const expected = Array.from({ length: PAGES }, (_, index) => `pageview /${index + 1}`).sort();
  await expect.poll(() => lab.events(site).map(gist).sort(), { timeout: 40_000 }).toEqual(expected);
  await lab.answered();
  expect(await lab.count(site)).toBe(PAGES);
});

test('a view arrives when its tab is closed', async ({ lab, site, tab }) => {
  lab.page(site, '/');
  const other = await tab.openTab();
  await other.goto(site.at('/'));
  await other.closeTab();
  await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /']);
  await lab.answered();
  expect(await lab.count(site)).toBe(1);
});
