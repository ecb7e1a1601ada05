import { readFileSync } from 'node:fs';
import { snippetsFor, trackerFrom } from '../server/src/dashboard/install/snippets.ts';
import { expect, test } from './support/fixtures.ts';
import type { Lab, Site } from './support/lab.ts';
import { COLLECTOR, page } from './support/page.ts';

/**
 * The snippets of the install page, exactly as it shows them: inserted into a page as the platform does it, with the platform's
 * kind of navigation. `frameworks` builds some of them for real. The npm package is tested in its own page.
 */

const TRACKER = trackerFrom([], { script: null, collect: null });

/** Returns the snippet of a platform for the server and site of this test. */
function snippet(id: string, site: Site): string {
  const choice = { build: 'core', attributes: [] } as const;
  const snippets = snippetsFor({ baseUrl: COLLECTOR, siteKey: site.key, tracker: TRACKER, choice });
  return snippets.find((each) => each.id === id)?.code ?? '';
}

/** Returns the attributes that the snippet of a component or of a configuration file gives to its script. */
function attributesOf(code: string): Record<string, string> {
  const written = [...code.matchAll(/ '?([\w-]+)'?(?:=|: )["']([^"']*)["']/g)];
  return Object.fromEntries(written.map(([, name, value]) => [name, value]));
}

/** Returns a script as a server renders it. */
const inHtml = (attributes: Record<string, string>): string =>
  `<script defer ${Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')}></script>`;

/** Returns code that appends a script element when the page has loaded. */
const injected = (attributes: Record<string, string>): string => `<script>
  addEventListener('load', () => {
    const script = document.createElement('script');
    for (const [name, value] of Object.entries(${JSON.stringify(attributes)})) script.setAttribute(name, value);
    document.body.append(script);
  });
</script>`;

interface Way {
  name: string;
  install: (site: Site) => string;
  /** Navigates within the document, as the framework's router does. Runs in the page. */
  route: () => void;
}

const WAYS: readonly Way[] = [
  {
    name: 'Next.js',
    install: (site) => injected(attributesOf(snippet('next', site))),
    // The App Router stores its tree in the history state, once on push and once after rendering.
    route: () => {
      history.pushState({ __NA: true, tree: ['a'] }, '', '/second');
      history.replaceState({ __NA: true, tree: ['a', 'b'] }, '', '/second');
    },
  },
  {
    name: 'Nuxt',
    install: (site) => inHtml(attributesOf(snippet('nuxt', site))),
    // Vue Router stores the scroll position in the old entry before it pushes the new one.
    route: () => {
      history.replaceState({ ...history.state, forward: '/second', scroll: { top: 0 } }, '', location.href);
      history.pushState({ back: '/', current: '/second', position: 1 }, '', '/second');
    },
  },
  {
    name: 'SvelteKit',
    install: (site) => snippet('svelte', site),
    route: () => {
      history.replaceState({ 'sveltekit:scroll': { x: 0, y: 0 } }, '', location.href);
      history.pushState({ 'sveltekit:history': 2, 'sveltekit:navigation': 2 }, '', '/second');
    },
  },
  {
    name: 'Astro',
    install: (site) => snippet('astro', site).replace('is:inline ', ''),
    // View transitions copy the tag into the head again, and it runs again.
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
    // What the hook prints.
    install: (site) => /echo '(.*)';/.exec(snippet('wordpress', site))?.[1] ?? '',
    route: () => {
      location.href = '/second';
    },
  },
  {
    name: 'Google Tag Manager',
    install: (site) => snippet('gtm', site),
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
    await lab.expectEvents(site, tab, ['pageview /']);
    await tab.eval(route);
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/second');
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /second']);
    await lab.expectCount(site, 2);
  });
}

/** Serves a page that starts the npm package. @param start code that runs as a module, with the package's three functions */
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
  await lab.expectEvents(site, tab, ['pageview /?page=2', 'early /?page=2']);
  await tab.eval(() => {
    history.pushState(null, '', '/next');
    (window as unknown as PackagePage).tracker.track('order', { value: 9, currency: 'EUR' });
  });
  await tab.eval(() => window.lab.show(false));
  await lab.expectBeacons(site, tab, [
    'pageview /?page=2',
    'early /?page=2',
    'leave /?page=2',
    'pageview /next',
    'order /next',
    'leave /next',
  ]);
  const first = lab.beacon(site, 'pageview /?page=2').id;
  const next = lab.beacon(site, 'pageview /next').id;
  expect(lab.beacon(site, 'early /?page=2')).toMatchObject({ view: first, props: { plan: 'pro', step: 1 } });
  expect(lab.beacon(site, 'order /next')).toMatchObject({ view: next, value: 9, currency: 'EUR' });
  expect(lab.beacon(site, 'leave /?page=2').view).toBe(first);
  expect(lab.beacon(site, 'leave /next').view).toBe(next);
  expect(await tab.eval(() => 'attractos' in window), 'no global').toBe(false);
  await lab.expectCount(site, 4);
});

test('the npm package obeys auto: false and beforeSend', {
  tag: '@chromium',
}, async ({ lab, site, tab }) => {
  servePackage(
    lab,
    site,
    `tracker.init({ ...options, auto: false, beforeSend: (beacon) => beacon.name === 'secret' ? null : beacon });`,
  );
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, []);
  await tab.eval(() => {
    const { pageview, track } = (window as unknown as PackagePage).tracker;
    pageview();
    track('secret');
    track('open');
  });
  await lab.expectEvents(site, tab, ['pageview /', 'open /']);
});
