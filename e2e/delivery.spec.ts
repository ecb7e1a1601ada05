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

test('a used up allowance for beacons disturbs nobody', async ({ lab, site, tab, engineName }) => {
  const atTheEnd = lab.gate();
  lab.network.decide = ({ path }) => (path === '/fill' ? atTheEnd.opened.then(() => 'lose') : 'pass');
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await lab.fence(tab);

  const full = await tab.eval(() => {
    // Large ones until one is refused, then small ones for the rest. Ten are enough: Firefox refuses none.
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
  // The browser learns a little later that they have been answered.
  const isFree = () =>
    tab.eval(() => window.lab.sendBeacon('http://stats.example.net/fill', 'x'.repeat(500)));
  await expect.poll(isFree).toBe(true);

  await tab.eval(() => window.attractos.track('next'));
  await lab.fence(tab);
  // A keepalive fetch has the same allowance as a beacon, so what is sent meanwhile may be lost; it never counts twice.
  const events = lab.events(site).map(gist);
  expect(events.filter((event) => event === 'order /').length).toBeLessThanOrEqual(1);
  expect(events.filter((event) => event !== 'order /')).toEqual(['pageview /', 'next /']);
  expect(await lab.count(site)).toBe(events.length);
});

test('the full script needs no allowance: a plain fetch goes where beacons and keepalive are refused', {
  tag: '@chromium',
}, async ({ lab, site, tab }) => {
  const atTheEnd = lab.gate();
  lab.network.decide = ({ path }) => (path === '/fill' ? atTheEnd.opened.then(() => 'lose') : 'pass');
  lab.page(site, '/', { tag: { script: 'a.full.js' } });
  await tab.goto(site.at('/'));
  await lab.fence(tab);
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
  expect(await lab.count(site)).toBe(2);
});

test('beacons go where the tag says', async ({ lab, site, tab }) => {
  // A proxy on a host of the site itself.
  lab.page(site, '/', { tag: { attributes: { 'data-api': `http://stats.${site.domain}/e` } } });
  await tab.goto(site.at('/'));
  expect(await lab.sent(site, tab)).toEqual(['pageview /']);
  expect(lab.requests(site).map(({ headers }) => headers.host)).toContain(`stats.${site.domain}`);
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

test('what could not be sent is sent when the network is back, once', async ({ lab, site, tab }) => {
  lab.page(site, '/', { tag: { script: 'a.full.js' } });
  await tab.goto(site.at('/'));
  await lab.fence(tab);
  // The network is away, and the browser knows it.
  lab.network.decide = ({ path }) => (path === '/e' ? 'lose' : 'pass');
  await tab.eval(() => {
    Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false, configurable: true });
    dispatchEvent(new Event('offline'));
    window.attractos.track('first');
    window.attractos.track('second');
  });
  await lab.fence(tab);
  expect(await lab.count(site)).toBe(1);

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
  expect(await lab.count(site)).toBe(3);
});

test('the fetch transport carries no cookie of the collector’s domain', async ({ lab, site, tab }) => {
  // The collector is on a host of the site itself, where the site's own cookies would travel along.
  const collector = `http://stats.${site.domain}`;
  lab.network.serve(site.at('/'), {
    body: page({
      head: `<script>document.cookie = 'session=secret; domain=${site.domain}; path=/';</script>
        <script defer src="${collector}/a.full.js" data-key="${site.key}" data-transport="fetch" crossorigin></script>`,
    }),
  });
  await tab.goto(site.at('/'));
  expect(await tab.eval(() => document.cookie)).toBe('session=secret');
  expect(await lab.sent(site, tab)).toEqual(['pageview /']);
  for (const { path, headers } of lab.requests(site)) {
    if (path === '/e') expect(headers.cookie).toBeUndefined();
  }
  expect(lab.network.received.map(({ method }) => method)).not.toContain('OPTIONS');
  expect(await lab.count(site)).toBe(1);
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
