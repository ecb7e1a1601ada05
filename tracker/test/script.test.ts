import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Beacon } from '../wire/beacon.ts';
import { BUILDS, FakePage } from './support/fake-page.ts';

const schema = Compile(Beacon);

describe.each(BUILDS)('%s', (build) => {
  it('counts a load once, at the collector of its own origin', () => {
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
  ] as const)('%s counts %#', (_what, method, to, views) => {
    for (const noNavigationApi of [false, true]) {
      const page = new FakePage({ build, noNavigationApi });
      page.go(method, to);
      expect(page.views).toHaveLength(1 + views);
    }
  });

  it('stands in for the Navigation API without changing what the page gets from its history', () => {
    const page = new FakePage({ build, noNavigationApi: true });
    const history = page.window['history'] as History;
    expect(history.pushState({}, '', '/b')).toBeUndefined();
    expect(page.views).toHaveLength(2);
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b', '/']);
    expect(page.errors).toEqual([]);
  });

  it('leaves a frozen history alone, and still hears of going back', () => {
    const page = new FakePage({ build, noNavigationApi: true, frozenHistory: true });
    expect(page.views).toHaveLength(1);
    page.go('pushState', '/b');
    page.go('pushState', '/c');
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b']);
    expect(page.errors).toEqual([]);
  });

  it('counts back, and a return from the back/forward cache', () => {
    const page = new FakePage({ build });
    page.go('pushState', '/b');
    page.back();
    expect(page.views.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/b', '/']);
    page.leaveAndRestore();
    expect(page.views).toHaveLength(4);
  });

  it('waits for the visitor: hidden and prerendered pages say nothing', () => {
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

  it('ignores the same tag twice and leaves nothing behind but its one global', () => {
    const page = new FakePage({ build });
    const before = Object.keys(page.window).sort();
    page.run(build);
    page.go('pushState', '/b');
    expect(page.views).toHaveLength(2);
    expect(Object.keys(page.window).sort()).toEqual(before);
    expect(before).toContain('attractos');
    expect(before.filter((name) => name.length < 3)).toEqual([]);
  });

  it('takes the key and nothing else from the address where attributes were dropped', () => {
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

  it('cuts what the collector would refuse as too long', () => {
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

  it('counts a page once that was in the back/forward cache before anybody saw it', () => {
    const page = new FakePage({ build, hidden: true });
    page.leaveAndRestore();
    expect(page.views).toHaveLength(1);
    page.leaveAndRestore();
    expect(page.views).toHaveLength(2);
  });

  it('counts a page once again for each return from the back/forward cache, whatever looks first', () => {
    const page = new FakePage({ build });
    page.leaveAndRestore();
    page.track('x');
    page.leaveAndRestore();
    expect(page.views).toHaveLength(3);
  });

  it('sends events with props and what they were worth', () => {
    const page = new FakePage({ build });
    page.track('Sign-up', { props: { plan: 'pro' } });
    page.track('Order', { value: 9, currency: 'EUR' });
    expect(page.named('Sign-up')).toMatchObject([{ props: { plan: 'pro' } }]);
    expect(page.named('Order')).toMatchObject([{ value: 9, currency: 'EUR' }]);
  });

  it('survives props that cannot be serialised', () => {
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

  it('says nothing that the wire format does not allow', () => {
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
  it('makes no page view of an event without a name', () => {
    const page = new FakePage({ build });
    page.track();
    page.track(undefined, { value: 1 });
    expect(page.beacons.map(({ name }) => name)).toEqual([undefined, '', '']);
  });

  it('says once how a view ended, although the tab is hidden, unloaded and blurred', () => {
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

  it('counts time that is visible and focused only, and starts again with each view', () => {
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

  it('speaks again of a view only when there are three more seconds to tell', () => {
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

  it('remembers the deepest place, in per cent of the page as it is at the end', async () => {
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
    ['Do Not Track, where asked to', { navigator: { doNotTrack: '1' }, data: { key: 'ak_1', dnt: 'on' } }],
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
  ])('counts with Do Not Track %s and the choice %o', (doNotTrack, data) => {
    const page = new FakePage({ build, navigator: { doNotTrack }, data: { key: 'ak_1', ...data } });
    expect(page.views).toHaveLength(1);
  });

  it('counts all the same where the owner says so, or storage is denied', async () => {
    const data = { key: 'ak_1', gpc: 'off', automation: 'on' };
    const navigator = { globalPrivacyControl: true, webdriver: true };
    expect(new FakePage({ build, data, navigator }).views).toHaveLength(1);
    const denied = new FakePage({ build, storageDenied: true });
    await Promise.resolve();
    expect(denied.views).toHaveLength(1);
  });

  it('replays calls made before it came, and those made before anybody looked, after the page view', () => {
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

  it('keeps of an address only what is not personal', () => {
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
  ])('says how a view began, in the words of the wire: %s is %s', (navigation, nav) => {
    const page = new FakePage({ build, navigation });
    page.go('pushState', '/next');
    expect(page.views.map((view) => view.nav)).toEqual([nav, 'soft']);
  });

  it('says nothing of how a view began where the engine does not tell', () => {
    expect(new FakePage({ build, missing: ['performance'] }).views).toEqual([
      expect.not.objectContaining({ nav: expect.anything() }),
    ]);
  });

  it('tells the collector with every beacon which parameters to keep', () => {
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

  it('counts the part after # where that is the path', () => {
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

  it('says nothing about excluded paths', () => {
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

  it('keeps a few of the events that wait for a view', () => {
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

  it('leaves the page views to the page with data-auto="off"', () => {
    const page = new FakePage({ build, data: { key: 'ak_1', auto: 'off' } });
    expect(page.sent).toEqual([]);
    (page.window['attractos'] as { pageview(): void }).pageview();
    expect(page.views).toHaveLength(1);
  });

  it.each(['off', 'on', ''])('takes data-auto="%s" and the like at their word', (word) => {
    const data = { key: 'ak_1', auto: word, frames: word, debug: word, transport: word };
    const page = new FakePage({ build, data });
    expect(page.views).toHaveLength(word === 'off' ? 0 : 1);
  });

  it('drops what a throwing hook was to see, says why with data-debug, and goes on', () => {
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

  it('says nothing at all where data-exclude is no regular expression', () => {
    const page = new FakePage({ build, hidden: true, data: { key: 'ak_1', exclude: '(' } });
    page.setVisibility('visible');
    page.go('pushState', '/b');
    page.track('x');
    expect(page.sent).toEqual([]);
    expect(page.errors).toEqual([]);
  });

  it('goes on with a plain fetch where the keepalive one is refused', async () => {
    const page = new FakePage({ build, beacon: 'false', fetch: 'rejects keepalive' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.sent.map(({ by }) => by)).toEqual(['fetch']);
    expect(page.views).toHaveLength(1);
  });

  it('is not confused by a callback that throws', async () => {
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

  it('looks only at elements: what scripts dispatch at the window is none', () => {
    const page = new FakePage({ build });
    page.dispatch('click', { target: page.window });
    page.dispatch('submit', { target: page.window });
    expect(page.errors).toEqual([]);
  });

  it('tells on screen what an opt-out link did, once, and stops', () => {
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

  it('lets the page see, change and drop beacons first', () => {
    const beforeSend = (beacon: { name?: string }) =>
      beacon.name ? null : { ...beacon, props: { changed: true } };
    const page = new FakePage({ build, globals: { attractos: { beforeSend } } });
    page.track('dropped');
    expect(page.beacons).toHaveLength(1);
    expect(page.views[0]?.props).toEqual({ changed: true });
  });

  it('tells what the collector answered', async () => {
    const page = new FakePage({ build });
    const results: unknown[] = [];
    page.track('Order', { callback: (result: unknown) => results.push(result) });
    await new Promise((resolve) => setTimeout(resolve));
    expect(results).toEqual([{ ok: true, status: 202, reason: 'stored' }]);
  });

  it('keeps what finds no network, a few at most, and sends it under the same id', async () => {
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
