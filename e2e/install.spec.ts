import { readFileSync } from 'node:fs';
import { expect, test } from './support/fixtures.ts';
import { gist, type Lab, type Site } from './support/lab.ts';
import { COLLECTOR, page } from './support/page.ts';

/**
 * The ways to install that tracker/README.md shows, each tried as it is written there: put into a page as its framework
 * does it, and with the framework's way of going from page to page. And the npm package, in a page of its own.
 */

const README = readFileSync(new URL('../tracker/README.md', import.meta.url), 'utf8');

/** The address and the attributes in the snippet below a name, for this test's server and site. */
function snippet(name: string, site: Site): { src: string; key: string | undefined } {
  const [, code = ''] = new RegExp(`\\*\\*${name}\\*\\*[^]*?\`\`\`\\w+\\n([^]*?)\`\`\``).exec(README) ?? [];
  const [, src] = /https:\/\/stats\.example(\/[^"']*)/.exec(code) ?? [];
  expect(src, `the snippet for ${name}`).toBeDefined();
  const key = /data-key/.test(code) ? site.key : undefined;
  return { src: `${COLLECTOR}${src}`.replace('ak_…', site.key), key };
}

/** As browsers see what a server has rendered. */
const inHtml = ({ src, key }: ReturnType<typeof snippet>, more = ''): string =>
  `<script defer src="${src}"${key ? ` data-key="${key}"` : ''}${more}></script>`;

/** As code that makes a script element and appends it when the page is there. */
const injected = ({ src, key }: ReturnType<typeof snippet>): string => `<script>
  addEventListener('load', () => {
    const script = document.createElement('script');
    script.src = ${JSON.stringify(src)};
    ${key ? `script.setAttribute('data-key', ${JSON.stringify(key)});` : ''}
    document.body.append(script);
  });
</script>`;

interface Way {
  name: string;
  install: (site: Site) => string;
  /** Goes to another page in the same document, as the framework's router does. Runs in the page. */
  route: () => void;
}

const WAYS: readonly Way[] = [
  {
    name: 'Next.js',
    install: (site) => injected(snippet('Next.js', site)),
    // The App Router: the tree goes into the state, once when pushing and once more when it has rendered.
    route: () => {
      history.pushState({ __NA: true, tree: ['a'] }, '', '/second');
      history.replaceState({ __NA: true, tree: ['a', 'b'] }, '', '/second');
    },
  },
  {
    name: 'Nuxt',
    install: (site) => inHtml(snippet('Nuxt', site)),
    // Vue Router: the position goes into the old entry before the new one is pushed.
    route: () => {
      history.replaceState({ ...history.state, forward: '/second', scroll: { top: 0 } }, '', location.href);
      history.pushState({ back: '/', current: '/second', position: 1 }, '', '/second');
    },
  },
  {
    name: 'SvelteKit',
    install: (site) => inHtml(snippet('SvelteKit', site)),
    route: () => {
      history.replaceState({ 'sveltekit:scroll': { x: 0, y: 0 } }, '', location.href);
      history.pushState({ 'sveltekit:history': 2, 'sveltekit:navigation': 2 }, '', '/second');
    },
  },
  {
    name: 'Astro',
    install: (site) => inHtml(snippet('Astro', site)),
    // View transitions: the new document's head comes with a copy of the tag, which runs again.
    route: () => {
      history.pushState({ index: 1, scrollX: 0, scrollY: 0 }, '', '/second');
      const old = document.querySelector<HTMLScriptElement>('script[data-key]');
      const copy = document.createElement('script');
      for (const { name, value } of old?.attributes ?? []) copy.setAttribute(name, value);
      old?.replaceWith(copy);
    },
  },
  {
    name: 'WordPress',
    // What `wp_enqueue_script` prints.
    install: (site) => inHtml(snippet('WordPress', site), ' id="attractos-js" data-wp-strategy="defer"'),
    route: () => {
      location.href = '/second';
    },
  },
  {
    name: 'Google Tag Manager',
    install: (site) => injected(snippet('Google Tag Manager', site)),
    route: () => {
      history.pushState(null, '', '/second');
    },
  },
];

for (const { name, install, route } of WAYS) {
  test(`the snippet for ${name} counts each page once`, { tag: '@chromium' }, async ({ lab, site, tab }) => {
    for (const path of ['/', '/second'])
      lab.network.serve(site.at(path), { body: page({ tags: install(site) }) });
    await tab.goto(site.at('/'));
    await expect.poll(() => lab.events(site).map(gist)).toEqual(['pageview /']);
    await tab.eval(route);
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/second');
    await expect.poll(() => lab.events(site).length).toBeGreaterThan(1);
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /second']);
    expect(await lab.count(site)).toBe(2);
  });
}

/** A page that starts the npm package by itself. @param start runs as a module, with the package's three functions */
function servePackage(lab: Lab, site: Site, start: string): void {
  lab.network.serve(site.at('/attractos-tracker.js'), {
    body: readFileSync(new URL('../dist/npm/index.js', import.meta.url), 'utf8'),
    headers: { 'content-type': 'text/javascript' },
  });
  lab.network.serve(site.at('/'), {
    body: page({
      head: `<script type="module">
        import * as tracker from '/attractos-tracker.js';
        const options = { key: '${site.key}', api: '${COLLECTOR}/e' };
        window.tracker = tracker;
        ${start}
      </script>`,
    }),
  });
}

interface PackagePage {
  tracker: typeof import('../tracker/npm/index.d.ts');
}

test('the npm package counts views, events and their ends', async ({ lab, site, tab }) => {
  servePackage(
    lab,
    site,
    `tracker.track('early', { props: { step: 1 } });
    tracker.init({ ...options, props: { plan: 'pro' }, query: ['page'] });
    tracker.init({ ...options, key: 'ak_second' });`,
  );
  await tab.goto(site.at('/?page=2&token=x'));
  await lab.fence(tab);
  await tab.eval(() => {
    history.pushState(null, '', '/next');
    (window as unknown as PackagePage).tracker.track('order', { value: 9, currency: 'EUR' });
  });
  await tab.eval(() => window.lab.show(false));
  expect(await lab.sent(site, tab)).toEqual([
    'pageview /?page=2',
    'early /?page=2',
    'pageview /next',
    'order /next',
  ]);
  const [first, early, next, order] = lab.events(site);
  expect(early).toMatchObject({ view: first?.id, props: { plan: 'pro', step: 1 } });
  expect(order).toMatchObject({ view: next?.id, value: 9, currency: 'EUR' });
  expect(lab.leaves(site).map(({ view }) => view)).toEqual([first?.id, next?.id]);
  expect(await tab.eval(() => 'attractos' in window), 'no global').toBe(false);
  expect(await lab.count(site)).toBe(4);
});

test('the npm package leaves views to the page, and everything to its hook, where it says so', {
  tag: '@chromium',
}, async ({ lab, site, tab }) => {
  servePackage(
    lab,
    site,
    `tracker.init({ ...options, auto: false, beforeSend: (beacon) => beacon.name === 'secret' ? null : beacon });`,
  );
  await tab.goto(site.at('/'));
  expect(await lab.sent(site, tab)).toEqual([]);
  await tab.eval(() => {
    const { pageview, track } = (window as unknown as PackagePage).tracker;
    pageview();
    track('secret');
    track('open');
  });
  expect(await lab.sent(site, tab)).toEqual(['pageview /', 'open /']);
});
