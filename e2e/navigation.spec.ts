import { expect, test } from './support/fixtures.ts';
import { gist, type Lab, type Site } from './support/lab.ts';
import { COLLECTOR, page, tag } from './support/page.ts';
import { openUndriven } from './support/undriven.ts';

/**
 * When a view begins. The same checks for each of the three scripts: each says what must be sent, and by saying all of it,
 * what must not.
 */

const SCRIPTS = ['a.js', 'a.micro.js', 'a.full.js'];

for (const script of SCRIPTS) {
  // One script in every engine, the others in one.
  test.describe(script, { tag: script === 'a.js' ? [] : ['@chromium'] }, () => {
    const ofThisScript = { tag: { script } };

    test('a load is one view, and nothing is asked before it is sent', async ({ lab, site, tab }) => {
      lab.page(site, '/', ofThisScript);
      await tab.goto(site.at('/'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
      // No preflight, no configuration, no cookie.
      // The page of the test before may still be saying that it was left.
      const received = lab.network.received.filter(({ headers }) => {
        const from = headers.origin ?? headers.referer;
        return from === undefined || from.includes(site.domain);
      });
      const asked = received.map(({ method, path }) => `${method} ${path}`);
      expect(asked).toEqual([`GET /${script}`, 'POST /e']);
      const [, beacon] = received;
      expect(beacon?.headers['content-type']).toMatch(/^text\/plain/);
      expect(beacon?.headers.cookie).toBeUndefined();
      expect(await lab.count(site)).toBe(1);
    });

    test('another path in the same document is one view, in whatever way it came', async ({
      lab,
      site,
      tab,
    }) => {
      lab.page(site, '/', ofThisScript);
      await tab.goto(site.at('/'));
      const expected = ['pageview /'];
      const becomes = async (what: string) => {
        expected.push(what);
        expect(await lab.sent(site, tab)).toEqual(expected);
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
      expect(await lab.count(site)).toBe(expected.length);
    });

    test('another address with the same path is no view', async ({ lab, site, tab }) => {
      lab.page(site, '/', {
        ...ofThisScript,
        body: '<a id="link" href="#there">There</a><h2 id="there">There</h2>',
      });
      await tab.goto(site.at('/'));
      const stays = async () => expect(await lab.sent(site, tab)).toEqual(['pageview /']);

      // First, for Firefox sometimes takes a link's address from before the query changed, and loads that.
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
      expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /']);
      expect(new Set(lab.events(site).map(({ id }) => id)).size).toBe(2);
      expect(await lab.count(site)).toBe(2);
    });

    test('copies of the tag count once, on load and on push, also one injected later', async ({
      lab,
      site,
      tab,
    }) => {
      const once = tag({ key: site.key, script });
      lab.page(site, '/', { tags: `${once}\n${once}` });
      await tab.goto(site.at('/'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
      await tab.eval(() => history.pushState(null, '', '/next'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /next']);

      await tab.eval(async () => {
        const again = document.createElement('script');
        const first = document.querySelector<HTMLScriptElement>('script[data-key]');
        again.src = first?.src ?? '';
        again.dataset.key = first?.dataset.key ?? '';
        document.head.append(again);
        await new Promise((resolve) => again.addEventListener('load', resolve));
      });
      await tab.eval(() => history.pushState(null, '', '/last'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /next', 'pageview /last']);
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
      expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /next']);
    });

    test('two different keys on one page are both told', async ({ lab, site, tab }) => {
      const other = await lab.newSite();
      lab.page(site, '/', { tags: tag({ key: site.key, script }) + tag({ key: other.key, script }) });
      await tab.goto(site.at('/'));
      await lab.fence(tab);
      expect(lab.events(site).map(gist)).toEqual(['pageview /']);
      expect(lab.events(other).map(gist)).toEqual(['pageview /']);
    });

    test('a page opened in the background is a view when it is first seen', async ({ lab, site, tab }) => {
      lab.page(site, '/', { ...ofThisScript, prelude: { hidden: true } });
      await tab.goto(site.at('/'));
      expect(await lab.sent(site, tab)).toEqual([]);
      await tab.eval(() => window.lab.show(true));
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
      await tab.eval(() => window.lab.show(false));
      await tab.eval(() => window.lab.show(true));
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
    });

    test('a page without storage is one view', async ({ lab, site, tab }) => {
      lab.page(site, '/', { ...ofThisScript, prelude: { storageDenied: true } });
      await tab.goto(site.at('/'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
    });

    test('an address, or a referrer, that is too long for the collector is cut, and the view counts', async ({
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
      await lab.fence(tab);
      expect(lab.events(site).map(({ url }) => new URL(url).pathname)).toEqual(['/', '/next']);
      expect(await lab.count(site)).toBe(2);
    });

    test('a page that the back/forward cache kept before anybody saw it is one view', async ({
      lab,
      site,
      tab,
    }) => {
      // The browser tells the page that it is seen for the first time when it comes back, and only then of its return.
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
        document.title = 'as nobody saw it';
      });
      await tab.goto(site.at('/plain'));
      await tab.back();
      expect(await tab.eval(() => document.title), 'the page came out of the cache').toBe('as nobody saw it');
      await expect.poll(() => tab.eval(() => document.visibilityState)).toBe('visible');
      expect(await lab.sent(site, tab)).toEqual(['pageview /']);
    });

    test('three pages left at once arrive, however slow the collector', async ({ lab, site, tab }) => {
      const leave = (to: string) =>
        `<script>addEventListener('DOMContentLoaded', () => { location.href = '${to}'; });</script>`;
      lab.page(site, '/1', { ...ofThisScript, body: leave('/2') });
      lab.page(site, '/2', { ...ofThisScript, body: leave('/3') });
      lab.page(site, '/3', { ...ofThisScript, body: leave('/end') });
      for (const path of ['/start', '/end']) lab.network.serve(site.at(path), { body: page({}) });
      // No beacon is answered before the last page is there.
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
      expect(await lab.count(site)).toBe(3);
    });

    test('a prerendered page is a view only when it is opened', { tag: '@chromium' }, async ({
      lab,
      site,
    }) => {
      servePrerender(lab, site, script);
      const browser = await openUndriven(lab.network.port, site.at('/'));
      try {
        await expect.poll(() => lab.network.hasFence(`${site.id}-prerendering`)).toBe(true);
        await expect.poll(() => lab.events(site).length).toBeGreaterThan(0);
        await lab.answered();
        expect(lab.events(site).map(gist)).toEqual(['pageview /']);

        lab.network.serve(site.at('/go'), { body: 'now' });
        await expect.poll(() => lab.network.hasFence(`${site.id}-opened`)).toBe(true);
        await lab.answered();
        expect(lab.events(site).map(gist)).toEqual(['pageview /', 'pageview /target']);
        if (script === 'a.full.js') expect(lab.events(site)[1]?.nav).toBe('prerender');
      } finally {
        await browser.close();
      }
    });
  });
}

test('the full script says how a view began', async ({ lab, site, tab }) => {
  const script = { tag: { script: 'a.full.js' } };
  for (const path of ['/', '/soft']) lab.page(site, path, script);
  lab.network.serve(site.at('/other'), { body: page({}) });
  await tab.goto(site.at('/'));
  await tab.eval(() => history.pushState(null, '', '/soft'));
  await lab.fence(tab);
  await tab.goto(site.at('/other'));
  await tab.back();
  await lab.fence(tab);
  await tab.eval(() => {
    setTimeout(() => location.reload());
  });
  await expect
    .poll(() => lab.events(site).map(({ nav }) => nav))
    .toEqual(['load', 'soft', 'bfcache', 'reload']);
});

/** A page that has the browser prerender another, and opens it as soon as there is something at `/go`. */
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
