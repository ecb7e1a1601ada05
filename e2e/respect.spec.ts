import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './support/fixtures.ts';
import { COLLECTOR, page, tag } from './support/page.ts';

/** The choices of visitors and owners, and what the page's environment may forbid. Nothing here may cause an error. */

/** Returns code that sets a visitor's privacy signal before the tracker runs. */
const says = (name: string, value: unknown) =>
  `<script>Object.defineProperty(Navigator.prototype, '${name}', { get: () => ${JSON.stringify(value)}, configurable: true });</script>`;

test.describe('a visitor’s signals', () => {
  test('Global Privacy Control is honored', async ({ lab, site, tab }) => {
    lab.page(site, '/', { head: says('globalPrivacyControl', true) });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    await tab.eval(() => window.attractos?.track('order'));
    await lab.expectBeacons(site, tab, []);
  });

  test('an owner may count visitors with the signal', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    lab.page(site, '/', {
      head: says('globalPrivacyControl', true),
      tag: { attributes: { 'data-gpc': 'off' } },
    });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('a browser that supports the signal and does not set it counts', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    lab.page(site, '/', { head: says('globalPrivacyControl', false) });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('Do Not Track is honored if the owner asks for it', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    lab.page(site, '/', { head: says('doNotTrack', '1') });
    lab.page(site, '/asked', {
      head: says('doNotTrack', '1'),
      tag: { script: 'a.full.js', attributes: { 'data-dnt': 'on' } },
    });
    await tab.goto(site.at('/'));
    await tab.goto(site.at('/asked'));
    await lab.expectEvents(site, tab, ['pageview /']);
  });
});

test.describe('opting out', () => {
  test('the flag in localStorage stops everything', async ({ lab, site, tab }) => {
    lab.page(site, '/', { head: `<script>localStorage.setItem('attractos', 'off');</script>` });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    await tab.eval(() => window.attractos?.track('order'));
    await lab.expectBeacons(site, tab, []);
  });

  test('a link turns counting off and on, and confirms it', async ({ lab, site, tab }) => {
    lab.page(site, '/', {
      tag: { script: 'a.full.js' },
      head: '<script>window.said = []; window.alert = (text) => said.push(text);</script>',
    });
    const said = () => tab.eval(() => (window as unknown as { said: string[] }).said);

    await tab.goto(site.at('/?1#attractos-off'));
    await expect.poll(said).toEqual(['AttractOS: off']);
    await tab.goto(site.at('/?2'));
    await lab.expectBeacons(site, tab, []);

    await tab.goto(site.at('/?3#attractos-on'));
    await expect.poll(said).toEqual(['AttractOS: on']);
    await tab.goto(site.at('/?4'));
    await expect.poll(() => lab.events(site).length).toBeGreaterThan(0);
  });

  test('the link works on a page that is already open', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    lab.page(site, '/', {
      tag: { script: 'a.full.js' },
      head: '<script>window.said = []; window.alert = (text) => said.push(text);</script>',
      body: '<a id="off" href="#attractos-off">Do not count me</a>',
    });
    await tab.goto(site.at('/'));
    await tab.click('#off');
    await expect.poll(() => tab.eval(() => localStorage.getItem('attractos'))).toBe('off');
    await lab.expectBeacons(site, tab, ['pageview /']);
    await tab.eval(() => history.pushState(null, '', '/next'));
    await tab.eval(() => window.attractos.track('order'));
    await lab.expectBeacons(site, tab, ['pageview /']);
  });
});

test.describe('no traces', () => {
  test('the tracker sets no cookie and no storage, whatever happens on the page', async ({
    lab,
    site,
    tab,
  }) => {
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    await tab.eval(() => window.attractos.track('order'));
    await tab.eval(() => window.lab.show(false));
    await tab.eval(() => window.lab.show(true));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /next', 'order /next']);
    expect(
      await tab.eval(async () => ({
        cookie: document.cookie,
        local: localStorage.length,
        session: sessionStorage.length,
        databases: (await indexedDB.databases()).length,
        name: window.name,
        state: history.state,
      })),
    ).toEqual({ cookie: '', local: 0, session: 0, databases: 0, name: '', state: null });
    for (const { answerHeaders } of lab.network.received) expect(answerHeaders['set-cookie']).toBeUndefined();
  });
});

test.describe('surroundings', () => {
  test('a sandboxed document, which has no storage and no origin, counts', async ({ lab, site, tab }) => {
    lab.network.serve(site.at('/'), {
      body: page({ tags: tag({ key: site.key }) }),
      headers: { 'content-security-policy': 'sandbox allow-scripts' },
    });
    await tab.goto(site.at('/'));
    expect(await tab.eval(() => origin)).toBe('null');
    await lab.expectEvents(site, tab, ['pageview /']);
    await lab.expectCount(site, 1);
  });

  test('a page that sends no referrer counts', async ({ lab, site, tab }) => {
    lab.page(site, '/', { head: '<meta name="referrer" content="no-referrer">' });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    await lab.expectCount(site, 1);
  });

  test('a script pinned by its hash counts', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    const response = await fetch(`${lab.server.address}/a.manifest.json`);
    const manifest = (await response.json()) as Record<string, { hashed: string; integrity: string }>;
    expect(Object.keys(manifest).sort()).toEqual(['a.full.js', 'a.js', 'a.micro.js']);
    for (const [name, { hashed, integrity }] of Object.entries(manifest)) {
      lab.network.serve(site.at(`/${name}`), {
        body: page({
          tags: `<script defer src="${COLLECTOR}/${hashed}" integrity="${integrity}" crossorigin="anonymous" data-key="${site.key}"></script>`,
        }),
      });
      await tab.goto(site.at(`/${name}`));
    }
    const views = Object.keys(manifest).map((name) => `pageview /${name}`);
    await lab.expectEvents(site, tab, views);
  });

  test('a page in a frame is not a view', async ({ lab, site, tab }) => {
    lab.page(site, '/framed', { tag: { script: 'a.full.js' } });
    lab.network.serve(site.at('/'), {
      body: page({
        body: '<iframe src="/framed"></iframe><iframe sandbox="allow-scripts" src="/framed"></iframe>',
      }),
    });
    await tab.goto(site.at('/'));
    await lab.expectBeacons(site, tab, []);
    expect(lab.network.visited.filter((place) => place.endsWith('/framed'))).toHaveLength(2);
  });

  test('a policy that forbids the collector causes no error', async ({ lab, site, tab }) => {
    lab.network.serve(site.at('/'), {
      body: page({ tags: tag({ key: site.key }) }),
      headers: { 'content-security-policy': `script-src 'self' ${COLLECTOR}; connect-src 'self'` },
    });
    lab.network.serve(site.at('/free'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.eval(() => window.attractos.track('order'));
    await tab.goto(site.at('/free'));
    await lab.expectBeacons(site, tab, []);
  });

  test('a page that requires Trusted Types counts without violations', async ({ lab, site, tab }) => {
    lab.network.serve(site.at('/'), {
      body: page({
        head: `<script>
          window.violations = [];
          addEventListener('securitypolicyviolation', ({ violatedDirective }) => violations.push(violatedDirective));
        </script>`,
        tags: tag({ key: site.key, script: 'a.js' }),
      }),
      headers: { 'content-security-policy': `require-trusted-types-for 'script'; trusted-types 'none'` },
    });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /next']);
    expect(await tab.eval(() => (window as unknown as { violations: string[] }).violations)).toEqual([]);
  });

  test('an automated browser does not count', async ({ lab, site, tab }) => {
    lab.page(site, '/', { prelude: { webdriver: true } });
    await tab.goto(site.at('/'));
    expect(await tab.eval(() => navigator.webdriver)).toBe(true);
    await tab.eval(() => history.pushState(null, '', '/next'));
    await tab.eval(() => window.attractos?.track('order'));
    await lab.expectBeacons(site, tab, []);
  });

  test('an owner may count automated browsers', async ({ lab, site, tab }) => {
    lab.page(site, '/', { prelude: { webdriver: true }, tag: { attributes: { 'data-automation': 'on' } } });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('a page on localhost does not count', async ({ lab, site, tab }) => {
    const local = `http://localhost:${lab.network.port}/`;
    lab.network.serve(local, { body: page({ tags: tag({ key: site.key }) }) });
    await tab.goto(local);
    await lab.expectEvents(site, tab, ['pageview /']);
    for (const { status, answer } of lab.requests(site).filter(({ path }) => path === '/e')) {
      expect(status).toBe(403);
      expect(JSON.parse(answer).code).toBe('LOCAL_HOST');
    }
    await lab.expectCount(site, 0);
  });
});

test.describe('a hostile page', { tag: '@chromium' }, () => {
  const HOSTILITIES = {
    'a frozen history': 'Object.freeze(history); Object.freeze(History.prototype);',
    'a toJSON of its own on every object': 'Object.prototype.toJSON = () => { throw new Error("gotcha"); };',
    'a fetch that throws': 'window.fetch = () => { throw new Error("gotcha"); };',
    'an engine without what is new':
      'delete window.navigation; for (const part of ["ResizeObserver", "PerformanceObserver", "Intl", "crypto"]) delete window[part];',
    'a URL of its own': 'var URL = "https://api.example.org/";',
    'a navigation of its own': 'var navigation = ["Home", "Shop"];',
    'a constant navigation': 'const navigation = ["Home", "Shop"];',
    'an element called navigation, in an older engine':
      'delete window.navigation; document.documentElement.id = "navigation";',
    'observers and a clock that throw': `
      window.ResizeObserver = window.PerformanceObserver = class { constructor() { throw new Error('gotcha'); } };
      performance.now = () => { throw new Error('gotcha'); };`,
  };
  for (const [name, code] of Object.entries(HOSTILITIES)) {
    test(`survives ${name}`, async ({ lab, site, tab }) => {
      for (const script of ['a.micro.js', 'a.js', 'a.full.js'])
        lab.page(site, `/${script}`, { tag: { script }, head: `<script>${code}</script>` });
      const expected: string[] = [];
      for (const script of ['a.micro.js', 'a.js', 'a.full.js']) {
        await tab.goto(site.at(`/${script}`));
        await tab.eval(() => history.pushState(null, '', '/next'));
        if (!code.includes('toJSON')) expected.push(`pageview /${script}`, 'pageview /next');
        await lab.expectEvents(site, tab, expected);
        expect(await tab.eval(() => location.pathname)).toBe('/next');
      }
    });
  }
});

for (const script of ['a.micro.js', 'a.js', 'a.full.js']) {
  test.describe(`a tag that may not count (${script})`, { tag: '@chromium' }, () => {
    const OUTCOMES: Record<string, [string, string, string]> = {
      'that lost its key': ['', '', 'refused; reason=missing-key'],
      'that lost its key, with a version': ['?ver=6.4', '', 'refused; reason=missing-key'],
      'with an empty key': ['', 'data-key=""', 'refused; reason=missing-key'],
      'with the placeholder of a template': ['', 'data-key="{{KEY}}"', 'refused; reason=missing-key'],
      'with half a key': ['', 'data-key="ak_hello"', 'refused; reason=unknown-key'],
      'with its key in quotes': ['', 'data-key=" “$KEY” "', 'stored'],
      'with a version after the key': ['?key=$KEY?ver=6.4', '', 'stored'],
    };
    for (const [name, [query, attribute, outcome]] of Object.entries(OUTCOMES))
      test(`a tag ${name}: ${outcome}`, async ({ lab, site, tab }) => {
        const tags = `<script defer src="${COLLECTOR}/${script}${query}" ${attribute}></script>`;
        lab.network.serve(site.at('/'), { body: page({ tags: tags.replace('$KEY', site.key) }) });
        await tab.goto(site.at('/'));
        const outcomes = () =>
          lab
            .requests(site)
            .filter(({ path }) => path === '/e')
            .map(({ answerHeaders }) => answerHeaders['x-attractos-outcome']);
        await expect.poll(outcomes).toEqual([outcome]);
        await lab.expectCount(site, outcome === 'stored' ? 1 : 0);
      });

    test('a page that no server sent sends nothing', async ({ lab, site, tab }) => {
      const folder = mkdtempSync(join(tmpdir(), 'attractos-page-'));
      try {
        const attributes = { 'data-automation': 'on' };
        writeFileSync(join(folder, 'index.html'), page({ tags: tag({ key: site.key, script, attributes }) }));
        await tab.goto(`file://${folder}/index.html`);
        await tab.eval(() => window.attractos.track('order'));
        await tab.eval((address) => navigator.sendBeacon(address), `${COLLECTOR}/fence?${site.id}`);
        await expect.poll(() => lab.network.hasFence(site.id)).toBe(true);
        expect(lab.beacons(site)).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}
