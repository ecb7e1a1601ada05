import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Beacon } from '../wire/beacon.ts';
import { BUILDS, FakePage, type Start } from './support/fake-page.ts';

const schema = Compile(Beacon);

describe.each(BUILDS)('%s', (build) => {
  it('counts a page load once and sends it to the origin of the script', () => {
    const page = new FakePage({ build });
    expect(page.sent).toHaveLength(1);
    expect(page.sent[0]?.to).toBe('https://stats.example/e');
    expect(page.views).toHaveLength(1);
    expect(page.views[0]).toMatchObject({ key: 'ak_1', url: 'https://www.example.com/' });
  });

  it.each([
    ['a new path', 'pushState', '/b', 1],
    ['a new path by replaceState', 'replaceState', '/b', 1],
    ['another query', 'pushState', '/?page=2', 0],
    ['the same address', 'replaceState', '/', 0],
    ['a hash', 'replaceState', '/#part', 0],
  ] as const)('%s (%s to %s) begins %i new views', (_what, method, to, views) => {
    for (const noNavigationApi of [false, true]) {
      const page = new FakePage({ build, noNavigationApi });
      page.go(method, to);
      expect(page.views).toHaveLength(1 + views);
    }
  });

  it('replaces a missing Navigation API without changing what history methods return', () => {
    const page = new FakePage({ build, noNavigationApi: true });
    const history = page.window['history'] as History;
    expect(history.pushState({}, '', '/b')).toBeUndefined();
    expect(page.views).toHaveLength(2);
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b', '/']);
    expect(page.errors).toEqual([]);
  });

  it('leaves a frozen history alone and still notices back navigation', () => {
    const page = new FakePage({ build, noNavigationApi: true, frozenHistory: true });
    expect(page.views).toHaveLength(1);
    page.go('pushState', '/b');
    page.go('pushState', '/c');
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b']);
    expect(page.errors).toEqual([]);
  });

  it.each([
    ['a click', (page: FakePage) => page.dispatch('click', { target: page.window })],
    ['the tab hidden', (page: FakePage) => page.setVisibility('hidden')],
    ['the page left', (page: FakePage) => page.leaveAndRestore()],
  ])('finds the new path of a router that kept the history methods: %s', (_what, look) => {
    for (const method of ['pushState', 'replaceState'] as const) {
      const page = new FakePage({ build, noNavigationApi: true });
      page.goUnseen(method, '/b');
      expect(page.views).toHaveLength(1);
      look(page);
      const [, found] = page.views.map(({ url }) => new URL(url).pathname);
      expect(found).toBe('/b');
    }
  });

  it('finds no new path in a page that was hidden all the time', () => {
    const page = new FakePage({ build, noNavigationApi: true });
    page.setVisibility('hidden');
    page.goUnseen('pushState', '/b');
    page.setVisibility('hidden');
    page.dispatch('click', { target: page.window });
    expect(page.views).toHaveLength(1);
    page.setVisibility('visible');
    expect(page.views).toHaveLength(2);
  });

  it.each(['an element', 'a variable'])('counts soft navigations if `navigation` is %s', (what) => {
    const navigation = what === 'an element' ? { addEventListener() {} } : 'main';
    const page = new FakePage({ build, globals: { navigation } });
    page.go('pushState', '/b');
    page.back();
    expect(page.views).toHaveLength(3);
    expect(page.errors).toEqual([]);
  });

  it.each([
    'file:///home/ann/index.html',
    'file://server/share/index.html',
    'data:text/html,x',
    'blob:https://www.example.com/7b6f',
    'about:blank',
    'about:srcdoc',
  ])('sends nothing from %s', (url) => {
    const page = new FakePage({ build, url });
    page.track('x');
    page.leaveAndRestore();
    page.dispatch('click', { target: page.window });
    page.setVisibility('hidden');
    expect(page.sent).toEqual([]);
    expect(page.errors).toEqual([]);
  });

  it.each(['http://localhost/', 'https://[2001:db8::1]:8443/', 'http://shop.example/'])(
    'sends the view of %s',
    (url) => {
      expect(new FakePage({ build, url }).views).toHaveLength(1);
    },
  );

  it('sends a page view without a key if the tag has lost it, so that the owner of the domain can be notified', () => {
    const page = new FakePage({ build, data: {} });
    expect(page.views).toEqual([expect.not.objectContaining({ key: expect.anything() })]);
    expect(page.views[0]?.url).toBe('https://www.example.com/');
    page.run(build, {});
    expect(page.views).toHaveLength(1);
  });

  it.each([
    ['a version in the address', {}, '?ver=6.4', '6.4'],
    ['a cache buster in the address', {}, '?v=1732&id=5', '1732'],
    ['a key with a version after it', {}, '?key=ak_2?ver=6.4', 'ak_2?ver'],
    ['an empty attribute', { key: '' }, '', ''],
    ['a placeholder', { key: '{{KEY}}' }, '', '{{KEY}}'],
    ['quotes', { key: '“ak_2”' }, '', '“ak_2”'],
  ])('sends what is in place of the key, which the collector reads: %s', (_, data, query, key) => {
    const page = new FakePage({ build, data, src: `https://stats.example/a.js${query}` });
    expect(page.views).toMatchObject([{ key, url: 'https://www.example.com/' }]);
  });

  it('leaves out properties that are undefined, and lets the collector leave out those that are null', () => {
    const page = new FakePage({ build });
    const plan = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, i]));
    page.track('Order', { props: { ...plan, team: undefined, coupon: null } });
    expect(page.named('Order')[0]?.props).toEqual({ ...plan, coupon: null });
    expect([...schema.Errors(page.named('Order')[0])]).toEqual([]);
  });

  it('says if the visitor did not trigger an event', () => {
    const page = new FakePage({ build });
    page.track('404', { interactive: false });
    page.track('Sign-up');
    expect(page.named('404')).toMatchObject([{ interactive: false }]);
    expect(page.named('Sign-up')[0]).not.toHaveProperty('interactive');
    for (const beacon of page.beacons) expect([...schema.Errors(beacon)]).toEqual([]);
  });

  it('counts back navigation and a return from the back/forward cache', () => {
    const page = new FakePage({ build });
    page.go('pushState', '/b');
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b', '/']);
    page.leaveAndRestore();
    expect(page.views).toHaveLength(4);
  });

  it('sends nothing from a hidden or prerendered page until the visitor sees it', () => {
    const hidden = new FakePage({ build, hidden: true });
    hidden.track('early');
    expect(hidden.sent).toEqual([]);
    hidden.setVisibility('visible');
    expect(hidden.views).toHaveLength(1);

    const prerendered = new FakePage({ build, prerendering: true });
    expect(prerendered.sent).toEqual([]);
    prerendered.activate();
    expect(prerendered.views).toHaveLength(1);
  });

  it('runs once if the tag is included twice, and adds a single global', () => {
    const page = new FakePage({ build });
    const before = Object.keys(page.window).sort();
    page.run(build);
    page.go('pushState', '/b');
    expect(page.views).toHaveLength(2);
    expect(Object.keys(page.window).sort()).toEqual(before);
    expect(before).toContain('attractos');
    expect(before.filter((name) => name.length < 3)).toEqual([]);
  });

  it('reads the key, and nothing else, from the script URL if attributes are missing', () => {
    const page = new FakePage({ build, data: {}, src: 'https://stats.example/a.js?key=ak_2&ver=6.4' });
    expect(page.views[0]?.key).toBe('ak_2');
  });

  it.each(['missing', 'false', 'throws'] as const)(
    'falls back to keepalive fetch when sendBeacon is %s',
    async (beacon) => {
      const page = new FakePage({ build, beacon });
      await Promise.resolve();
      expect(page.sent.map(({ by }) => by)).toEqual(['keepalive fetch']);
      expect(page.views).toHaveLength(1);
    },
  );

  it('shortens URLs that the collector would refuse as too long', () => {
    const long = 'x'.repeat(4000);
    const page = new FakePage({
      build,
      url: `https://www.example.com/a?state=${long}#${long}`,
      referrer: `https://www.example.com/b?state=${long}`,
    });
    expect([...schema.Errors(page.beacons[0])]).toEqual([]);
    expect(page.views[0]?.url).toMatch(/^https:\/\/www\.example\.com\/a/);
    page.go('pushState', `/${long}`);
    expect([...schema.Errors(page.beacons.at(-1))]).toEqual([]);
    expect(page.views).toHaveLength(2);
  });

  it('counts a page once if it was in the back/forward cache before it was first seen', () => {
    const page = new FakePage({ build, hidden: true });
    page.leaveAndRestore();
    expect(page.views).toHaveLength(1);
    page.leaveAndRestore();
    expect(page.views).toHaveLength(2);
  });

  it('counts each return from the back/forward cache once, also after an event', () => {
    const page = new FakePage({ build });
    page.leaveAndRestore();
    page.track('x');
    page.leaveAndRestore();
    expect(page.views).toHaveLength(3);
  });

  it('sends events with properties, value and currency', () => {
    const page = new FakePage({ build });
    page.track('Sign-up', { props: { plan: 'pro' } });
    page.track('Order', { value: 9, currency: 'EUR' });
    expect(page.named('Sign-up')).toMatchObject([{ props: { plan: 'pro' } }]);
    expect(page.named('Order')).toMatchObject([{ value: 9, currency: 'EUR' }]);
  });

  it('does not throw when properties cannot be serialized', () => {
    const page = new FakePage({ build });
    const hostile = {
      toJSON() {
        throw new Error('mine');
      },
    };
    expect(() => page.track('x', { props: hostile })).not.toThrow();
    page.track('y');
    expect(page.named('y')).toHaveLength(1);
  });

  it('sends only beacons that match the wire format, each with a unique id', () => {
    const page = new FakePage({ build, referrer: 'https://news.example.org/?token=1' });
    page.track('Sign-up', { props: { plan: 'pro' } });
    page.now += 5000;
    page.go('pushState', '/b');
    page.setVisibility('hidden');
    for (const beacon of page.beacons) expect([...schema.Errors(beacon)], JSON.stringify(beacon)).toEqual([]);
    expect(new Set(page.beacons.map(({ id }) => id)).size).toBe(page.beacons.length);
  });
});

describe.each(['a.js', 'a.full.js'] as const)('%s', (build) => {
  it('does not send an event without a name as a page view', () => {
    const page = new FakePage({ build });
    page.track();
    page.track(undefined, { value: 1 });
    expect(page.beacons.map(({ name }) => name)).toEqual([undefined, '', '']);
  });

  it('sends one leave when the tab is unloaded, hidden and blurred', () => {
    const page = new FakePage({ build });
    page.now += 5000;
    page.dispatch('pagehide', { persisted: false });
    page.setVisibility('hidden');
    page.focus(false);
    page.dispatch('scroll');
    const leaves = page.named('leave');
    expect(leaves).toHaveLength(1);
    expect(leaves[0]).toMatchObject({ view: page.views[0]?.id, engaged: 5000, url: page.views[0]?.url });
  });

  it('counts only visible and focused time, from zero for each view', () => {
    const page = new FakePage({ build });
    page.now += 1000;
    page.focus(false);
    page.now += 7000;
    page.focus(true);
    page.now += 2000;
    page.go('pushState', '/b');
    page.now += 4000;
    page.setVisibility('hidden');
    expect(page.named('leave').map(({ engaged }) => engaged)).toEqual([3000, 4000]);
    expect(page.named('leave')[0]?.url).toBe('https://www.example.com/');
  });

  it.each(['click', 'keyup', 'scroll'])('finds the path of a router that kept pushState on %s', (type) => {
    const page = new FakePage({ build, noNavigationApi: true });
    page.now += 2000;
    page.goUnseen('pushState', '/b');
    page.dispatch(type, { target: page.window });
    page.now += 3000;
    page.setVisibility('hidden');
    expect(page.beacons.map(({ name, url, engaged }) => [name, new URL(url).pathname, engaged])).toEqual([
      [undefined, '/', undefined],
      ['leave', '/', 2000],
      [undefined, '/b', undefined],
      ['leave', '/b', 3000],
    ]);
  });

  it('sends the view that is found by an event before that event', () => {
    const page = new FakePage({ build, noNavigationApi: true });
    page.goUnseen('pushState', '/b');
    page.track('x');
    expect(page.beacons.map(({ name, url }) => [name, new URL(url).pathname])).toEqual([
      [undefined, '/'],
      ['leave', '/'],
      [undefined, '/b'],
      ['x', '/b'],
    ]);
  });

  it('sends the view that is found when the tab is hidden before the end of that view', () => {
    const page = new FakePage({ build, noNavigationApi: true });
    page.now += 2000;
    page.goUnseen('pushState', '/b');
    page.setVisibility('hidden');
    page.setVisibility('visible');
    page.now += 1000;
    page.setVisibility('hidden');
    expect(page.beacons.map(({ name, url, engaged }) => [name, new URL(url).pathname, engaged])).toEqual([
      [undefined, '/', undefined],
      ['leave', '/', 2000],
      [undefined, '/b', undefined],
      ['leave', '/b', 1000],
    ]);
    expect(page.named('leave').map(({ view }) => view)).toEqual(page.views.map(({ id }) => id));
  });

  it('sends another leave only after three more seconds of engaged time', () => {
    const page = new FakePage({ build });
    page.now += 1000;
    page.setVisibility('hidden');
    page.setVisibility('visible');
    page.now += 1000;
    page.setVisibility('hidden');
    expect(page.named('leave')).toHaveLength(1);
    page.setVisibility('visible');
    page.now += 2500;
    page.setVisibility('hidden');
    expect(page.named('leave').map(({ engaged }) => engaged)).toEqual([1000, 4500]);
    expect(new Set(page.named('leave').map(({ view }) => view)).size).toBe(1);
  });

  it('reports the greatest scroll depth as a percentage of the final page height', async () => {
    const page = new FakePage({ build });
    page.window['scrollY'] = 1200;
    page.dispatch('scroll');
    await Promise.resolve();
    page.window['scrollY'] = 0;
    page.dispatch('scroll');
    await Promise.resolve();
    page.setVisibility('hidden');
    expect(page.named('leave')[0]?.scroll).toBe(50);
  });

  it.each([
    ['Global Privacy Control', { navigator: { globalPrivacyControl: true } }],
    ['automation', { navigator: { webdriver: true } }],
    ['an opt-out', { storage: { attractos: 'off' } }],
    [
      'Do Not Track, with data-dnt="on"',
      { navigator: { doNotTrack: '1' }, data: { key: 'ak_1', dnt: 'on' } },
    ],
  ])('respects %s', (_what, start) => {
    const page = new FakePage({ build, ...start });
    page.track('x');
    page.setVisibility('hidden');
    expect(page.sent).toEqual([]);
  });

  it.each([
    ['1', {}],
    ['0', { dnt: 'on' }],
    ['unspecified', { dnt: 'on' }],
    [null, { dnt: 'on' }],
  ])('counts a page with Do Not Track %s and attributes %o', (doNotTrack, data) => {
    const page = new FakePage({ build, navigator: { doNotTrack }, data: { key: 'ak_1', ...data } });
    expect(page.views).toHaveLength(1);
  });

  it('counts a page if the owner overrides the signals, or if storage is denied', async () => {
    const data = { key: 'ak_1', gpc: 'off', automation: 'on' };
    const navigator = { globalPrivacyControl: true, webdriver: true };
    expect(new FakePage({ build, data, navigator }).views).toHaveLength(1);
    const denied = new FakePage({ build, storageDenied: true });
    await Promise.resolve();
    expect(denied.views).toHaveLength(1);
  });

  it('sends events from before the script loaded, or before the page was seen, after the page view', () => {
    const queued = new FakePage({
      build,
      globals: { attractos: { q: [{ name: 'early', props: { a: 1 } }] } },
    });
    expect(queued.beacons.map(({ name }) => name)).toEqual([undefined, 'early']);
    expect(queued.beacons[1]?.view).toBe(queued.beacons[0]?.id);

    const hidden = new FakePage({ build, hidden: true });
    hidden.track('unseen');
    hidden.setVisibility('visible');
    expect(hidden.beacons.map(({ name }) => name)).toEqual([undefined, 'unseen']);
  });
});

describe('a.full.js', () => {
  const build = 'a.full.js';

  it('removes query, fragment and referrer parameters that may be personal', () => {
    const page = new FakePage({
      build,
      url: 'https://www.example.com/a?token=1&utm_source=x&mail=a@b.c&ref=y&page=2#secret',
      referrer: 'https://other.example/path?session=1#x',
      data: { key: 'ak_1', query: 'page' },
    });
    expect(page.views[0]).toMatchObject({
      url: 'https://www.example.com/a?utm_source=x&ref=y&page=2',
      ref: 'https://other.example/path',
      nav: 'load',
      width: 1280,
    });
  });

  it.each([
    ['navigate', 'load'],
    ['reload', 'reload'],
    ['back_forward', 'back'],
    ['something new', 'load'],
  ])('reports the navigation type %s as %s', (navigation, nav) => {
    const page = new FakePage({ build, navigation });
    page.go('pushState', '/next');
    expect(page.views.map((view) => view.nav)).toEqual([nav, 'soft']);
  });

  it('omits the navigation type if the engine does not report it', () => {
    expect(new FakePage({ build, missing: ['performance'] }).views).toEqual([
      expect.not.objectContaining({ nav: expect.anything() }),
    ]);
  });

  const USUAL_FILES = ['/a.PDF', '/b.docx', '/c.d/e.mp4', '/f.zip'];
  it.each([
    [undefined, []],
    ['', USUAL_FILES],
    ['on', USUAL_FILES],
    ['off', []],
    ['pdf,gz', ['/a.PDF', '/g.tar.gz']],
    ['epub, zip', ['/f.zip', '/h.epub']],
  ])('counts downloads of the listed files with data-downloads=%j', (downloads, counted) => {
    const page = new FakePage({
      build,
      data: { key: 'ak_1', ...(downloads !== undefined && { downloads }) },
    });
    const others = ['/g.tar.gz', '/h.epub', '/', '/pdf', '/pdf/', '/zip.exe', '/x.pdf2', '/x.doc.html'];
    for (const path of [...USUAL_FILES, ...others]) {
      const { href, origin, pathname, host } = new URL(path, 'https://example.com');
      const closest = (selector: string) =>
        selector === 'a[href]' ? { href, origin, pathname, host } : null;
      page.dispatch('click', { button: 0, target: { closest } });
    }
    const events = page.beacons.filter(({ name }) => name === 'Download');
    expect(events.map(({ props }) => props?.url)).toEqual(
      counted.map((path) => `https://example.com${path}`),
    );
  });

  it('lists the query parameters to keep in every beacon', () => {
    const page = new FakePage({ build, data: { key: 'ak_1', query: 'page|q' } });
    page.track('x');
    page.setVisibility('hidden');
    expect(page.beacons.map(({ name, keep }) => [name, keep])).toEqual([
      [undefined, 'page|q'],
      ['x', 'page|q'],
      ['leave', 'page|q'],
    ]);
    expect(new FakePage({ build }).views[0]).not.toHaveProperty('keep');
  });

  it.each([
    [{ hash: 'on' }, '#'],
    [{ hash: 'on', query: 'page|q' }, 'page|q|#'],
    [{ hash: 'off', query: 'page|q' }, 'page|q'],
  ])('tells the collector what is kept with %o', (data, keep) => {
    const page = new FakePage({ build, data: { key: 'ak_1', ...data } });
    page.setVisibility('hidden');
    expect(page.beacons.map((beacon) => beacon.keep)).toEqual([keep, keep]);
  });

  const KEPT = { key: 'ak_1', query: 'p|tag[]', hash: 'on' };
  it.each([
    ['a kept parameter', '/?p=2#/a', KEPT, 1],
    ['a kept parameter that goes', '/#/a', KEPT, 1],
    ['a kept parameter that comes', '/?p=1&tag[]=x#/a', KEPT, 1],
    ['a kept hash', '/?p=1#/b', KEPT, 1],
    ['a kept hash that goes', '/?p=1', KEPT, 1],
    ['another parameter', '/?p=1&sort=price#/a', KEPT, 0],
    ['another parameter before the kept one', '/?sort=price&p=1#/a', KEPT, 0],
    ['a campaign parameter, as pages that clean their URLs do', '/?utm_source=x&p=1&ref=y#/a', KEPT, 0],
    ['a hash that is not kept', '/?p=1#/b', { key: 'ak_1', query: 'p' }, 0],
    ['a parameter that is not kept', '/?p=2#/a', { key: 'ak_1', hash: 'on' }, 0],
  ])('begins a view if what changes is kept: %s', (_what, to, data, views) => {
    for (const noNavigationApi of [false, true])
      for (const method of ['pushState', 'replaceState'] as const) {
        const page = new FakePage({ build, noNavigationApi, url: 'https://www.example.com/?p=1#/a', data });
        page.go(method, to);
        expect(page.views).toHaveLength(1 + views);
        page.go(method, '/?p=1#/a');
        page.back();
        expect(page.views).toHaveLength(
          method === 'pushState' || views === 0 ? 1 + 3 * views : 1 + 2 * views,
        );
      }
  });

  it('tests data-exclude on the path with the kept query and hash', () => {
    const data = { key: 'ak_1', query: 'p', hash: 'on', exclude: '^/app\\?p=2|#/admin' };
    const page = new FakePage({ build, data, url: 'https://www.example.com/app?p=2&x=1' });
    page.go('pushState', '/app#/admin/users');
    expect(page.sent).toEqual([]);
    page.go('pushState', '/app?p=1#/home');
    expect(page.views.map(({ url }) => url)).toEqual(['https://www.example.com/app?p=1#/home']);
    page.go('pushState', '/app?p=1#/admin');
    expect(page.views).toHaveLength(1);
  });

  it('counts a new fragment as a view with data-hash="on"', () => {
    const page = new FakePage({
      build,
      url: 'https://www.example.com/#/a',
      data: { key: 'ak_1', hash: 'on' },
    });
    page.go('pushState', '/#/b');
    expect(page.views.map(({ url }) => url)).toEqual([
      'https://www.example.com/#/a',
      'https://www.example.com/#/b',
    ]);
  });

  it('sends nothing from excluded paths', () => {
    const page = new FakePage({
      build,
      url: 'https://www.example.com/admin/x',
      data: { key: 'ak_1', exclude: '^/admin/' },
    });
    expect(page.sent).toEqual([]);
    page.go('pushState', '/b');
    page.go('pushState', '/admin/y');
    page.setVisibility('hidden');
    expect(page.beacons.every(({ url }) => url.endsWith('/b'))).toBe(true);
  });

  it('queues at most 20 events until there is a view', () => {
    const page = new FakePage({
      build,
      url: 'https://www.example.com/admin',
      data: { key: 'ak_1', exclude: '^/admin' },
    });
    for (let n = 0; n < 50; n++) page.track(`e${n}`);
    expect(page.sent).toEqual([]);
    page.go('pushState', '/b');
    expect(page.beacons).toHaveLength(1 + 20);
  });

  it('sends no page view until pageview() is called with data-auto="off"', () => {
    const page = new FakePage({ build, data: { key: 'ak_1', auto: 'off' } });
    expect(page.sent).toEqual([]);
    (page.window['attractos'] as { pageview(): void }).pageview();
    expect(page.views).toHaveLength(1);
  });

  it.each(['off', 'on', ''])('reads data-auto="%s" and similar attributes literally', (word) => {
    const data = { key: 'ak_1', auto: word, frames: word, debug: word, transport: word };
    const page = new FakePage({ build, data });
    expect(page.views).toHaveLength(word === 'off' ? 0 : 1);
  });

  it('drops a beacon whose beforeSend throws, logs the error with data-debug, and continues', () => {
    const logged: unknown[] = [];
    const mine = new Error('mine');
    const page = new FakePage({
      build,
      data: { key: 'ak_1', debug: 'on' },
      globals: {
        console: { log: (said: unknown) => logged.push(said) },
        attractos: {
          beforeSend(beacon: { name?: string }) {
            if (beacon.name === 'bad') throw mine;
            return beacon;
          },
        },
      },
    });
    page.track('bad');
    page.track('good');
    expect(page.beacons.map(({ name }) => name)).toEqual([undefined, 'good']);
    expect(logged).toEqual([mine]);
    expect(page.errors).toEqual([]);
  });

  it('sends nothing if data-exclude is not a valid regular expression', () => {
    const page = new FakePage({ build, hidden: true, data: { key: 'ak_1', exclude: '(' } });
    page.setVisibility('visible');
    page.go('pushState', '/b');
    page.track('x');
    expect(page.sent).toEqual([]);
    expect(page.errors).toEqual([]);
  });

  it('falls back to a plain fetch if the keepalive fetch is rejected', async () => {
    const page = new FakePage({ build, beacon: 'false', fetch: 'rejects keepalive' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.sent.map(({ by }) => by)).toEqual(['fetch']);
    expect(page.views).toHaveLength(1);
  });

  it('sends an event once even if its callback throws', async () => {
    const page = new FakePage({ build });
    let calls = 0;
    page.track('x', {
      callback() {
        calls++;
        throw new Error('mine');
      },
    });
    await new Promise((resolve) => setTimeout(resolve));
    page.dispatch('online');
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.named('x')).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('ignores clicks and submits that a script dispatches at the window', () => {
    const page = new FakePage({ build });
    page.dispatch('click', { target: page.window });
    page.dispatch('submit', { target: page.window });
    expect(page.errors).toEqual([]);
  });

  it('confirms an opt-out link on screen once, and stops counting', () => {
    const said: string[] = [];
    const storage: Record<string, unknown> = {};
    const page = new FakePage({ build, storage, globals: { alert: (text: string) => said.push(text) } });
    page.go('pushState', '/#attractos-off');
    page.track('x');
    page.dispatch('scroll');
    expect(storage).toEqual({ attractos: 'off' });
    expect(page.named('x')).toEqual([]);
    page.go('pushState', '/#attractos-on');
    page.track('y');
    expect(page.named('y')).toHaveLength(1);
    expect(said).toEqual(['AttractOS: off', 'AttractOS: on']);
    page.go('pushState', '/#attractos-anything');
    expect(said).toHaveLength(2);
  });

  it('lets beforeSend change and drop beacons', () => {
    const beforeSend = (beacon: { name?: string }) =>
      beacon.name ? null : { ...beacon, props: { changed: true } };
    const page = new FakePage({ build, globals: { attractos: { beforeSend } } });
    page.track('dropped');
    expect(page.beacons).toHaveLength(1);
    expect(page.views[0]?.props).toEqual({ changed: true });
  });

  it('passes the response of the collector to the callback', async () => {
    const page = new FakePage({ build });
    const results: unknown[] = [];
    page.track('Order', { callback: (result: unknown) => results.push(result) });
    await new Promise((resolve) => setTimeout(resolve));
    expect(results).toEqual([{ ok: true, status: 202, reason: 'stored' }]);
  });

  it('keeps at most 20 beacons while offline, and sends each once when online', async () => {
    const navigator = { onLine: false };
    const page = new FakePage({ build, navigator, fetch: 'rejects' });
    for (let n = 0; n < 50; n++) page.track(`e${n}`);
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.sent).toEqual([]);
    (page.window['navigator'] as { onLine: boolean }).onLine = true;
    page.dispatch('online');
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.sent).toHaveLength(20);
    expect(page.views).toHaveLength(1);
    page.dispatch('online');
    expect(page.sent).toHaveLength(20);
  });
});

describe('web vitals of a.full.js', () => {
  const opened = (start: Omit<Start, 'build'> = {}) => new FakePage({ build: 'a.full.js', ...start });
  const left = (page: FakePage) => {
    page.setVisibility('hidden');
    expect(page.errors).toEqual([]);
    return page.named('leave').at(-1)?.vitals;
  };
  const shift = (startTime: number, value: number, hadRecentInput = false) => ({
    startTime,
    value,
    hadRecentInput,
  });
  const took = (interactionId: number, duration: number) => ({ name: 'click', interactionId, duration });

  it('have a layout shift of 0 if nothing moved and the engine measures it', () => {
    expect(left(opened({ layoutShifts: true }))).toEqual({ cls: 0 });
    expect(left(opened())).toEqual({});
  });

  it('have the largest group of layout shifts, a second apart and five seconds long at most', () => {
    const page = opened({ layoutShifts: true });
    page.measure('layout-shift', shift(100, 0.1), shift(1099, 0.1), shift(1200, 9, true), shift(2500, 0.125));
    const steady = Array.from({ length: 12 }, (_, i) => shift(10_000 + i * 500, 0.0625));
    page.measure('layout-shift', ...steady);
    // Ten of the twelve are less than five seconds after the first.
    expect(left(page)).toEqual({ cls: 0.625 });
  });

  it('have the slowest interaction, leaving out one of every fifty', () => {
    const few = opened();
    few.measure('first-input', took(1, 16));
    expect(left(few)).toEqual({ inp: 16 });
    few.setVisibility('visible');
    few.measure('event', took(2, 80), took(2, 120), took(3, 48), { name: 'mouseover', duration: 900 });
    few.now += 10_000;
    expect(left(few)).toEqual({ inp: 120 });
    const many = opened({ interactionCount: 120 });
    many.measure('event', took(1, 500), took(2, 400), took(3, 300), took(4, 200));
    expect(left(many)).toEqual({ inp: 300 });
    const fast = opened({ interactionCount: 400 });
    fast.measure('event', took(1, 500), took(2, 40));
    expect(left(fast)).toEqual({ inp: 40 });
  });

  it('have the first content, not the first paint, and the largest content', () => {
    const page = opened();
    page.measure('paint', { name: 'first-paint', startTime: 50 });
    expect(left(page)).toEqual({});
    page.setVisibility('visible');
    page.measure('paint', { name: 'first-contentful-paint', startTime: 70 });
    page.measure('largest-contentful-paint', { size: 10, startTime: 70 }, { size: 20, startTime: 90 });
    page.now += 10_000;
    expect(left(page)).toEqual({ fcp: 70, lcp: 90 });
  });

  it('have the time until the response, also if the page is left at once', () => {
    expect(left(opened({ responseStart: 30 }))).toEqual({ ttfb: 30 });
  });

  it('belong only to the first view of the document', () => {
    const page = opened({ layoutShifts: true });
    page.measure('largest-contentful-paint', { size: 20, startTime: 90 });
    page.go('pushState', '/b');
    page.now += 10_000;
    page.setVisibility('hidden');
    expect(page.named('leave').map(({ url, vitals }) => [new URL(url).pathname, vitals])).toEqual([
      ['/', { lcp: 90, cls: 0 }],
      ['/b', undefined],
    ]);
  });
});
