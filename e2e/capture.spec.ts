import { expect, test } from './support/fixtures.ts';
import type { Lab, Site } from './support/lab.ts';
import { type PageParts, page } from './support/page.ts';

/**
 * Automatic capture and the settings of the full script. Each test lists everything that was sent, so nothing else may be sent.
 */

const OUTBOUND = 'Outbound';
const DOWNLOAD = 'Download';
const FORM = 'Form';

/** Serves a page with the full script. */
function serve(
  lab: Lab,
  site: Site,
  path: string,
  attributes: Readonly<Record<string, string>>,
  parts: PageParts = {},
): void {
  lab.page(site, path, { ...parts, tag: { script: 'a.full.js', attributes } });
}

/** Asserts that the collector accepted every beacon of the site, so none is malformed. */
async function expectTaken(lab: Lab, site: Site): Promise<void> {
  const answers = () =>
    lab
      .requests(site)
      .filter(({ method, path }) => method === 'POST' && path === '/e')
      .map(({ status, answer }) => `${status} ${answer}`);
  // The leave of the previous page may still be on its way.
  await expect.poll(() => new Set(answers())).toEqual(new Set(['202 ']));
}

const ELSEWHERE = 'http://partner.example/offer';

test.describe('outbound links', () => {
  const body = `
    <a id="out" href="${ELSEWHERE}?session=1#top"><b id="child">Our partner</b></a>
    <a id="in" href="/inside">Inside</a>
    <svg width="100" height="100"><a href="${ELSEWHERE}"><rect id="svg" width="100" height="100"/></a></svg>`;

  test('sends one event and does not delay the click', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await lab.fence(tab);
    // The collector responds only once the visitor is on the page.
    const there = lab.gate();
    lab.network.decide = ({ path }) => (path === '/e' ? there.opened.then(() => 'pass') : 'pass');
    await tab.click('#child');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    there.open();
    await lab.expectEvents(site, tab, ['pageview /', `${OUTBOUND} /`]);
    expect(lab.beacon(site, `${OUTBOUND} /`).props).toEqual({ url: ELSEWHERE });
    await expectTaken(lab, site);
  });

  test('counts a click that opens another tab', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-outbound': 'on' }, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      const click = new MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey: true });
      document.querySelector('#out')?.dispatchEvent(click);
    });
    await lab.expectEvents(site, tab, ['pageview /', `${OUTBOUND} /`]);
  });

  test('counts the middle button on links only, and the right button never', {
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
    await lab.expectEvents(site, tab, ['pageview /', `${OUTBOUND} /`]);
  });

  test('ignores links within the site and in SVG drawings', async ({ lab, site, tab }) => {
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
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /inside', 'pageview /']);
  });

  test('ignores links that open an app or write an email', { tag: '@chromium' }, async ({
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
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('sends nothing unless enabled', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {}, { body });
    lab.network.serve(ELSEWHERE, { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#out');
    await expect.poll(() => tab.eval(() => location.host).catch(() => '')).toBe('partner.example');
    await lab.expectEvents(site, tab, ['pageview /']);
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

  test('sends one event and starts one download', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-downloads': 'on' }, { body });
    lab.network.serve(site.at('/files/report.pdf'), file);
    await tab.goto(site.at('/'));
    await tab.click('#pdf');
    const place = `www.${site.domain}/files/report.pdf`;
    await expect.poll(() => lab.network.visited).toContain(place);
    await lab.expectEvents(site, tab, ['pageview /', `${DOWNLOAD} /`]);
    expect(lab.beacon(site, `${DOWNLOAD} /`).props).toEqual({ url: site.at('/files/report.pdf') });
    expect(lab.network.visited.filter((visited) => visited === place)).toHaveLength(1);
    await expectTaken(lab, site);
  });

  test('ignores other file types', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-downloads': 'on' }, { body });
    lab.network.serve(site.at('/files/report.odd'), file);
    await tab.goto(site.at('/'));
    await tab.click('#odd');
    await expect.poll(() => lab.network.visited).toContain(`www.${site.domain}/files/report.odd`);
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('counts a file on another host as a download, not also as an outbound link', {
    tag: '@chromium',
  }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-downloads': 'on', 'data-outbound': 'on' }, { body });
    lab.network.serve('http://partner.example/far.zip', file);
    await tab.goto(site.at('/'));
    await tab.click('#far');
    await expect.poll(() => lab.network.visited).toContain('partner.example/far.zip');
    await lab.expectEvents(site, tab, ['pageview /', `${DOWNLOAD} /`]);
  });
});

test.describe('forms', () => {
  const form = `
    <form id="form" action="/thanks">
      <input name="mail" type="email" required>
      <button id="send">Send</button>
    </form>`;

  test('sends one event per submitted form, without its contents', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-forms': 'on' }, { body: form });
    lab.network.serve(site.at('/thanks'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      const input = document.querySelector('input');
      if (input !== null) input.value = 'ann@example.com';
    });
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.expectEvents(site, tab, ['pageview /', `${FORM} /`]);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('ann');
    await expectTaken(lab, site);
  });

  test('ignores a form that fails validation', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-forms': 'on' }, { body: form });
    await tab.goto(site.at('/'));
    await tab.click('#send');
    await lab.expectEvents(site, tab, ['pageview /']);
  });

  test('counts a form that was added later and is handled by a script', { tag: '@chromium' }, async ({
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
    await lab.expectEvents(site, tab, ['pageview /', `${FORM} /`]);
  });

  test('sends nothing unless enabled', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {}, { body: form.replace('required', '') });
    lab.network.serve(site.at('/thanks'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.expectEvents(site, tab, ['pageview /']);
  });
});

test.describe('marked elements', () => {
  test('sends the event of a marked button, also when its child is clicked', async ({ lab, site, tab }) => {
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
    await lab.expectEvents(site, tab, ['pageview /', 'Signup /']);
    expect(lab.beacon(site, 'Signup /').props).toEqual({ plan: 'pro' });
    await expectTaken(lab, site);
  });

  test('counts an element that was added later', { tag: '@chromium' }, async ({ lab, site, tab }) => {
    serve(lab, site, '/', {});
    await tab.goto(site.at('/'));
    await tab.eval(() => {
      document.body.insertAdjacentHTML(
        'beforeend',
        '<button id="late" data-attractos-event="Late">Late</button>',
      );
    });
    await tab.click('#late');
    await lab.expectEvents(site, tab, ['pageview /', 'Late /']);
  });

  test('sends the value of a conversion', { tag: '@chromium' }, async ({ lab, site, tab }) => {
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
    await lab.expectEvents(site, tab, ['pageview /', 'Order /']);
    expect(lab.beacon(site, 'Order /')).toMatchObject({ value: '12.5', currency: 'EUR' });
    await expectTaken(lab, site);
  });

  test('sends only the marked event for a marked outbound link', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
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
    await lab.expectEvents(site, tab, ['pageview /', 'Partner /']);
  });

  test('counts a click on a marked button of a form that is not marked', { tag: '@chromium' }, async ({
    lab,
    site,
    tab,
  }) => {
    serve(
      lab,
      site,
      '/',
      {},
      {
        body: '<form><button type="button" id="plus" data-attractos-event="One more">+</button></form>',
      },
    );
    await tab.goto(site.at('/'));
    await tab.click('#plus');
    await lab.expectEvents(site, tab, ['pageview /', 'One more /']);
  });

  test('counts a marked form when it is submitted, not when it is clicked', { tag: '@chromium' }, async ({
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
    await lab.expectEvents(site, tab, ['pageview /']);
    await tab.click('#send');
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/thanks');
    await lab.expectEvents(site, tab, ['pageview /', 'Contact /']);
  });
});

test.describe('marked elements around a form', { tag: '@chromium' }, () => {
  test('counts a marked parent of a form once, when the form is submitted', async ({ lab, site, tab }) => {
    const body = `<div data-attractos-event="Search"><form action="/found"><input id="field" name="q"></form></div>`;
    serve(lab, site, '/', { 'data-forms': 'on' }, { body });
    lab.network.serve(site.at('/found'), { body: page({}) });
    await tab.goto(site.at('/'));
    await tab.click('#field');
    await tab.eval(() => document.querySelector('form')?.requestSubmit());
    await expect.poll(() => tab.eval(() => location.pathname).catch(() => '')).toBe('/found');
    await lab.expectEvents(site, tab, ['pageview /', 'Search /']);
  });
});

test.describe('which pages count', { tag: '@chromium' }, () => {
  test('excludes pages that match data-exclude', async ({ lab, site, tab }) => {
    for (const path of ['/', '/admin/users', '/shop']) {
      serve(lab, site, path, { 'data-exclude': '^/admin/' });
      await tab.goto(site.at(path));
    }
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /shop']);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('admin');
  });

  test('counts only one section with a negative lookahead', async ({ lab, site, tab }) => {
    for (const path of ['/', '/blog/first', '/shop']) {
      serve(lab, site, path, { 'data-exclude': '^(?!/blog/)' });
      await tab.goto(site.at(path));
    }
    await lab.expectEvents(site, tab, ['pageview /blog/first']);
  });

  test('ends the view on a soft navigation into an excluded section, and begins one after it', async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-exclude': '^/admin/' });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/admin/users'));
    await lab.fence(tab);
    await tab.eval(() => history.pushState(null, '', '/shop'));
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /shop']);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('admin');
  });

  test('counts only calls of pageview() with data-auto="off"', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-auto': 'off' });
    await tab.goto(site.at('/'));
    await tab.eval(() => history.pushState(null, '', '/next'));
    await lab.expectEvents(site, tab, []);
    await tab.eval(() => window.attractos.pageview());
    await lab.expectEvents(site, tab, ['pageview /next']);
    await tab.eval(() => window.lab.show(false));
    await lab.expectBeacons(site, tab, ['pageview /next', 'leave /next']);
    expect(lab.beacon(site, 'leave /next').view).toBe(lab.beacon(site, 'pageview /next').id);
  });
});

test.describe('URLs', { tag: '@chromium' }, () => {
  test('keeps only campaign parameters and those in data-query', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-query': 'page' });
    await tab.goto(site.at('/?session=secret&utm_source=news&page=2&token=x&ref=ann#part'));
    await lab.expectEvents(site, tab, ['pageview /?utm_source=news&page=2&ref=ann']);
    for (const { body } of lab.requests(site)) expect(body).not.toMatch(/secret|token|part/);
  });

  test('keeps only origin and path of the referrer', async ({ lab, site, tab }) => {
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

  test('reports the canonical URL with data-canonical="on"', async ({ lab, site, tab }) => {
    serve(
      lab,
      site,
      '/copy',
      { 'data-canonical': 'on' },
      { head: `<link rel="canonical" href="${site.at('/original')}">` },
    );
    await tab.goto(site.at('/copy'));
    await lab.expectEvents(site, tab, ['pageview /original']);
    await expectTaken(lab, site);
  });

  test('counts what is kept of query and hash as part of the page, and nothing else', async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-query': 'p|tag[]', 'data-hash': 'on' });
    await tab.goto(site.at('/?p=1&session=secret#/a'));
    await tab.eval(async () => {
      const settled = () => new Promise((resolve) => setTimeout(resolve));
      history.pushState(null, '', '/?p=2&session=other#/a');
      history.replaceState(null, '', '/?p=2#/a'); // only what is not kept changes
      history.replaceState(null, '', '/?utm_source=x&p=2#/a'); // a campaign is not part of the page
      history.pushState(null, '', '/?p=2&tag[]=x#/a');
      location.hash = '#/b';
      await settled();
      history.back();
      await new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
      await settled();
    });
    const page = (url: string) => url.replace(site.at(''), '');
    const urls = () => lab.events(site).map(({ url }) => page(url));
    await expect.poll(() => urls().length).toBe(5);
    await lab.fence(tab);
    expect(urls().sort()).toEqual([
      '/?p=1#/a',
      '/?p=2#/a',
      '/?p=2&tag[]=x#/a',
      '/?p=2&tag[]=x#/a',
      '/?p=2&tag[]=x#/b',
    ]);
    expect(new Set(lab.beacons(site).map(({ keep }) => keep))).toEqual(new Set(['p|tag[]|#']));
    await lab.expectCount(site, 5);
    await expectTaken(lab, site);
  });

  test('keeps a hash that begins with a query, and no parameter, with data-hash="on" alone', async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/app', { 'data-hash': 'on' });
    await tab.goto(site.at('/app?p=1#/list?p=1&q=2'));
    await tab.eval(() => history.pushState(null, '', '/app?p=2#/list?p=1&q=2'));
    await tab.eval(() => history.pushState(null, '', '/app?p=2#/list?p=2&q=2'));
    await expect.poll(() => lab.events(site).length).toBe(2);
    await lab.fence(tab);
    await lab.expectCount(site, 2);
    for (const { keep } of lab.beacons(site)) expect(keep).toBe('#');
  });

  test('excludes pages by what is kept of query and hash', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-query': 'p', 'data-hash': 'on', 'data-exclude': '[?]p=2|#/admin' });
    await tab.goto(site.at('/?p=1&q=p=2'));
    await tab.eval(() => history.pushState(null, '', '/?p=2'));
    await tab.eval(() => history.pushState(null, '', '/#/admin/users'));
    await tab.eval(() => history.pushState(null, '', '/#/home'));
    await expect
      .poll(() => lab.events(site).map(({ url }) => url))
      .toEqual([site.at('/?p=1'), site.at('/#/home')]);
    await lab.fence(tab);
    await lab.expectCount(site, 2);
    for (const { body } of lab.requests(site)) expect(body).not.toContain('admin');
  });

  test('counts the fragment as part of the path with data-hash="on"', async ({ lab, site, tab }) => {
    serve(lab, site, '/', { 'data-hash': 'on' });
    await tab.goto(site.at('/#/home'));
    await tab.eval(() => {
      location.hash = '#/cart';
    });
    await lab.expectBeacons(site, tab, ['pageview /', 'leave /', 'pageview /']);
    await tab.back();
    await lab.expectBeacons(site, tab, ['pageview /', 'leave /', 'pageview /', 'leave /', 'pageview /']);
    expect(
      lab
        .events(site)
        .map(({ url }) => url)
        .sort(),
    ).toEqual([site.at('/#/cart'), site.at('/#/home'), site.at('/#/home')]);
    // The order is certain, because the test waited for each one.
    const leaves = lab.leaves(site).map(({ url }) => url);
    expect(leaves).toEqual([site.at('/#/home'), site.at('/#/cart')]);
  });
});

test.describe('the page interface', { tag: '@chromium' }, () => {
  for (const script of ['a.js', 'a.full.js']) {
    test(`keeps calls made before ${script} loaded`, async ({ lab, site, tab }) => {
      const head = `<script>window.attractos = { q: [], track(name, options) { this.q.push({ name, ...options }) } }</script>
        <script>attractos.track('early', { props: { step: 1 } });</script>`;
      lab.page(site, '/', { tag: { script }, head });
      await tab.goto(site.at('/'));
      await lab.expectEvents(site, tab, ['pageview /', 'early /']);
      const view = lab.beacon(site, 'pageview /').id;
      expect(lab.beacon(site, 'early /')).toMatchObject({ props: { step: 1 }, view });
      await expectTaken(lab, site);
    });
  }

  test('adds the tag’s properties to everything, and lets a call override them', async ({
    lab,
    site,
    tab,
  }) => {
    serve(lab, site, '/', { 'data-props-author': 'ann', 'data-props-kind': 'news' });
    await tab.goto(site.at('/'));
    await tab.eval(() => window.attractos.track('share', { props: { kind: 'mine', to: 'bob' } }));
    await lab.expectEvents(site, tab, ['pageview /', 'share /']);
    expect(lab.beacon(site, 'pageview /').props).toEqual({ author: 'ann', kind: 'news' });
    expect(lab.beacon(site, 'share /').props).toEqual({ author: 'ann', kind: 'mine', to: 'bob' });
    await expectTaken(lab, site);
  });

  test('sends the value of a conversion', async ({ lab, site, tab }) => {
    serve(lab, site, '/', {});
    await tab.goto(site.at('/'));
    await tab.eval(() =>
      window.attractos.track('order', { value: 49.9, currency: 'EUR', props: { items: 3, gift: true } }),
    );
    await lab.expectEvents(site, tab, ['pageview /', 'order /']);
    expect(lab.beacon(site, 'order /')).toMatchObject({
      value: 49.9,
      currency: 'EUR',
      props: { items: 3, gift: true },
    });
    await expectTaken(lab, site);
  });

  for (const script of ['a.micro.js', 'a.js', 'a.full.js'])
    test(`sends an event that is not interactive as such (${script})`, async ({ lab, site, tab }) => {
      lab.page(site, '/gone', { tag: { script } });
      await tab.goto(site.at('/gone'));
      await tab.eval(() => window.attractos.track('404', { interactive: false }));
      await tab.eval(() => window.attractos.track('Sign-up'));
      await lab.expectEvents(site, tab, ['pageview /gone', '404 /gone', 'Sign-up /gone']);
      expect(lab.beacon(site, '404 /gone').interactive).toBe(false);
      expect(lab.beacon(site, 'Sign-up /gone')).not.toHaveProperty('interactive');
      await lab.expectCount(site, 3);
      await expectTaken(lab, site);
    });

  test('lets beforeSend change or drop each beacon', async ({ lab, site, tab }) => {
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
    await lab.expectEvents(site, tab, ['pageview /', 'pageview /users/*', 'open /users/*']);
  });

  test('logs to the console with data-debug="on"', async ({ lab, site, tab }) => {
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

  test('passes the outcome of an event to its callback', async ({ lab, site, tab }) => {
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

test('sends web vitals with the leave', async ({ lab, site, tab, engineName }) => {
  serve(lab, site, '/', {});
  lab.network.serve(site.at('/end'), { body: page({}) });
  await tab.goto(site.at('/'));
  await expect
    .poll(() => tab.eval(() => performance.getEntriesByName('first-contentful-paint').length))
    .toBe(1);
  // Observers run in the order in which they started, so the tracker's has run before this one.
  for (const type of engineName === 'chromium' ? ['paint', 'largest-contentful-paint'] : ['paint'])
    await tab.eval(
      (type) =>
        new Promise<void>((resolve) => {
          new PerformanceObserver(() => resolve()).observe({ type, buffered: true });
        }),
      type,
    );
  const responseStart = await tab.eval(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    return navigation?.responseStart;
  });
  await tab.goto(site.at('/end'));
  await lab.expectBeacons(site, tab, ['pageview /', 'leave /']);
  const { vitals } = lab.beacon(site, 'leave /');
  // WebKit rounds to whole milliseconds, and a response within the first one is as good as none.
  expect(vitals?.ttfb ?? 0).toBe(responseStart);
  if (engineName === 'chromium') expect(vitals?.ttfb).toBeGreaterThan(0);
  expect(vitals?.fcp).toBeGreaterThan(0);
  if (engineName === 'chromium') expect(vitals?.lcp).toBeGreaterThan(0);
  await expectTaken(lab, site);
});
