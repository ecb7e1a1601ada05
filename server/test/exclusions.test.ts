import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utcDay } from '../src/domain/clock.ts';
import { isPageExcluded, readExclusions } from '../src/domain/exclusions.ts';
import { displayPage, storedPage } from '../src/domain/page-path.ts';
import { matchesPattern } from '../src/domain/patterns.ts';
import type { LedgerLine, Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

describe('a pattern', () => {
  it.each([
    ['/admin', '/admin', true],
    ['/admin', '/admin/', false],
    ['/admin/*', '/admin/users/7', true],
    ['/admin/*', '/admin', false],
    ['/*/edit', '/posts/7/edit', true],
    ['/*/edit', '/edit', false],
    ['*.pdf', '/files/a.pdf', true],
    ['*', '/', true],
    ['/a*a', '/a', false],
    ['/a*a', '/aa', true],
    ['/a.c', '/abc', false],
    ['/**', '/x', true],
  ])('%s and the path %s: %s', (pattern, path, fits) => {
    expect(matchesPattern(pattern, path)).toBe(fits);
  });

  it('matches like the equivalent regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('/', 'a', 'b', '*'), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, path) => {
        const meant = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matchesPattern(pattern, path)).toBe(meant.test(path));
      }),
      { seed: 11, numRuns: 2_000 },
    );
  });

  it.each([
    ['/search', '/search?q=1', true],
    ['/search', '/search#/a', true],
    ['/search', '/search?q=1#/a', true],
    ['*secret*', '/open?secret', false],
    ['*secret*', '/open#secret', false],
    ['/search?q=*', '/search?q=1', true],
    ['/search?q=*', '/search?q=1#/a', true],
    ['/search?q=*', '/search', false],
    ['/search?q=1', '/search?q=12', false],
    ['/?q=2&p=1', '/?p=1&q=2', true],
    ['/app#/admin*', '/app#/admin/users', true],
    ['/app#/admin*', '/app?p=1#/admin', true],
    ['/app#/admin*', '/app#/about', false],
    ['/app#/admin*', '/app', false],
    ['/app?p=1#/a', '/app#/a', false],
    ['*#/admin', '/x/y#/admin', true],
    ['/café', '/caf%C3%A9', true],
    ['/caf%c3%a9', '/caf%C3%A9', true],
    ['/%7eada', '/~ada', true],
  ])('%s excludes the page %s: %s', (pattern, page, isOut) => {
    const exclusions = readExclusions({ pages: pattern, countries: '' });
    if (exclusions === null || typeof exclusions === 'string') throw new Error(`not read: ${exclusions}`);
    expect(isPageExcluded(exclusions, page)).toBe(isOut);
    expect(exclusions.pages.map((page) => storedPage(displayPage(page)))).toEqual(exclusions.pages);
  });
});

describe('typed exclusions', () => {
  it('splits typed exclusions at lines, commas and spaces, removes duplicates, and encodes as browsers do', () => {
    expect(readExclusions({ pages: '/admin/*\n /über,/a%20b  /admin/*', countries: 'de, us\nUK' })).toEqual({
      pages: ['/admin/*', '/%C3%BCber', '/a%20b'],
      countries: ['DE', 'US', 'GB'],
    });
    expect(readExclusions({ pages: ' \n', countries: '' })).toBeNull();
  });

  it('match the encoding of browsers', () => {
    const characters = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
    // Without separators of patterns and URLs, the asterisk, and the backslash, which browsers treat as a slash.
    for (const character of [...characters, 'ü', '€', '🙂'].filter((one) => !',?#*\\'.includes(one))) {
      const path = `/a${character}b`;
      expect(readExclusions({ pages: path, countries: '' })).toEqual({
        pages: [new URL(path, 'https://example.com').pathname],
        countries: [],
      });
    }
  });

  it.each([
    { pages: 'admin', countries: '', says: '“admin” is not a path' },
    { pages: `/${'a'.repeat(300)}`, countries: '', says: 'longer than 200' },
    { pages: Array.from({ length: 101 }, (_, i) => `/${i}`).join('\n'), countries: '', says: 'at most 100' },
    { pages: '', countries: 'QX', says: '“QX” is not a country code' },
    { pages: '', countries: 'EU', says: '“EU” is not a country code' },
    { pages: '', countries: 'Germany', says: '“GERMANY” is not a country code' },
  ])('refuses typed exclusions with an error: $says', ({ says, ...typed }) => {
    expect(readExclusions(typed)).toContain(says);
  });
});

describe('the collector', () => {
  let world: World;
  let server: RunningServer;

  beforeAll(async () => {
    world = await World.open();
    server = await world.serve({ settings: { TRUST_PROXY: 'loopback', COUNTRY_HEADER: 'CF-IPCountry' } });
  });
  afterAll(() => world.close());

  const view = (site: Site, path: string, more: object = {}) => ({
    key: site.key,
    url: `https://${site.domain}${path}`,
    ...more,
  });
  const from = (site: Site, country?: string, userAgent?: string) => ({
    headers: {
      origin: `https://${site.domain}`,
      ...(country === undefined
        ? {}
        : { 'x-forwarded-for': country === 'FR' ? '203.0.113.9' : '198.51.100.7', 'cf-ipcountry': country }),
      ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
    },
  });
  const outcomes = async (site: Site): Promise<Record<string, number>> => {
    await world.store.events.flush();
    const day = utcDay(world.clock.now());
    const lines = await world.store.events.ledger(site.id, { firstDay: day, lastDay: day });
    return Object.fromEntries(lines.map(({ outcome, count }: LedgerLine) => [outcome, count]));
  };
  const isOut = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) =>
    /excluded/.test(String(headers['x-attractos-outcome']));

  it('excludes pages and countries within a second of the change, with a reason', async () => {
    const { site, apiKey } = await world.addOwner('left-out.example');
    await world.store.registry.setExclusions(site.id, { pages: ['/admin/*'], countries: ['FR'] });
    const first = await until(() => server.send(view(site, '/admin/1'), from(site)), isOut);
    expect(first.status).toBe(403);
    expect(first.json()).toEqual({ code: 'EXCLUDED', error: "Excluded by the site's owner." });
    expect(first.headers['x-attractos-outcome']).toBe('refused; reason=excluded-page');

    const refusedBefore = (await outcomes(site))['excluded-page'] ?? 0;
    expect((await server.send(view(site, '/admin/2', { name: 'signup' }), from(site))).status).toBe(403);
    // This also applies to crawlers: an excluded page view is not even a bot visit.
    expect((await server.send(view(site, '/admin/3'), from(site, undefined, 'Googlebot/2.1'))).status).toBe(
      403,
    );
    // A leave is not an event, so it is in no ledger.
    expect((await server.send(view(site, '/admin/2', { name: 'leave' }), from(site))).status).toBe(403);
    const french = await server.send(view(site, '/'), from(site, 'FR'));
    expect(french.headers['x-attractos-outcome']).toBe('refused; reason=excluded-country');
    expect((await server.send(view(site, '/', { name: 'leave' }), from(site, 'FR'))).status).toBe(403);
    const byZone = await server.send(view(site, '/', { tz: 'Europe/Paris' }), from(site));
    expect(byZone.headers['x-attractos-outcome']).toBe('refused; reason=excluded-country');

    expect((await server.send(view(site, '/admin'), from(site, 'DE'))).status).toBe(202);
    expect((await server.send(view(site, '/'), from(site))).status).toBe(202);
    expect(await outcomes(site)).toEqual({
      stored: 2,
      'excluded-page': refusedBefore + 2,
      'excluded-country': 2,
    });
    const ledger = await server.ask({
      path: `/api/v1/sites/${site.id}/ledger?start=2026-01-01&end=2026-12-31`.replaceAll(
        /2026-\d\d-\d\d/g,
        new Date(world.clock.now()).toISOString().slice(0, 10),
      ),
      headers: { authorization: `Bearer ${apiKey}` },
    });
    const { refused } = ledger.json() as { refused: { reason: string; meaning: string | null }[] };
    expect(refused.map(({ reason }) => reason).sort()).toEqual(['excluded-country', 'excluded-page']);
    for (const { meaning } of refused) expect(meaning).toMatch(/exclusions/);

    await world.store.registry.setExclusions(site.id, null);
    await until(
      () => server.send(view(site, '/admin/1'), from(site, 'FR')),
      (answer) => !isOut(answer),
    );
  });

  it('shows them on the page Not counted and in the API', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'shown-out.example');
    const { key } = await world.addApiKey(account);
    const visitor = await signedIn(world, server, account);
    const settings = `/dashboard/sites/${site.id}/settings`;
    await visitor.post(`${settings}/exclusions`, { 'excluded-pages': '/draft*', 'excluded-countries': 'fr' });
    await until(() => server.send(view(site, '/drafts'), from(site)), isOut);
    await server.send(view(site, '/'), from(site, 'FR'));
    const page = await visitor.get(`/dashboard/sites/${site.id}/not-counted`);
    expect(page.text).toContain('Excluded page');
    expect(page.text).toContain('Excluded country');
    expect(page.text).not.toContain('Allow shown-out.example');
    const detail = await server.ask({
      path: `/api/v1/sites/${site.id}`,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(detail.json()).toMatchObject({ excluded_pages: ['/draft*'], excluded_countries: ['FR'] });
  });

  it('previews exclusions on last week, and keeps invalid input in the form', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'tried-out.example');
    const visitor = await signedIn(world, server, account);
    await until(
      () => server.send(view(site, '/a'), from(site)),
      ({ status }) => status === 202,
    );
    await server.send(view(site, '/draft/1'), from(site, 'DE'));
    await server.send(view(site, '/a', { name: 'signup' }), from(site, 'FR'));
    const form = `/dashboard/sites/${site.id}/settings/exclusions`;
    const tried = await visitor.post(form, {
      ...{ 'excluded-pages': '/draft/*', 'excluded-countries': 'FR', do: 'preview' },
    });
    const counted = (await outcomes(site)).stored ?? 0;
    expect(tried.text.replaceAll('<!-- -->', '')).toContain(
      `Of ${counted} events counted in the last 7 days, 2 would have been excluded: /draft/1, FR.`,
    );
    expect(tried.text).toContain('>/draft/*</textarea>');
    expect((await world.store.registry.siteById(site.id))?.exclusions).toBeNull();

    const wrong = await visitor.post(form, { 'excluded-pages': 'draft" <b>', 'excluded-countries': '' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('is not a path');
    expect(wrong.text).toContain('draft&quot; &lt;b>');
    expect(wrong.text).not.toContain('<b>');
  });

  it('offers the owner a link and a QR code that exclude a browser', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'own.example');
    const visitor: DashboardVisitor = await signedIn(world, server, account);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/settings`);
    expect(text).toContain('https://own.example/#attractos-off');
    expect(text).toContain('https://own.example/#attractos-on');
    expect(text).toMatch(/<svg class="qr"[^>]* role="img"/);
  });
});
