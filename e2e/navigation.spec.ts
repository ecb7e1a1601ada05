import { expect, test } from './support/fixtures.ts';
import { gist, type Lab, type Site } from './support/lab.ts';
import { COLLECTOR, page, tag } from './support/page.ts';
import { openUndriven } from './support/undriven.ts';

/**
 * When a view begins. The same tests run for each of the three scripts. Each test lists everything that must be sent, so
 * nothing else may be sent.
 */

declare global {
  interface Window {
    /** The history methods as they were before the tracker ran. */
    router: Pick<History, 'pushState' | 'replaceState'>;
  }
}

/** Code of a page in an engine without the Navigation API, whose router keeps the history methods. It runs before the tag. */
const keptHistory = `<script>
  Object.defineProperty(window, 'navigation', { value: undefined, configurable: true });
  window.router = {
    pushState: history.pushState.bind(history),
    replaceState: history.replaceState.bind(history),
  };
</script>`;

const SCRIPTS = ['a.js', 'a.micro.js', 'a.full.js'];

for (const script of SCRIPTS) {
  // One script runs in every engine, the others in Chromium only.
  test.describe(script, { tag: script === 'a.js' ? [] : ['@chromium'] }, () => {
    const ofThisScript = { tag: { script } };

    test('a page load is one view, and needs no request before it is sent', async ({ lab, site, tab }) => {
      lab.page(site, '/', ofThisScript);
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, ['pageview /']);
      // No preflight, configuration or cookie. Requests of other sites are ignored, because the page of the previous test may
      // still be sending its leave.
      const received = lab.network.received.filter(({ headers }) => {
        const from = headers.origin ?? headers.referer;
        return from === undefined || from.includes(site.domain);
      });
      const asked = received.map(({ method, path }) => `${method} ${path}`);
      expect(asked).toEqual([`GET /${script}`, 'POST /e']);
      const [, beacon] = received;
      expect(beacon?.headers['content-type']).toMatch(/^text\/plain/);
      expect(beacon?.headers.cookie).toBeUndefined();
      await lab.expectCount(site, 1);
    });

    test('another path in the same document is one view, however it came about', async ({
      lab,
      site,
      tab,
    }) => {
      lab.page(site, '/', ofThisScript);
      await tab.goto(site.at('/'));
      const expected = ['pageview /'];
      const becomes = async (what: string) => {
        expected.push(what);
        await lab.expectEvents(site, tab, expected);
      };

      await test.step('pushState', async () => {
        await tab.eval(() => history.pushState(null, '', '/products'));
        await becomes('pageview /products');
      });
      await test.step('replaceState', async () => {
        await tab.eval(() => history.replaceState(null, '', '/shoes'));
        await becomes('pageview /shoes');
      });
      await test.step('a router that replaces its state before it pushes', async () => {
        await tab.eval(() => {
          history.replaceState({ top: 120, forward: '/about' }, '', location.href);
          history.pushState({ back: '/shoes' }, '', '/about');
        });
        await becomes('pageview /about');
      });
      await test.step('a router that pushes and then replaces the state', async () => {
        await tab.eval(() => {
          history.pushState(null, '', '/team');
          history.replaceState({ tree: 1 }, '', location.href);
        });
        await becomes('pageview /team');
      });
      await test.step('back', async () => {
        await tab.back();
        await becomes('pageview /about');
      });
      await test.step('forward', async () => {
        await tab.eval(() => history.forward());
        await expect.poll(() => tab.eval(() => location.pathname)).toBe('/team');
        await becomes('pageview /team');
      });
      await lab.expectCount(site, expected.length);
    });

    test('a router that kept the history methods is noticed without the Navigation API', async ({
      lab,
      site,
      tab,
    }) => {
      lab.page(site, '/', {
        ...ofThisScript,
        head: keptHistory,
        body: `<button id="on" onclick="router.pushState(null, '', '/clicked')">On</button>`,
      });
      lab.network.serve(site.at('/plain'), { body: page({}) });
      await tab.goto(site.at('/'));
      await tab.click('#on');
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /clicked']);

      // All that happens on these two pages is that one is hidden and the other is left.
      await tab.eval(() => {
        window.router.replaceState(null, '', '/hidden');
        window.lab.show(false);
        window.lab.show(true);
      });
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /clicked', 'pageview /hidden']);
      await lab.expectCount(site, 3);
      // Not counted here: while a driven browser leaves a page, its beacons have the user agent of a program.
      await tab.eval(() => window.router.replaceState(null, '', '/left'));
      await tab.goto(site.at('/plain'));
      await lab.expectEvents(site, tab, [
        'pageview /',
        'pageview /clicked',
        'pageview /hidden',
        'pageview /left',
      ]);
    });

    test('another URL with the same path is not a view', async ({ lab, site, tab }) => {
      lab.page(site, '/', {
        ...ofThisScript,
        body: '<a id="link" href="#there">There</a><h2 id="there">There</h2>',
      });
      await tab.goto(site.at('/'));
      const stays = async () => await lab.expectEvents(site, tab, ['pageview /']);

      // This step comes first, because Firefox sometimes follows a link with its URL from before the query changed.
      await test.step('a link to a place on the page', async () => {
        await tab.click('#link');
        await expect.poll(() => tab.eval(() => location.hash)).toBe('#there');
        await stays();
      });
      await test.step('pushState of another query', async () => {
        await tab.eval(() => history.pushState(null, '', '/?sort=price'));
        await stays();
      });
      await test.step('pushState of the same address', async () => {
        await tab.eval(() => history.pushState(null, '', location.href));
        await stays();
      });
      await test.step('replaceState of the same address', async () => {
        await tab.eval(() => history.replaceState({ top: 1 }, '', location.href));
        await stays();
      });
      await test.step('replaceState without an address', async () => {
        await tab.eval(() => history.replaceState({ top: 2 }, ''));
        await stays();
      });
      await test.step('a scroll spy', async () => {
        await tab.eval(() => {
          for (const chapter of ['#one', '#two', '#three']) history.replaceState(null, '', chapter);
        });
        await stays();
      });
    });

    test('a return from the back/forward cache is one view', async ({ lab, site, tab }) => {
      lab.page(site, '/', ofThisScript);
      lab.network.serve(site.at('/plain'), { body: page({}) });
      await tab.goto(site.at('/'));
      await tab.eval(() => {
        document.title = 'as I left it';
      });
      await tab.goto(site.at('/plain'));
      await tab.back();
      expect(await tab.eval(() => document.title), 'the page came out of the cache').toBe('as I left it');
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /']);
      expect(new Set(lab.events(site).map(({ id }) => id)).size).toBe(2);
      await lab.expectCount(site, 2);
    });

    test('copies of the tag count once on load and on navigation, including one injected later', async ({
      lab,
      site,
      tab,
    }) => {
      const once = tag({ key: site.key, script });
      lab.page(site, '/', { tags: `${once}\n${once}` });
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, ['pageview /']);
      await tab.eval(() => history.pushState(null, '', '/next'));
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /next']);

      await tab.eval(async () => {
        const again = document.createElement('script');
        const first = document.querySelector<HTMLScriptElement>('script[data-key]');
        again.src = first?.src ?? '';
        again.dataset.key = first?.dataset.key ?? '';
        document.head.append(again);
        await new Promise((resolve) => again.addEventListener('load', resolve));
      });
      await tab.eval(() => history.pushState(null, '', '/last'));
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /next', 'pageview /last']);
    });

    test('a tag that a tag manager injects counts', async ({ lab, site, tab }) => {
      lab.network.serve(site.at('/'), { body: page({}) });
      await tab.goto(site.at('/'));
      await tab.eval(
        async ([src, key]) => {
          const injected = document.createElement('script');
          injected.async = true;
          injected.src = src;
          injected.dataset.key = key;
          document.head.append(injected);
          await new Promise((resolve) => injected.addEventListener('load', resolve));
        },
        [`${COLLECTOR}/${script}`, site.key] as const,
      );
      await tab.eval(() => history.pushState(null, '', '/next'));
      await lab.expectEvents(site, tab, ['pageview /', 'pageview /next']);
    });

    test('two different keys on one page both count', async ({ lab, site, tab }) => {
      const other = await lab.newSite();
      lab.page(site, '/', { tags: tag({ key: site.key, script }) + tag({ key: other.key, script }) });
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, ['pageview /']);
      await lab.expectEvents(other, tab, ['pageview /']);
    });

    test('a page opened in the background is a view when it is first seen', async ({ lab, site, tab }) => {
      lab.page(site, '/', { ...ofThisScript, prelude: { hidden: true } });
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, []);
      await tab.eval(() => window.lab.show(true));
      await lab.expectEvents(site, tab, ['pageview /']);
      await tab.eval(() => window.lab.show(false));
      await tab.eval(() => window.lab.show(true));
      await lab.expectEvents(site, tab, ['pageview /']);
    });

    test('a page without storage is one view', async ({ lab, site, tab }) => {
      lab.page(site, '/', { ...ofThisScript, prelude: { storageDenied: true } });
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, ['pageview /']);
    });

    test('a URL or referrer that is too long is shortened, and the view counts', async ({
      lab,
      site,
      tab,
    }) => {
      const long = 'x'.repeat(3000);
      lab.page(site, '/', { ...ofThisScript, body: '<a id="on" href="/next">On</a>' });
      lab.page(site, '/next', ofThisScript);
      await tab.goto(site.at(`/?state=${long}#${long}`));
      await lab.fence(tab);
      await tab.click('#on');
      await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/next');
      const paths = () =>
        lab
          .events(site)
          .map(({ url }) => new URL(url).pathname)
          .sort();
      await expect.poll(paths).toEqual(['/', '/next']);
      await lab.fence(tab);
      expect(paths()).toEqual(['/', '/next']);
      await lab.expectCount(site, 2);
    });

    test('a page that was in the back/forward cache before it was first seen is one view', async ({
      lab,
      site,
      tab,
    }) => {
      // On return, the browser first reports that the page is visible, and then that it was in the back/forward cache.
      const head = `<script>
        let times = 0;
        addEventListener('visibilitychange', () => {
          times += 1;
          if (times === 2) Object.defineProperty(document, 'visibilityState', { get: () => 'visible', configurable: true });
        }, true);
      </script>`;
      lab.page(site, '/', { ...ofThisScript, head, prelude: { hidden: true } });
      lab.network.serve(site.at('/plain'), { body: page({}) });
      await tab.goto(site.at('/'));
      await tab.eval(() => {
        document.title = 'as no visitor saw it';
      });
      await tab.goto(site.at('/plain'));
      await tab.back();
      expect(await tab.eval(() => document.title), 'the page came out of the cache').toBe(
        'as no visitor saw it',
      );
      await expect.poll(() => tab.eval(() => document.visibilityState)).toBe('visible');
      await lab.expectEvents(site, tab, ['pageview /']);
    });

    test('three pages left at once arrive, however slow the collector', async ({ lab, site, tab }) => {
      const leave = (to: string) =>
        `<script>addEventListener('DOMContentLoaded', () => { location.href = '${to}'; });</script>`;
      lab.page(site, '/1', { ...ofThisScript, body: leave('/2') });
      lab.page(site, '/2', { ...ofThisScript, body: leave('/3') });
      lab.page(site, '/3', { ...ofThisScript, body: leave('/end') });
      for (const path of ['/start', '/end']) lab.network.serve(site.at(path), { body: page({}) });
      // Beacons get no response before the last page has loaded.
      const atTheEnd = lab.gate();
      lab.network.decide = ({ path }) => (path === '/e' ? atTheEnd.opened.then(() => 'pass') : 'pass');

      await tab.goto(site.at('/start'));
      await tab.eval(() => {
        setTimeout(() => {
          location.href = '/1';
        });
      });
      await expect.poll(() => lab.network.visited).toContain(`www.${site.domain}/end`);
      atTheEnd.open();

      await expect
        .poll(() => lab.events(site).map(gist).sort())
        .toEqual(['pageview /1', 'pageview /2', 'pageview /3']);
      await lab.answered();
      await lab.expectCount(site, 3);
    });

    test('a prerendered page is a view only once it is opened', { tag: '@chromium' }, async ({
      lab,
      site,
    }) => {
      servePrerender(lab, site, script);
      const browser = await openUndriven(lab.network.port, site.at('/'));
      try {
        await expect.poll(() => lab.network.hasFence(`${site.id}-prerendering`)).toBe(true);
        await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /']);
        await lab.answered();
        expect(lab.events(site).map(gist)).toEqual(['pageview /']);

        lab.network.serve(site.at('/go'), { body: 'now' });
        await expect.poll(() => lab.network.hasFence(`${site.id}-opened`)).toBe(true);
        await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /', 'pageview /target']);
        await lab.answered();
        expect(lab.events(site).map(gist)).toEqual(['pageview /', 'pageview /target']);
        if (script === 'a.full.js') expect(lab.beacon(site, 'pageview /target').nav).toBe('prerender');
      } finally {
        await browser.close();
      }
    });
  });
}

test('the full script reports how a view began', async ({ lab, site, tab }) => {
  const script = { tag: { script: 'a.full.js' } };
  for (const path of ['/', '/soft']) lab.page(site, path, script);
  lab.network.serve(site.at('/other'), { body: page({}) });
  const expected: string[] = [];
  /** Asserts the views so far. The test waits for each before the next begins. */
  const becomes = async (view: string) => {
    expected.push(view);
    await expect.poll(() => lab.events(site).map((event) => `${event.nav} ${gist(event)}`)).toEqual(expected);
  };
  await tab.goto(site.at('/'));
  await becomes('load pageview /');
  await tab.eval(() => history.pushState(null, '', '/soft'));
  await becomes('soft pageview /soft');
  await tab.goto(site.at('/other'));
  await tab.back();
  await becomes('bfcache pageview /soft');
  await tab.eval(() => {
    setTimeout(() => location.reload());
  });
  await becomes('reload pageview /soft');
});

/** Serves a page that makes the browser prerender another, and opens that one as soon as `/go` exists. */
function servePrerender(lab: Lab, site: Site, script: string): void {
  const rules = { prerender: [{ source: 'list', urls: ['/target'], eagerness: 'immediate' }] };
  lab.page(site, '/', {
    tag: { script },
    head: `<script type="speculationrules">${JSON.stringify(rules)}</script>`,
    body: `<script>
      const timer = setInterval(async () => {
        const { ok } = await fetch('/go');
        if (!ok) return;
        clearInterval(timer);
        location.href = '/target';
      }, 50);
    </script>`,
  });
  // The tag is deferred, so it has run when the document is ready.
  lab.page(site, '/target', {
    tag: { script },
    body: `<script>
      const pass = (what) => navigator.sendBeacon('/fence?${site.id}-' + what);
      addEventListener('DOMContentLoaded', () => setTimeout(() => {
        if (document.prerendering) pass('prerendering');
      }));
      document.addEventListener('prerenderingchange', () => setTimeout(() => pass('opened')));
    </script>`,
  });
}
