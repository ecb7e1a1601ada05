import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromSite, type OwnedSite, ownedSite } from './support/owned-site.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

let world: World;
let server: RunningServer;
beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
});
afterAll(() => world.close());

const owned = (domain: string) => ownedSite(world, server, domain);

describe('an address that links spell in several ways', () => {
  let own: OwnedSite;
  beforeAll(async () => {
    own = await owned('spelled.example');
    for (const path of ['/caf%c3%a9', '/caf%C3%A9', '/café', '/%63af%C3%A9', '/about', '/שלום/עולם'])
      await own.view(path);
  });

  it('is one row, in the stored spelling', async () => {
    const pages = { '/caf%C3%A9': 4, '/about': 1, '/%D7%A9%D7%9C%D7%95%D7%9D/%D7%A2%D7%95%D7%9C%D7%9D': 1 };
    expect(await own.rows('page')).toEqual(pages);
    expect(Object.keys(await own.rows('entry'))).toEqual(['/caf%C3%A9']);
  });

  it.each(['/café', '/caf%C3%A9', '/caf%c3%a9', '/%63af%c3%A9'])('is found as %s', async (typed) => {
    expect(await own.rows('page', `page:${typed}`)).toEqual({ '/caf%C3%A9': 4 });
    expect(Object.values(await own.rows('page', `!page:${typed}`))).toEqual([1, 1]);
    expect(Object.values(await own.rows('page', `entry:${typed}`))).toHaveLength(3);
    expect(await own.rows('page', 'exit:/שלום/עולם', `page:${typed}`)).toEqual({ '/caf%C3%A9': 4 });
  });

  it.each(['é', 'É', 'FÉ', '%c3%a9', 'caf%C3%A9'])('contains %s', async (text) => {
    expect(await own.rows('page', `~page:${text}`)).toEqual({ '/caf%C3%A9': 4 });
  });

  it.each(['c3', 'A9', '3%', '%', 'caf%', 'é9', '%2f'])('does not contain %s', async (text) => {
    expect(await own.rows('page', `~page:${text}`)).toEqual({});
    expect(Object.keys(await own.rows('page', `!~page:${text}`))).toHaveLength(3);
  });

  it('is shown decoded in tables, filters and the CSV file, apart from text in another direction', async () => {
    const base = `/dashboard/sites/${own.site.id}`;
    const { text } = await own.visitor.get(base);
    expect(text).toContain('<bdi>/café</bdi>');
    expect(text).toContain('<bdi>/שלום/עולם</bdi>');
    expect(text).not.toMatch(/>[^<]*%C3%A9[^<]*<\/(a|bdi)>/);
    const form = await own.visitor.get(`${base}?add=page&how=is&text=${encodeURIComponent('/café')}`);
    expect(form.headers.location).toBe(`${base}?f=page%3A%2Fcaf%25C3%25A9`);
    for (const typed of ['/café', '/caf%c3%a9']) {
      const filtered = await own.visitor.get(`${base}?f=${encodeURIComponent(`page:${typed}`)}`);
      expect(filtered.text).toContain('<strong><bdi>/café</bdi></strong>');
    }
    const csv = await own.visitor.get(`${base}/rows.csv?by=page`);
    expect(csv.text).toContain('/caf%C3%A9,/café,');
  });

  it('is shown decoded in live lists', async () => {
    const base = `/dashboard/sites/${own.site.id}`;
    await own.view('/caf%c3%a9');
    const { text } = await own.visitor.get(`${base}/activity`);
    expect(text).toContain('<bdi class="activity-title">/café</bdi>');
    expect(text).toContain('<bdi class="now-path">/café</bdi>');
    expect((await own.visitor.get(`${base}/now`)).json()).toMatchObject({ pages: [{ path: '/café' }] });
    expect(await own.api('realtime')).toMatchObject({ pages: [{ path: '/caf%C3%A9' }] });
  });

  it('is apart from the plain text around it, if written from right to left', async () => {
    const base = `/dashboard/sites/${own.site.id}`;
    await own.view('/שלום/עולם', { name: 'signup' });
    const { text } = await own.visitor.get(`${base}/activity`);
    expect(text).toContain('\u2068on /שלום/עולם\u2069 · ');
    expect(text).not.toContain('\u2068/café');
    const preview = await own.visitor.post(`${base}/settings/exclusions`, {
      'excluded-pages': '/שלום/* /about',
      do: 'preview',
    });
    expect(preview.text).toMatch(/would have been excluded: (\/about, )?\u2068\/שלום\/עולם\u2069/);
  });

  it('is one goal in either spelling', async () => {
    const settings = `/dashboard/sites/${own.site.id}/settings`;
    for (const pattern of ['/café', '/caf%c3%a9'])
      await own.visitor.post(`${settings}/goals`, { kind: 'page', pattern });
    expect(await world.store.registry.goalsOf(own.site.id)).toMatchObject([{ pattern: '/caf%C3%A9' }]);
    expect((await own.visitor.get(`${settings}/goals`)).text).toContain('<bdi>/café</bdi>');
  });

  it('is excluded in either spelling, also in the preview', async () => {
    const form = `/dashboard/sites/${own.site.id}/settings/exclusions`;
    for (const typed of ['/café', '/caf%c3%a9']) {
      const exclusions = { 'excluded-pages': typed, 'excluded-countries': '', do: 'preview' };
      const { text } = await own.visitor.post(form, exclusions);
      expect(text.replaceAll('<!-- -->', '')).toMatch(/[45] would have been excluded: \/café/);
    }
  });
});

describe('a page with odd escapes', () => {
  const pages = [
    ...[
      '/100%',
      '/100%25',
      '/a%2Fb',
      '/a/b',
      '/a%20b',
      '/a+b',
      '/%00',
      '/%FF',
      '/%C0%AF',
      '/%C3',
      '/%C3%A9c3',
    ],
    ...['/%C3%89cole/%C3%A9t%C3%A9', '/%E2%80%AEevil', '/%C4%B0zmir', '/%2Blog'],
  ];
  let own: OwnedSite;
  beforeAll(async () => {
    own = await owned('escaped.example');
    for (const page of pages) await own.view(page);
  });

  it('is stored as it was sent', async () => {
    expect(Object.keys(await own.rows('page')).sort()).toEqual([...pages].sort());
  });

  it.each([
    ['~page:100%', ['/100%', '/100%25']],
    ['~page:a/b', ['/a/b']],
    ['~page:a%2fb', ['/a%2Fb']],
    ['~page:a b', ['/a%20b', '/a+b']],
    ['~page:a+b', ['/a+b']],
    ['~page:20', []],
    ['~page:25', []],
    ['~page:%', ['/100%', '/100%25']],
    ['~page:%00', ['/%00']],
    ['~page:%ff', ['/%FF']],
    ['~page:ff', []],
    ['~page:c0', []],
    ['~page:c3', ['/%C3%A9c3']],
    ['~page:éc', ['/%C3%89cole/%C3%A9t%C3%A9', '/%C3%A9c3']],
    ['~page:école/été', ['/%C3%89cole/%C3%A9t%C3%A9']],
    ['~page:ÉCOLE/%c3%a9T', ['/%C3%89cole/%C3%A9t%C3%A9']],
    ['~page:%E2%80%AE', ['/%E2%80%AEevil']],
    ['~page:\u202eevil', ['/%E2%80%AEevil']],
    ['~page:izmir', ['/%C4%B0zmir']],
    ['~page:blog', []],
    ['~entry:c0', []],
    ['page:/100%', ['/100%']],
    ['page:/a/b', ['/a/b']],
    ['page:/a b', ['/a%20b']],
    ['page:/A/b', []],
    ['page:/%ff', ['/%FF']],
  ])('is found by %s: %j', async (filter, found) => {
    expect(Object.keys(await own.rows('page', filter)).sort()).toEqual(found);
  });

  it('is shown without decoding what cannot be seen', async () => {
    const { text } = await own.visitor.get(`/dashboard/sites/${own.site.id}?page=all`);
    expect(text).not.toContain('\u202e');
    const csv = await own.visitor.get(`/dashboard/sites/${own.site.id}/rows.csv?by=page`);
    expect(csv.text).toContain('\n/%E2%80%AEevil,/%E2%80%AEevil,');
    expect(csv.text).toContain('\n/%FF,/%FF,');
    expect(csv.text).toContain('\n/%C3%A9c3,/éc3,');
  });
});

describe('a kept hash or query', () => {
  it('is part of the page', async () => {
    const own = await owned('kept.example');
    for (const hash of ['#/about', '#/about', '#/contact', '']) await own.view(`/app${hash}`, { keep: '#' });
    await own.view('/app#token', {});
    expect(await own.rows('page')).toEqual({ '/app': 2, '/app#/about': 2, '/app#/contact': 1 });
    expect(await own.rows('page', 'page:/app#/about')).toEqual({ '/app#/about': 2 });
    expect(await own.rows('page', 'entry:/app#/about')).toMatchObject({ '/app#/contact': 1 });
    expect(await own.rows('entry')).toEqual({ '/app#/about': expect.any(Number) });
    expect(await own.rows('exit')).toEqual({ '/app': expect.any(Number) });
    expect(await own.rows('page', '~page:#/')).toEqual({ '/app#/about': 2, '/app#/contact': 1 });
  });

  it('tells pages apart by the query, whatever the order of its parameters', async () => {
    const own = await owned('query.example');
    for (const query of ['?p=1', '?utm_source=x&p=2', '?p=1&other=3', '?q=2&p=1', '?p=1&q=2'])
      await own.view(`/${query}`, { keep: 'p|q' });
    await own.view('/search?q=caf%c3%a9#x', { keep: 'q' });
    const pages = { '/?p=1': 2, '/?p=2': 1, '/?p=1&q=2': 2, '/search?q=caf%C3%A9': 1 };
    expect(await own.rows('page')).toEqual(pages);
    expect(Object.keys(await own.rows('entry'))).toEqual(['/?p=1']);
    expect(Object.keys(await own.rows('exit'))).toEqual(['/search?q=caf%C3%A9']);
    expect(await own.rows('page', 'page:/?p=1|/?p=2')).toEqual({ '/?p=1': 2, '/?p=2': 1 });
    expect(await own.rows('page', 'page:/?q=2&p=1')).toEqual({ '/?p=1&q=2': 2 });
    expect(await own.rows('page', 'page:/search?q=café')).toEqual({ '/search?q=caf%C3%A9': 1 });
    expect(await own.api('realtime')).toMatchObject({ pages: [{ path: '/search?q=caf%C3%A9' }] });
    expect(await own.api('events?limit=1')).toMatchObject({ events: [{ path: '/search?q=caf%C3%A9' }] });
    const { text } = await own.visitor.get(`/dashboard/sites/${own.site.id}`);
    expect(text).toContain('<bdi>/search?q=café</bdi>');
  });

  it('is one page with a space, however it is encoded', async () => {
    const own = await owned('spaces.example');
    for (const query of ['?q=red+shoes', '?q=red%20shoes', '?q=red shoes', '?q=red%2Bshoes'])
      await own.view(`/s${query}`, { keep: 'q' });
    const shoes = { '/s?q=red+shoes': 3 };
    expect(await own.rows('page')).toEqual({ ...shoes, '/s?q=red%2Bshoes': 1 });
    for (const typed of ['red+shoes', 'red%20shoes', 'red shoes']) {
      expect(await own.rows('page', `page:/s?q=${typed}`)).toEqual(shoes);
      expect(await own.rows('page', `~page:q=${typed}`)).toEqual(shoes);
    }
    const settings = `/dashboard/sites/${own.site.id}/settings`;
    await own.visitor.post(`${settings}/goals`, { kind: 'page', pattern: '/s?q=red shoes' });
    expect(await own.api('goals')).toMatchObject({ goals: [{ pattern: '/s?q=red+shoes', conversions: 3 }] });
  });
});

describe('a trailing slash', () => {
  it('makes another page, unless the site merges them', async () => {
    const own = await owned('slash.example');
    const settings = `/dashboard/sites/${own.site.id}/settings`;
    for (const path of ['/', '/a', '/a/', '/a/b/', '/a/?p=1']) await own.view(path, { keep: 'p|#' });
    const before = await own.rows('page');
    expect(before).toMatchObject({ '/': 1, '/a': 1, '/a/b/': 1 });
    expect(Object.keys(before)).toContain('/a/');

    expect((await own.visitor.get(settings)).text).toMatch(/name="merge-slashes"(?! checked)/);
    await own.visitor.post(`${settings}/pages`, { 'merge-slashes': 'on' });
    expect((await own.visitor.get(settings)).text).toMatch(/name="merge-slashes" checked/);
    expect(await own.api('')).toMatchObject({ merge_trailing_slashes: true });
    await until(
      async () => {
        await own.view('/probe/');
        return own.rows('page');
      },
      (rows) => '/probe' in rows,
    );
    for (const path of ['/', '/c', '/c/', '/c//', '/c/#/x/']) await own.view(path, { keep: '#' });
    expect(await own.rows('page')).toMatchObject({ '/': 2, '/c': 3, '/c#/x/': 1, '/a/b/': 1 });

    for (const filter of ['page:/c/', 'page:/c', '~page:/c/'])
      expect(await own.rows('page', filter)).toMatchObject({ '/c': 3 });
    // Rows from before keep their page, and both are one address.
    const asBefore = { '/a': 1, '/a/': 1 };
    for (const page of ['/a', '/a/']) {
      expect(await own.rows('page', `page:${page}`)).toEqual(asBefore);
      expect(await own.rows('page', `!page:${page}`)).not.toHaveProperty(page);
      expect(Object.keys(await own.rows('page', `entry:${page}`))).toEqual([]);
    }
    expect(await own.rows('page', 'page:/a?p=1')).toEqual({ '/a/?p=1': 1 });
    expect(await own.rows('page', '~page:a?p')).toEqual({ '/a/?p=1': 1 });
    expect(await own.rows('page', 'page:/')).toEqual({ '/': 2 });
    expect(await own.rows('page', '~page:/a/')).toEqual({ ...asBefore, '/a/b/': 1, '/a/?p=1': 1 });
    const others = Object.keys(await own.rows('page', '!~page:/a/'));
    expect(others.filter((page) => !page.startsWith('/probe')).sort()).toEqual(['/', '/c', '/c#/x/']);

    for (const pattern of ['/c/', '/a', '/a/*', '/probe/*'])
      await own.visitor.post(`${settings}/goals`, { kind: 'page', pattern });
    const { goals } = (await own.api('goals')) as { goals: { pattern: string; conversions: number }[] };
    expect(Object.fromEntries(goals.map(({ pattern, conversions }) => [pattern, conversions]))).toEqual({
      ...{ '/c/': 4, '/a': 3, '/a/*': 4, '/probe/*': expect.any(Number) },
    });
    expect(Object.keys(await own.rows('page', 'goal:/probe/*'))).toContain('/probe');
    expect(await own.rows('page', 'goal:/c')).toEqual({ '/c': 3, '/c#/x/': 1 });
    expect(await own.rows('page', '~goal:/c/')).toEqual({ '/c': 3, '/c#/x/': 1 });
    const report = await own.visitor.get(
      `/dashboard/sites/${own.site.id}?f=${encodeURIComponent('page:/a/')}`,
    );
    expect(report.text).toContain('<bdi>/a</bdi>');

    const preview = await own.visitor.post(`${settings}/exclusions`, {
      'excluded-pages': '/c/',
      do: 'preview',
    });
    expect(preview.text.replaceAll('<!-- -->', '')).toMatch(/ 4 would have been excluded: \/c/);
    await own.visitor.post(`${settings}/exclusions`, { 'excluded-pages': '/c/' });
    await until(
      () => server.send({ key: own.site.key, url: 'https://slash.example/c' }, fromSite('slash.example')),
      ({ headers }) => headers['x-attractos-outcome'] === 'refused; reason=excluded-page',
    );

    await own.visitor.post(`${settings}/pages`, {});
    expect(await own.api('')).toMatchObject({ merge_trailing_slashes: false });
  });
});
