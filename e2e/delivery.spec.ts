import { expect, test } from './support/fixtures.ts';
import { gist } from './support/lab.ts';
import type { Received } from './support/network.ts';
import { page } from './support/page.ts';

/** How a beacon gets from the page to the collector, and what happens if something fails on the way. */

/** Ways in which `sendBeacon` can fail, caused by a script of the page. */
const BROKEN_BEACONS = {
  'is missing': 'delete Navigator.prototype.sendBeacon;',
  'answers false': 'Navigator.prototype.sendBeacon = () => false;',
  throws: 'Navigator.prototype.sendBeacon = () => { throw new TypeError("not today"); };',
};

for (const [fault, code] of Object.entries(BROKEN_BEACONS)) {
  test(`a view arrives once if sendBeacon ${fault}`, async ({ lab, site, tab }) => {
    lab.page(site, '/', { head: `<script>${code}</script>` });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    expect(lab.network.received.map(({ method }) => method)).not.toContain('OPTIONS');
    await lab.expectCount(site, 1);
  });
}

test('a view that is left at once arrives even without sendBeacon', async ({ lab, site, tab }) => {
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
  await lab.expectEvents(site, tab, ['pageview /']);
  await lab.expectCount(site, 1);
});

test('a used-up sendBeacon allowance causes no error in the page', async ({ lab, site, tab, engineName }) => {
  const atTheEnd = lab.gate();
  lab.network.decide = ({ path }) => (path === '/fill' ? atTheEnd.opened.then(() => 'lose') : 'pass');
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']);

  const full = await tab.eval(() => {
    // Sends large beacons until one is refused, then small ones to fill the rest. Ten are enough; Firefox refuses none.
    for (const bytes of [65_000, 500]) {
      for (let sent = 0; sent < 10; sent += 1) {
        if (!window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(bytes))) break;
      }
    }
    return !window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(500));
  });
  expect(full).toBe(engineName !== 'firefox');
  await tab.eval(() => window.attractos.track('order'));
  atTheEnd.open();
  await lab.answered();
  // The browser sees the responses a little later.
  const isFree = () =>
    tab.eval(() => window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(500)));
  await expect.poll(isFree).toBe(true);

  await tab.eval(() => window.attractos.track('next'));
  await expect.poll(() => lab.events(site).map(gist)).toContain('next /');
  await lab.fence(tab);
  // A keepalive fetch shares the quota of beacons, so events sent meanwhile may be lost, but none counts twice.
  const events = lab.events(site).map(gist);
  expect(events.filter((event) => event === 'order /').length).toBeLessThanOrEqual(1);
  expect(events.filter((event) => event !== 'order /').sort()).toEqual(['next /', 'pageview /']);
  await lab.expectCount(site, events.length);
});

test('the full script falls back to a plain fetch if sendBeacon and keepalive are refused', {
  tag: '@chromium',
}, async ({ lab, site, tab }) => {
  const atTheEnd = lab.gate();
  lab.network.decide = ({ path }) => (path === '/fill' ? atTheEnd.opened.then(() => 'lose') : 'pass');
  lab.page(site, '/', { tag: { script: 'a.full.js' } });
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']);
  const full = await tab.eval(() => {
    for (const bytes of [65_000, 500]) {
      for (let sent = 0; sent < 10; sent += 1) {
        if (!window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(bytes))) break;
      }
    }
    window.attractos.track('order');
    return !window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(500));
  });
  expect(full).toBe(true);
  await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /', 'order /']);
  atTheEnd.open();
  await lab.answered();
  await lab.expectCount(site, 2);
});

test('beacons go to the URL in data-api', async ({ lab, site, tab }) => {
  // A proxy on a host of the site itself.
  lab.page(site, '/', { tag: { attributes: { 'data-api': `http://stats.${site.domain}/e` } } });
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']);
  expect(lab.requests(site).map(({ headers }) => headers.host)).toContain(`stats.${site.domain}`);
});

test('a beacon that the browser repeats counts once', async ({ lab, site, tab, engineName }) => {
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']); // uses the connection

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
  const orders = lab.events(site).filter(({ name }) => name === 'order');
  expect(new Set(orders.map(({ id }) => id)).size).toBe(1);
  await lab.expectCount(site, 2);
});

test('a collector that is down causes no error in the page', async ({ lab, site, tab }) => {
  lab.network.decide = ({ method }: Received) => (method === 'POST' ? 'lose' : 'pass');
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await tab.eval(() => window.attractos.track('order'));
  await lab.fence(tab);

  lab.network.decide = () => 'pass';
  await tab.eval(() => history.pushState(null, '', '/next'));
  const stored = () => lab.requests(site).filter(({ status, method }) => method === 'POST' && status === 202);
  await expect
    .poll(() =>
      stored()
        .flatMap(({ beacons }) => beacons)
        .map(gist),
    )
    .toContain('pageview /next');
});

test('beacons that could not be sent are sent once when the network is back', async ({ lab, site, tab }) => {
  const head = `<script>
    window.failures = 0;
    const original = fetch;
    window.fetch = (...given) => original(...given).catch((failure) => { failures += 1; throw failure; });
  </script>`;
  lab.page(site, '/', { tag: { script: 'a.full.js' }, head });
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']);
  // The network is down, and the browser knows it.
  lab.network.decide = ({ path }) => (path === '/e' ? 'lose' : 'pass');
  await tab.eval(() => {
    Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false, configurable: true });
    dispatchEvent(new Event('offline'));
    window.attractos.track('first');
    window.attractos.track('second');
  });
  // Each was tried twice and is now queued.
  await expect.poll(() => tab.eval(() => (window as unknown as { failures: number }).failures)).toBe(4);
  await lab.expectCount(site, 1);

  lab.network.decide = () => 'pass';
  await tab.eval(() => {
    Object.defineProperty(Navigator.prototype, 'onLine', { get: () => true, configurable: true });
    dispatchEvent(new Event('online'));
    dispatchEvent(new Event('online'));
  });
  await expect.poll(() => lab.count(site)).toBe(3);
  await lab.fence(tab);
  const stored = lab
    .requests(site)
    .filter(({ status }) => status === 202)
    .flatMap(({ beacons }) => beacons);
  expect(stored.map(gist).sort()).toEqual(['first /', 'pageview /', 'second /']);
  await lab.expectCount(site, 3);
});

test('the fetch transport sends no cookies of the collector’s domain', async ({ lab, site, tab }) => {
  // The collector is on a host of the site, so the browser could send the site's cookies.
  const collector = `http://stats.${site.domain}`;
  lab.network.serve(site.at('/'), {
    body: page({
      head: `<script>document.cookie = 'session=secret; domain=${site.domain}; path=/';</script>
        <script defer src="${collector}/a.full.js" data-key="${site.key}" data-transport="fetch" crossorigin></script>`,
    }),
  });
  await tab.goto(site.at('/'));
  expect(await tab.eval(() => document.cookie)).toBe('session=secret');
  await lab.expectEvents(site, tab, ['pageview /']);
  for (const { path, headers } of lab.requests(site)) {
    if (path === '/e') expect(headers.cookie).toBeUndefined();
  }
  expect(lab.network.received.map(({ method }) => method)).not.toContain('OPTIONS');
  await lab.expectCount(site, 1);
});

test('a page works if the script cannot be loaded', async ({ lab, site, tab }) => {
  lab.network.decide = () => 'lose';
  lab.page(site, '/', {
    body: '<script>addEventListener("load", () => { document.title = "loaded"; });</script>',
  });
  await tab.goto(site.at('/'));
  expect(await tab.eval(() => document.title)).toBe('loaded');
});

test('fifty pages that are left at once all arrive', async ({ lab, site, tab }) => {
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
  await lab.expectCount(site, PAGES);
});

test('a view arrives when its tab is closed', async ({ lab, site, tab }) => {
  lab.page(site, '/');
  const other = await tab.openTab();
  await other.goto(site.at('/'));
  await other.closeTab();
  await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /']);
  await lab.answered();
  await lab.expectCount(site, 1);
});
