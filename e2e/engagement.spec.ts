import { expect, test } from './support/fixtures.ts';
import { gist, type Lab, type Site } from './support/lab.ts';
import { page } from './support/page.ts';
import type { Tab } from './support/tab.ts';

/**
 * When a view ends, its engaged time and its scroll depth are sent. Tests do not wait: they advance the page's clock by an
 * hour, which is longer than any test takes.
 */

const HOUR_MS = 3_600_000;
/** The longest time that a test itself may add, in milliseconds. */
const SLACK_MS = 600_000;

const TALL = '<div style="height: 5000px">a long page</div>';

/** Returns the engaged time of a view, rounded to hours. */
function hours(engaged: number | undefined): number {
  return Math.round((engaged ?? Number.NaN) / HOUR_MS);
}

/** Waits until the browser has laid out the page and notified its observers. */
async function laidOut(tab: Tab): Promise<void> {
  await tab.eval(async () => {
    for (let frame = 0; frame < 2; frame += 1)
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  });
}

function servePages(lab: Lab, site: Site): void {
  lab.page(site, '/', { body: TALL });
  lab.network.serve(site.at('/end'), { body: page({}) });
}

test('leaving a page sends one leave with the id of its view', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);

  const view = lab.beacon(site, 'pageview /');
  const leave = lab.beacon(site, 'leave /');
  expect(leave.view).toBe(view.id);
  expect(leave.url).toBe(view.url);
  expect(hours(leave.engaged)).toBe(1);
  await lab.expectCount(site, 1);
});

test('closing a tab sends a leave', async ({ lab, site, tab }) => {
  servePages(lab, site);
  const other = await tab.openTab();
  await other.goto(site.at('/'));
  await other.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await other.closeTab();
  await expect.poll(() => lab.leaves(site).length).toBe(1);
  await lab.answered();
  expect(lab.leaves(site).map(({ engaged }) => hours(engaged))).toEqual([1]);
});

test('hiding the tab and then leaving reports no time twice', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.eval(() => window.lab.show(false));
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  expect(hours(lab.beacon(site, 'leave /').engaged)).toBe(1);
});

test('counts only visible and focused time as engaged time', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    const { lab: page } = window;
    page.skewMs += ms; // counts
    page.focus(false);
    page.skewMs += 2 * ms; // somewhere else
    page.focus(true);
    page.skewMs += ms; // counts
    page.show(false);
  }, HOUR_MS);
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  expect(hours(lab.beacon(site, 'leave /').engaged)).toBe(2);
});

test('each soft navigation ends the view with a leave before the next view begins', async ({
  lab,
  site,
  tab,
}) => {
  // Records the order in which the page sent them, because the network may reorder them.
  const head = `<script>
    window.bodies = [];
    const original = Navigator.prototype.sendBeacon;
    Navigator.prototype.sendBeacon = function (...given) {
      bodies.push(given[1]);
      return original.apply(this, given);
    };
  </script>`;
  lab.page(site, '/', { head, body: TALL });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
    history.pushState(null, '', '/second');
  }, HOUR_MS);
  const bodies = await tab.eval(() => (window as unknown as { bodies: string[] }).bodies);
  expect(bodies.map((body) => gist(JSON.parse(body)))).toEqual(['pageview /', 'leave /', 'pageview /second']);
  await tab.eval((ms) => {
    window.lab.skewMs += 2 * ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /', 'pageview /second', 'leave /second']);

  for (const [path, engaged] of [
    ['/', 1],
    ['/second', 2],
  ] as const) {
    const leave = lab.beacon(site, `leave ${path}`);
    expect(leave.view).toBe(lab.beacon(site, `pageview ${path}`).id);
    expect(hours(leave.engaged)).toBe(engaged);
  }
});

test('a path that is noticed late ends the view before it, and is sent before its own leave', {
  tag: '@chromium',
}, async ({ lab, site, tab }) => {
  const head = `<script>
    Object.defineProperty(window, 'navigation', { value: undefined, configurable: true });
    window.push = history.pushState.bind(history);
    window.bodies = [];
    const original = Navigator.prototype.sendBeacon;
    Navigator.prototype.sendBeacon = function (...given) {
      bodies.push(given[1]);
      return original.apply(this, given);
    };
  </script>`;
  lab.page(site, '/', { head, body: TALL });
  await tab.goto(site.at('/'));
  const sent = async () => {
    const bodies = await tab.eval(() => (window as unknown as { bodies: string[] }).bodies);
    return bodies.map((body) => gist(JSON.parse(body)));
  };
  const push = (to: string) =>
    tab.eval((to) => (window as unknown as { push: History['pushState'] }).push(null, '', to), to);
  await push('/scrolled');
  await tab.eval(() => scrollTo(0, 500));
  await expect.poll(sent).toEqual(['pageview /', 'leave /', 'pageview /scrolled']);
  await push('/hidden');
  await tab.eval(() => window.lab.show(false));
  expect((await sent()).slice(3)).toEqual(['leave /scrolled', 'pageview /hidden']);
  await tab.eval((ms) => {
    window.lab.show(true);
    window.lab.skewMs += ms;
    window.lab.show(false);
  }, HOUR_MS);
  expect((await sent()).slice(5)).toEqual(['leave /hidden']);
  await expect
    .poll(() => lab.leaves(site).map(gist).sort())
    .toEqual(['leave /', 'leave /hidden', 'leave /scrolled']);
  expect(hours(lab.beacon(site, 'leave /hidden').engaged)).toBe(1);
  await lab.answered();
  await lab.expectCount(site, 3);
});

test('scroll depth is the greatest depth, also after scrolling back up', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval(() => scrollTo(0, 2000));
  await laidOut(tab);
  const deepest = await tab.eval(
    () => (100 * (scrollY + innerHeight)) / document.documentElement.scrollHeight,
  );
  await tab.eval(() => scrollTo(0, 0));
  await laidOut(tab);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  const { scroll } = lab.beacon(site, 'leave /');
  expect(scroll).toBeGreaterThan(deepest - 5);
  expect(scroll).toBeLessThan(deepest + 5);
});

test('content that loads late makes the page longer and the scroll depth smaller', async ({
  lab,
  site,
  tab,
}) => {
  lab.page(site, '/', { body: '<p>short at first</p><img id="late" alt="">' });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await laidOut(tab);
  await tab.eval(async () => {
    const image = document.querySelector<HTMLImageElement>('#late');
    if (image === null) throw new Error('no image');
    image.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="10" height="8000"></svg>';
    await image.decode();
  });
  await laidOut(tab);
  const seen = await tab.eval(() => (100 * innerHeight) / document.documentElement.scrollHeight);
  expect(seen).toBeLessThan(50);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  expect(Math.abs((lab.beacon(site, 'leave /').scroll ?? Number.NaN) - seen)).toBeLessThan(2);
});

test('a page that grows in its own observers gets no ResizeObserver error', async ({ lab, site, tab }) => {
  lab.page(site, '/', {
    // A scroll bar that appears and disappears would cause an error in the page itself.
    head: '<style>html { overflow-y: scroll }</style>',
    body: `<div><p id="watched">watched</p></div><div id="below"></div><script>
      const [watched, below] = ['watched', 'below'].map((id) => document.getElementById(id));
      new ResizeObserver(() => {
        below.style.height = 10 * watched.offsetHeight + 'px';
      }).observe(watched);
    </script>`,
  });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await laidOut(tab);
  for (const height of [100, 300]) {
    await tab.eval((to) => {
      const watched = document.querySelector<HTMLElement>('#watched');
      if (watched) watched.style.height = `${to}px`;
    }, height);
    await laidOut(tab);
  }
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  expect(lab.network.pageErrors).toEqual([]);
});

test('a page that fits the window has a scroll depth of 100', async ({ lab, site, tab }) => {
  lab.page(site, '/', { body: '<p>short</p>' });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await laidOut(tab);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  expect(lab.beacon(site, 'leave /').scroll).toBe(100);
});

test('a page that was never visible has no view and no leave', async ({ lab, site, tab }) => {
  lab.page(site, '/', { prelude: { hidden: true } });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, []);
});

test('a return from the back/forward cache is a new view with its own leave', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  await tab.back();
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /', 'pageview /', 'leave /']);
  // The order is certain, because the test waited for each one.
  const [first, second] = lab.events(site);
  expect(lab.leaves(site).map(({ view }) => view)).toEqual([first?.id, second?.id]);
  expect(lab.leaves(site)[0]?.engaged).toBeLessThan(SLACK_MS);
  expect(hours(lab.leaves(site)[1]?.engaged)).toBe(1);
});
