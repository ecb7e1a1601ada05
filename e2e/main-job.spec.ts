import { rmSync } from 'node:fs';
import { expect, test } from './support/fixtures.ts';
import { COLLECTOR, page, tag } from './support/page.ts';
import { command, newDataDir, RENAMED } from './support/server.ts';

/** The main use: paste one tag, get one counted event. Each test reads the count from `GET /api/v1/sites`. */

test.describe('what counts', () => {
  test('a page load counts once', async ({ lab, site, tab }) => {
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    const [request] = lab.requests(site).filter(({ method }) => method === 'POST');
    expect(request).toMatchObject({ status: 202, answer: '' });
    expect(request?.answerHeaders['x-attractos-outcome']).toBe('stored');
    await lab.expectCount(site, 1);
  });

  test('a page load counts once under renamed paths', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    lab.page(site, '/', { tag: { script: RENAMED.script.slice(1) } });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);

    const posts = lab.requests(site).filter(({ method }) => method === 'POST');
    expect(posts.map(({ path }) => path)).toEqual([RENAMED.collect]);
    await lab.expectCount(site, 1);
  });

  test('every load counts: three pages are three events', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    for (const path of ['/', '/shop', '/shop/shoes']) {
      lab.page(site, path);
      await tab.goto(site.at(path));
    }
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /shop', 'pageview /shop/shoes']);
    await lab.expectCount(site, 3);
  });

  test('a soft navigation counts once', async ({ lab, site, tab }) => {
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/products'));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /products']);
    await lab.expectCount(site, 2);
  });

  test('the bare domain and www both count', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    const bare = `http://${site.domain}/`;
    lab.network.serve(bare, { body: page({ tags: tag({ key: site.key }) }) });
    await tab.goto(bare);
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /']);
    await lab.expectCount(site, 2);
  });

  test('a visit that ends at once counts', async ({ lab, site, tab }) => {
    lab.page(site, '/landing', {
      body: '<script>addEventListener("DOMContentLoaded", () => { location.href = "/next"; });</script>',
    });
    lab.network.serve(site.at('/next'), { body: page({}) });
    lab.network.serve(site.at('/start'), { body: page({}) });
    await tab.goto(site.at('/start'));
    await tab.eval(() => {
      location.href = '/landing';
    });

    await expect.poll(() => lab.count(site)).toBe(1);
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/next');
    await lab.expectEvents(site, tab, ['pageview /landing']);
    await lab.expectCount(site, 1);
  });

  test('a custom event counts, with its properties and value', async ({ lab, site, tab }) => {
    lab.page(site, '/thanks');
    await tab.goto(site.at('/thanks'));
    await tab.eval(() => window.attractos.track('order'));
    await lab.expectEvents(site, tab, ['pageview /thanks', 'order /thanks']);
    await lab.expectCount(site, 2);
  });

  test('the key may be in the URL of the script', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    lab.network.serve(site.at('/'), {
      body: page({ tags: `<script defer src="${COLLECTOR}/a.js?key=${site.key}"></script>` }),
    });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    await lab.expectCount(site, 1);
  });

  test('a page with a strict Content-Security-Policy counts', async ({ lab, site, tab }) => {
    lab.network.serve(site.at('/'), {
      body: page({ tags: tag({ key: site.key }) }),
      headers: {
        'content-security-policy': `default-src 'none'; img-src data:; script-src 'self' ${COLLECTOR}; connect-src 'self' ${COLLECTOR}`,
      },
    });
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    await lab.expectCount(site, 1);
  });
});

test.describe('what does not count', () => {
  test('replaceState to the same URL', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await tab.eval(() => history.replaceState({ scroll: 100 }, '', location.href));
    await tab.eval(() => history.replaceState({ scroll: 200 }, ''));
    await lab.expectEvents(site, tab, ['pageview /']);
    await lab.expectCount(site, 1);
  });

  test('a copied tag on another domain, which gets the reason', async ({ lab, site, tab }) => {
    const foreign = 'http://www.copycat.example/';
    lab.network.serve(foreign, { body: page({ tags: tag({ key: site.key }) }) });
    await tab.goto(foreign);
    await lab.expectEvents(site, tab, ['pageview /']);

    const [request] = lab.requests(site).filter(({ method }) => method === 'POST');
    expect(request?.headers.origin).toBe('http://www.copycat.example');
    expect(request?.status).toBe(403);
    expect(request?.answerHeaders['x-attractos-outcome']).toBe('refused; reason=wrong-domain');
    const { error, code } = JSON.parse(request?.answer ?? '');
    expect(code).toBe('DOMAIN_MISMATCH');
    expect(error).toContain('www.copycat.example');
    expect(error).toContain(site.domain);
    await lab.expectCount(site, 0);
  });

  test('a domain that only begins or ends like the site’s domain', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    for (const host of [`not${site.domain}`, `${site.domain}.copycat.example`, `blog.${site.domain}`]) {
      lab.network.serve(`http://${host}/`, { body: page({ tags: tag({ key: site.key }) }) });
      await tab.goto(`http://${host}/`);
    }
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /', 'pageview /']);
    const answers = lab.requests(site).filter(({ beacons }) => beacons.some(({ name }) => name !== 'leave'));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    await lab.expectCount(site, 0);
  });

  test('a key that does not exist, mistyped or from another server', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    const elsewhere = newDataDir();
    await command(elsewhere, 'account', 'add', '--email', 'a@example.com');
    const { key } = await command<{ key: string }>(
      elsewhere,
      'site',
      'add',
      '--account',
      'a@example.com',
      '--domain',
      site.domain,
    );
    rmSync(elsewhere, { recursive: true });
    const before = await lab.sites();

    const views = () =>
      lab.requests(site).filter(({ beacons }) => beacons.some(({ name }) => name !== 'leave'));
    let wrongKeys = 0;
    for (const wrong of [key, `${site.key.slice(0, -1)}${site.key.endsWith('a') ? 'b' : 'a'}`]) {
      lab.page(site, '/', { tag: { key: wrong } });
      await tab.goto(site.at('/'));
      wrongKeys += 1;
      await expect.poll(() => views().length).toBe(wrongKeys);
      await lab.fence(tab);
    }

    const answers = views();
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    for (const { answer } of answers) expect(JSON.parse(answer).code).toBe('UNKNOWN_SITE_KEY');
    const after = await lab.sites();
    const total = (sites: typeof before) => sites.reduce((sum, each) => sum + each.events_this_month, 0);
    expect(total(after)).toBe(total(before));
    await lab.expectCount(site, 0);
  });

  test('the same beacon sent twice', async ({ lab, site, tab }) => {
    lab.page(site, '/');
    await tab.goto(site.at('/'));
    await lab.expectEvents(site, tab, ['pageview /']);
    const [request] = lab.requests(site).filter(({ method }) => method === 'POST');
    expect(request).toBeDefined();

    await tab.eval(([address, body]) => void window.lab.sendBeacon(address, body), [
      `${COLLECTOR}/e`,
      request?.body ?? '',
    ] as const);
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /']);

    const outcomes = lab
      .requests(site)
      .filter(({ method }) => method === 'POST')
      .map(({ status, answerHeaders }) => [status, answerHeaders['x-attractos-outcome']]);
    expect(outcomes).toEqual([
      [202, 'stored'],
      [202, 'duplicate'],
    ]);
    await lab.expectCount(site, 1);
  });
});

test('nothing is stored on the visitor’s device: no cookie, no storage', async ({ lab, site, tab }) => {
  lab.page(site, '/');
  await tab.goto(site.at('/'));
  await lab.expectEvents(site, tab, ['pageview /']);
  await lab.expectCount(site, 1);

  for (const { headers, answerHeaders } of lab.network.received) {
    expect(headers.cookie).toBeUndefined();
    expect(answerHeaders['set-cookie']).toBeUndefined();
  }
  expect(
    await tab.eval(async () => ({
      cookie: document.cookie,
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
    })),
  ).toEqual({ cookie: '', local: 0, session: 0, databases: 0 });
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the count survives ${signal}`, { tag: '@chromium' }, async ({ lab, site, tab }) => {
    for (const path of ['/', '/a', '/b']) {
      lab.page(site, path);
      await tab.goto(site.at(path));
    }
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /a', 'pageview /b']);
    await lab.expectCount(site, 3);

    await lab.restartServer(signal);
    await lab.expectCount(site, 3);

    // The key still works, and the count continues.
    await tab.goto(site.at('/a'));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /a', 'pageview /b', 'pageview /a']);
    await lab.expectCount(site, 4);
  });
}
