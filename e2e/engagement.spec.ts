import { expect, test } from './support/fixtures.ts';
import type { Lab, Site } from './support/lab.ts';
import { page } from './support/page.ts';
import type { Tab } from './support/tab.ts';

/**
 * When a view ends, how long it was looked at, and how far. Time is not waited for: the pages' clock is set forward by an
 * hour, which no test lasts.
 */

const HOUR_MS = 3_600_000;
/** What a test itself may take. */
const SLACK_MS = 600_000;

const TALL = '<div style="height: 5000px">a long page</div>';

/** The hours that a view was engaged, as nobody's test lasts half of one. */
function hours(engaged: number | undefined): number {
  return Math.round((engaged ?? Number.NaN) / HOUR_MS);
}

/** Waits until the browser has laid the page out, and has told its observers. */
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

test('leaving a page is told once, with the view it belongs to', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.fence(tab);

  const [view] = lab.events(site);
  expect(lab.leaves(site)).toHaveLength(1);
  const [leave] = lab.leaves(site);
  expect(leave?.view).toBe(view?.id);
  expect(leave?.url).toBe(view?.url);
  expect(hours(leave?.engaged)).toBe(1);
  expect(await lab.count(site), 'a leave is not an event').toBe(1);
});

test('closing a tab tells it, too', async ({ lab, site, tab }) => {
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

test('hiding the tab and then leaving tells no time twice', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.eval(() => window.lab.show(false));
  await tab.goto(site.at('/end'));
  await lab.fence(tab);
  expect(lab.leaves(site)).toHaveLength(1);
  expect(hours(lab.leaves(site)[0]?.engaged)).toBe(1);
});

test('only time that the page is seen and has the focus is engaged time', async ({ lab, site, tab }) => {
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
  await lab.fence(tab);
  expect(lab.leaves(site).map(({ engaged }) => hours(engaged))).toEqual([2]);
});

test('each soft view has its own leave, before the next view begins', async ({ lab, site, tab }) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
    history.pushState(null, '', '/second');
  }, HOUR_MS);
  await lab.fence(tab);
  await tab.eval((ms) => {
    window.lab.skewMs += 2 * ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.fence(tab);

  const paths = lab.beacons(site).map(({ name = 'pageview', url }) => `${name} ${new URL(url).pathname}`);
  expect(paths).toEqual(['pageview /', 'leave /', 'pageview /second', 'leave /second']);
  const [first, second] = lab.events(site);
  expect(lab.leaves(site).map(({ view }) => view)).toEqual([first?.id, second?.id]);
  expect(lab.leaves(site).map(({ engaged }) => hours(engaged))).toEqual([1, 2]);
});

test('the deepest place counts, also after scrolling back up', async ({ lab, site, tab }) => {
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
  await lab.fence(tab);
  const [leave] = lab.leaves(site);
  expect(leave?.scroll).toBeGreaterThan(deepest - 5);
  expect(leave?.scroll).toBeLessThan(deepest + 5);
});

test('what comes late makes the page longer, and what was seen of it less', async ({ lab, site, tab }) => {
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
  await lab.fence(tab);
  expect(Math.abs((lab.leaves(site)[0]?.scroll ?? Number.NaN) - seen)).toBeLessThan(2);
});

test('a page that grows by what its own observers do is told of no error', async ({ lab, site, tab }) => {
  lab.page(site, '/', {
    // A scroll bar that came and went would be an error of the page's own.
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
  await lab.fence(tab);
  expect(lab.network.pageErrors).toEqual([]);
  expect(lab.leaves(site)).toHaveLength(1);
});

test('a page that fits the window has been seen whole', async ({ lab, site, tab }) => {
  lab.page(site, '/', { body: '<p>short</p>' });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await laidOut(tab);
  await tab.goto(site.at('/end'));
  await lab.fence(tab);
  expect(lab.leaves(site)[0]?.scroll).toBe(100);
});

test('a page that was never seen has no view and so no leave', async ({ lab, site, tab }) => {
  lab.page(site, '/', { prelude: { hidden: true } });
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await tab.goto(site.at('/end'));
  await lab.fence(tab);
  expect(lab.beacons(site)).toEqual([]);
});

test('a return from the back/forward cache is a new view with a leave of its own', async ({
  lab,
  site,
  tab,
}) => {
  servePages(lab, site);
  await tab.goto(site.at('/'));
  await tab.goto(site.at('/end'));
  await tab.back();
  await tab.eval((ms) => {
    window.lab.skewMs += ms;
  }, HOUR_MS);
  await tab.goto(site.at('/end'));
  await lab.fence(tab);
  const [first, second] = lab.events(site);
  expect(lab.leaves(site).map(({ view }) => view)).toEqual([first?.id, second?.id]);
  expect(lab.leaves(site)[0]?.engaged).toBeLessThan(SLACK_MS);
  expect(hours(lab.leaves(site)[1]?.engaged)).toBe(1);
});
