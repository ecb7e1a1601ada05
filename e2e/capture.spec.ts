import { expect, test } from './support/fixtures.ts';
import { gist, type Lab, type Site } from './support/lab.ts';
import { type PageParts, page } from './support/page.ts';

/** What the full script notices by itself, and what owners can tell it. Each test says all that was sent, so also what was not. */

const OUTBOUND = 'Outbound';
const DOWNLOAD = 'Download';
const FORM = 'Form';

/** A page with the full script. */
function serve(
  lab: Lab,
  site: Site,
  path: string,
  attributes: Readonly<Record<string, string>>,
  parts: PageParts = {},
): void {
  lab.page(site, path, { ...parts, tag: { script: 'a.full.js', attributes } });
}

/** Every beacon of the site was taken, so none of them was malformed. */
function expectTaken(lab: Lab, site: Site): void {
  const answers = lab
    .requests(site)
    .filter(({ method, path }) => method === 'POST' && path === '/e')
    .map(({ status, answer }) => `${status} ${answer}`);
  expect(new Set(answers)).toEqual(new Set(['202 ']));
}

const ELSEWHERE = 'http://partner.example/offer';

test.describe('links to elsewhere', () => {
  const body = `
    <a id="out" href="${ELSEWHERE}?session=1#top"><b id="child">Our partner</b></a>
    <a id="in" href="/inside">Inside</a>
    <svg width="100" height="100"><a href="${ELSEWHERE}"><rect id="svg" width="100" height="100"/></a></svg>`;

  test('one event, and the click goes its way at once', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await lab.fence(tab);
    // The collector answers only when the visitor is there.
    const there = lab.gate();
    lab.network.decide = ({ path }) => (path === '/e' ? there.opened.then(() => 'pass') : 'pass');
    await tab.click('#child');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    there.open();
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', `${OUTBOUND} /`]);
    expect(lab.events(site)[1]?.props).toEqual({ url: ELSEWHERE });
    expectTaken(lab, site);
  });

  test('a click that opens another tab is one, too', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      const click = new MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey: true });
      document.querySelector('#out')?.dispatchEvent(click);
    });
    expect(await lab.sent(site, tab)).toEqual(['pageview /', `${OUTBOUND} /`]);
  });

  test('the middle button opens links and nothing else, the right one opens a menu', {
    tag: '@chromium',
  }, async ({ lab, site, tab }) => {
    const marked = '<button id="marked" data-attractos-event="Marked">Marked</button>';
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body: body + marked });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      const press = (selector: string, button: number) =>
        document
          .querySelector(selector)
          ?.dispatchEvent(new MouseEvent('auxclick', { bubbles: true, cancelable: true, button }));
      press('#child', 1);
      press('#child', 2);
      press('#marked', 1);
    });
    expect(await lab.sent(site, tab)).toEqual(['pageview /', `${OUTBOUND} /`]);
  });

  test('links within the site and in drawings are left alone', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body });
    serve(lab, site, '/inside', { 'data-outbound': 'on' });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#in');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/inside');
    await lab.fence(tab);
    await tab.goto(site.at('/'));
    await tab.click('#svg');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', 'pageview /inside', 'pageview /']);
  });

  test('links that open an app or write a mail are left alone', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    const addresses = [
      'whatsapp://send?text=x',
      'intent://shop.example/#Intent;end',
      'mailto:a@shop.example',
    ];
    serve(
      lab,
      site,
      '/',
      { 'data-outbound': 'on' },
      { body: addresses.map((href) => `<a href="${href}">Share</a>`).join('') },
    );
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      addEventListener('click', (event) => event.preventDefault());
      for (const link of document.links) link.click();
    });
    expect(await lab.sent(site, tab)).toEqual(['pageview /']);
  });

  test('nothing unless it is asked for', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {}, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#out');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /']);
  });
});

test.describe('downloads', () => {
  const file = {
    body: 'a file',
    headers: { 'content-disposition': 'attachment', 'content-type': 'text/plain' },
  };
  const body = `
    <a id="pdf" href="/files/report.pdf?token=1">Report</a>
    <a id="odd" href="/files/report.odd">Odd</a>
    <a id="far" href="http://partner.example/far.zip">Far</a>`;

  test('one event and one download', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-downloads': 'on' }, { body });
    lab.network.serve(site.at('/files/report.pdf'), file);
    await tab.goto(site.at('/'));
    await tab.click('#pdf');
    const place = `www.${site.domain}/files/report.pdf`;
    await expect.poll(() => lab.network.visited).toContain(place);
    expect(await lab.sent(site, tab)).toEqual(['pageview /', `${DOWNLOAD} /`]);
    expect(lab.events(site)[1]?.props).toEqual({ url: site.at('/files/report.pdf') });
    expect(lab.network.visited.filter((visited) => visited === place)).toHaveLength(1);
    expectTaken(lab, site);
  });

  test('other kinds of files are left alone', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-downloads': 'on' }, { body });
    lab.network.serve(site.at('/files/report.odd'), file);
    await tab.goto(site.at('/'));
    await tab.click('#odd');
    await expect.poll(() => lab.network.visited).toContain(`www.${site.domain}/files/report.odd`);
    expect(await lab.sent(site, tab)).toEqual(['pageview /']);
  });

  test('a file elsewhere is a download and not a link as well', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-downloads': 'on', 'data-outbound': 'on' }, { body });
    lab.network.serve('http://partner.example/far.zip', file);
    await tab.goto(site.at('/'));
    await tab.click('#far');
    await expect.poll(() => lab.network.visited).toContain('partner.example/far.zip');
    expect(await lab.sent(site, tab)).toEqual(['pageview /', `${DOWNLOAD} /`]);
  });
});

test.describe('forms', () => {
  const form = `
    <form id="form" action="/thanks">
      <input name="mail" type="email" required>
      <button id="send">Send</button>
    </form>`;

  test('a form that is sent is one event, without what was typed', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-forms': 'on' }, { body: form });
    lab.network.serve(site.at('/thanks'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      const input = document.querySelector('input');
      if (input !== null) input.value = 'ann@example.com';
    });
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', `${FORM} /`]);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('ann');
    expectTaken(lab, site);
  });

  test('a form that is not valid is not sent and not told', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-forms': 'on' }, { body: form });
    await tab.goto(site.at('/'));
    await tab.click('#send');
    expect(await lab.sent(site, tab)).toEqual(['pageview /']);
  });

  test('a form that a script answers, and that came later', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-forms': 'on' });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      document.body.insertAdjacentHTML(
        'beforeend',
        '<form id="late"><input name="q" value="x"><button>Go</button></form>',
      );
      const late = document.querySelector<HTMLFormElement>('#late');
      late?.addEventListener('submit', (event) => event.preventDefault());
      late?.requestSubmit();
    });
    expect(await lab.sent(site, tab)).toEqual(['pageview /', `${FORM} /`]);
  });

  test('nothing unless it is asked for', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {}, { body: form.replace('required', '') });
    lab.network.serve(site.at('/thanks'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /']);
  });
});

test.describe('marked elements', () => {
  test('a button says what it is for, a child of it, too', async ({ lab, site, tab }) => {
    serve(
      lab,
      site,
      '/',
      {},
      {
        body: '<button id="plan" data-attractos-event="Signup" data-attractos-prop-plan="pro"><b id="child">Sign up</b></button>',
      },
    );
    await tab.goto(site.at('/'));
    await tab.click('#child');
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'Signup /']);
    expect(lab.events(site)[1]?.props).toEqual({ plan: 'pro' });
    expectTaken(lab, site);
  });

  test('an element that came later', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {});
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      document.body.insertAdjacentHTML(
        'beforeend',
        '<button id="late" data-attractos-event="Late">Late</button>',
      );
    });
    await tab.click('#late');
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'Late /']);
  });

  test('what a conversion is worth', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(
      lab,
      site,
      '/',
      {},
      {
        body: '<button id="buy" data-attractos-event="Order" data-attractos-with-value="12.5" data-attractos-with-currency="EUR">Buy</button>',
      },
    );
    await tab.goto(site.at('/'));
    await tab.click('#buy');
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'Order /']);
    expect(lab.events(site)[1]).toMatchObject({ value: 12.5, currency: 'EUR' });
    expectTaken(lab, site);
  });

  test('a marked link elsewhere is that one event only', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(
      lab,
      site,
      '/',
      { 'data-outbound': 'on', 'data-downloads': 'on' },
      {
        body: `<span data-attractos-event="Partner"><a id="out" href="${ELSEWHERE}">Out</a></span>`,
      },
    );
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#out');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', 'Partner /']);
  });

  test('a marked form speaks when it is sent, not when it is clicked', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    serve(
      lab,
      site,
      '/',
      { 'data-forms': 'on' },
      {
        body: `<div><form data-attractos-event="Contact" action="/thanks">
        <input id="field" name="text"><button id="send">Send</button></form></div>`,
      },
    );
    lab.network.serve(site.at('/thanks'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#field');
    expect(await lab.sent(site, tab)).toEqual(['pageview /']);
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', 'Contact /']);
  });
});

test.describe('what is around a form', { tag: '@chromium' }, () => {
  test('a marked parent of a form speaks when the form is sent, once', async ({ lab, site, tab }) => {
    const body = `<div data-attractos-event="Search"><form action="/found"><input id="field" name="q"></form></div>`;
    serve(lab, site, '/', { 'data-forms': 'on' }, { body });
    lab.network.serve(site.at('/found'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#field');
    await tab.eval(() => document.querySelector('form')?.requestSubmit());
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/found');
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', 'Search /']);
  });
});

test.describe('which pages count', { tag: '@chromium' }, () => {
  test('all but those that are excluded', async ({ lab, site, tab }) => {
    for (const path of ['/', '/admin/users', '/shop']) {
      serve(lab, site, path, { 'data-exclude': '^/admin/' });
      await tab.goto(site.at(path));
    }
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /', 'pageview /shop']);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('admin');
  });

  test('only those that are not excluded, the other way round', async ({ lab, site, tab }) => {
    for (const path of ['/', '/blog/first', '/shop']) {
      serve(lab, site, path, { 'data-exclude': '^(?!/blog/)' });
      await tab.goto(site.at(path));
    }
    await lab.fence(tab);
    expect(lab.events(site).map(gist)).toEqual(['pageview /blog/first']);
  });

  test('a soft way into an excluded part and out again', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-exclude': '^/admin/' });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/admin/users'));
    await lab.fence(tab);
    await tab.eval(() => history.pushState(null, '', '/shop'));
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /shop']);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('admin');
  });

  test('only what the page asks for, where nothing is automatic', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-auto': 'off' });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    expect(await lab.sent(site, tab)).toEqual([]);
    await tab.eval(() => window.attractos.pageview());
    expect(await lab.sent(site, tab)).toEqual(['pageview /next']);
    await tab.eval(() => window.lab.show(false));
    await lab.fence(tab);
    expect(lab.leaves(site).map(({ view }) => view)).toEqual(lab.events(site).map(({ id }) => id));
  });
});

test.describe('addresses', { tag: '@chromium' }, () => {
  test('of the query, only what campaigns and the owner need', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-query': 'page' });
    await tab.goto(site.at('/?session=secret&utm_source=news&page=2&token=x&ref=ann#part'));
    expect(await lab.sent(site, tab)).toEqual(['pageview /?utm_source=news&page=2&ref=ann']);
    for (const { body } of lab.requests(site)) expect(body).not.toMatch(/secret|token|part/);
  });

  test('of the referrer, origin and path', async ({ lab, site, tab }) => {
    lab.network.serve('http://search.example/results', {
      body: page({
        head: '<meta name="referrer" content="unsafe-url">',
        body: `<a id="hit" href="${site.at('/')}">Hit</a>`,
      }),
    });
    serve(lab, site, '/', {});
    await tab.goto('http://search.example/results?q=private');
    await tab.click('#hit');
    await expect
      .poll(() => lab.events(site).map(({ ref }) => ref))
      .toEqual(['http://search.example/results']);
  });

  test('the canonical one, where the owner prefers it', async ({ lab, site, tab }) => {
    serve(
      lab,
      site,
      '/copy',
      { 'data-canonical': 'on' },
      { head: `<link rel="canonical" href="${site.at('/original')}">` },
    );
    await tab.goto(site.at('/copy'));
    expect(await lab.sent(site, tab)).toEqual(['pageview /original']);
    expectTaken(lab, site);
  });

  test('the part after #, where it is the path', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-hash': 'on' });
    await tab.goto(site.at('/#/home'));
    await tab.eval(() => {
      location.hash = '#/cart';
    });
    await lab.fence(tab);
    await tab.back();
    await lab.fence(tab);
    expect(lab.events(site).map(({ url }) => url)).toEqual([
      site.at('/#/home'),
      site.at('/#/cart'),
      site.at('/#/home'),
    ]);
    const leaves = lab.leaves(site).map(({ url }) => url);
    expect(leaves).toEqual([site.at('/#/home'), site.at('/#/cart')]);
  });
});

test.describe('what a page says', { tag: '@chromium' }, () => {
  for (const script of ['a.js', 'a.full.js']) {
    test(`calls made before ${script} came are not lost`, async ({ lab, site, tab }) => {
      const head = `<script>window.attractos = { q: [], track(name, options) { this.q.push({ name, ...options }) } }</script>
        <script>attractos.track('early', { props: { step: 1 } });</script>`;
      lab.page(site, '/', { tag: { script }, head });
      await tab.goto(site.at('/'));
      expect(await lab.sent(site, tab)).toEqual(['pageview /', 'early /']);
      const [view, early] = lab.events(site);
      expect(early).toMatchObject({ props: { step: 1 }, view: view?.id });
      expectTaken(lab, site);
    });
  }

  test('properties of the tag go with everything, and a call’s own go before them', async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-props-author': 'ann', 'data-props-kind': 'news' });
    await tab.goto(site.at('/'));
    await tab.eval(() => window.attractos.track('share', { props: { kind: 'mine', to: 'bob' } }));
    await lab.fence(tab);
    expect(lab.events(site).map(({ props }) => props)).toEqual([
      { author: 'ann', kind: 'news' },
      { author: 'ann', kind: 'mine', to: 'bob' },
    ]);
    expectTaken(lab, site);
  });

  test('what a conversion is worth', async ({ lab, site, tab }) => {
    serve(lab, site, '/', {});
    await tab.goto(site.at('/'));
    await tab.eval(() =>
      window.attractos.track('order', { value: 49.9, currency: 'EUR', props: { items: 3, gift: true } }),
    );
    await lab.fence(tab);
    expect(lab.events(site)[1]).toMatchObject({
      value: 49.9,
      currency: 'EUR',
      props: { items: 3, gift: true },
    });
    expectTaken(lab, site);
  });

  test('a hook sees everything first, changes it or drops it', async ({ lab, site, tab }) => {
    const head = `<script>
      window.attractos = {
        beforeSend: (beacon) =>
          beacon.name === 'secret' ? null : { ...beacon, url: beacon.url.replace('/users/42', '/users/*') },
      };
    </script>`;
    serve(lab, site, '/', {}, { head });
    await tab.goto(site.at('/'));
    await tab.eval(() => window.attractos.track('secret'));
    await tab.eval(() => history.pushState(null, '', '/users/42'));
    await tab.eval(() => window.attractos.track('open'));
    expect(await lab.sent(site, tab)).toEqual(['pageview /', 'pageview /users/*', 'open /users/*']);
  });

  test('the console, if the owner wants to know', async ({ lab, site, tab }) => {
    const head =
      '<script>window.logged = []; console.log = (...said) => logged.push(JSON.stringify(said));</script>';
    serve(lab, site, '/', { 'data-debug': 'on' }, { head });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      window.attractos.track('x'.repeat(100));
      window.attractos.track('long', { props: { text: 'x'.repeat(1000) } });
    });
    const logged = () => tab.eval(() => (window as unknown as { logged: string[] }).logged);
    await expect.poll(async () => (await logged()).length).toBe(3);
    expect((await logged()).filter((line) => line.includes('"stored"'))).toHaveLength(1);
    expect((await logged()).filter((line) => line.includes('refused; reason=malformed'))).toHaveLength(2);
  });

  test('whoever wants to know is told what became of an event', async ({ lab, site, tab }) => {
    serve(lab, site, '/', {});
    await tab.goto(site.at('/'));
    const told = await tab.eval(
      () => new Promise((resolve) => window.attractos.track('order', { callback: resolve })),
    );
    expect(told).toMatchObject({ ok: true, status: 202, reason: 'stored' });
    const refused = await tab.eval(
      () => new Promise((resolve) => window.attractos.track('x'.repeat(100), { callback: resolve })),
    );
    expect(refused).toMatchObject({ ok: false, status: 400, reason: 'refused; reason=malformed' });
  });
});

test('a leave brings the vitals of the page', async ({ lab, site, tab, engineName }) => {
  serve(lab, site, '/', {});
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  // The first paint is told to the page when it has happened.
  await expect
    .poll(() => tab.eval(() => performance.getEntriesByName('first-contentful-paint').length))
    .toBe(1);
  await tab.goto(site.at('/end'));
  await lab.fence(tab);
  const [leave] = lab.leaves(site);
  expect(leave?.vitals?.ttfb).toBeGreaterThan(0);
  expect(leave?.vitals?.fcp).toBeGreaterThan(0);
  if (engineName === 'chromium') expect(leave?.vitals?.lcp).toBeGreaterThan(0);
  expectTaken(lab, site);
});
