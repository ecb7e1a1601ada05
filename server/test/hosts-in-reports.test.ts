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

/** Views the first page of a site. A visit has one referrer, so the version of the browser makes it another visitor. */
async function viewBy(
  { site }: OwnedSite,
  version: number,
  { ref, query = '' }: { ref?: string; query?: string },
  host = site.domain,
): Promise<void> {
  const agent = `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
  const answer = await server.send(
    { key: site.key, url: `https://${host}/${query}`, ...(ref === undefined ? {} : { ref }) },
    { headers: { origin: `https://${host}`, 'user-agent': agent } },
  );
  expect(answer.headers['x-attractos-outcome'], answer.text).toBe('stored');
}

describe('an internationalized host', () => {
  let own: OwnedSite;
  const site = 'xn--mnchen-3ya.example';
  beforeAll(async () => {
    own = await ownedSite(world, server, site);
    const view = (version: number, ref: string, host?: string) => viewBy(own, version, { ref }, host);
    await view(140, 'https://XN--BCHER-KVA.example./Straße/');
    await view(141, 'https://bücher.example/', `www.${site}`);
    await view(142, `https://www.${site}/b`);
    await view(143, 'https://xn--pple-43d.com/');
  });

  it.each(['münchen.example', 'MÜNCHEN.example.', 'xn--mnchen-3ya.example', 'https://München.example/'])(
    'is found as %s',
    async (typed) => {
      expect(Object.keys(await own.rows('host', `host:${typed.replace(':', '\\:')}`))).toEqual([site]);
      expect(Object.keys(await own.rows('host', `!host:${typed.replace(':', '\\:')}`))).toEqual([
        `www.${site}`,
      ]);
    },
  );

  it('is found by whole labels', async () => {
    for (const text of ['münchen', 'MÜNCHEN.ex', 'xn--mnchen'])
      expect(Object.keys(await own.rows('host', `~host:${text}`))).toHaveLength(2);
    expect(await own.rows('host', '~host:münch')).toEqual({});
  });

  it.each([
    ['referrer:bücher.example/straße/', 1],
    ['referrer:BÜCHER.example./Straße/', 1],
    ['referrer:xn--bcher-kva.example/Stra%c3%9fe/', 1],
    ['referrer:https\\://bücher.example/Straße/?x=1', 1],
    ['referrer:bücher.example/', 1],
    ['~referrer:bücher', 2],
    ['~referrer:bücher.example/straße', 1],
    ['~referrer:STRASSE', 0],
    ['source:bücher.example', 2],
    ['source:www.Bücher.example.', 2],
    ['~source:bücher', 2],
    ['source:', 1],
  ])('refers visits, by %s: %i', async (filter, count) => {
    const isWrong = filter === 'referrer:bücher.example/straße/'; // paths have a case
    const { totals } = (await own.api(`stats?filter=${encodeURIComponent(filter)}`)) as {
      totals: { visits: number };
    };
    expect(totals.visits).toBe(isWrong ? 0 : count);
  });

  it('is shown in Unicode, unless its letters could be taken for others', async () => {
    const base = `/dashboard/sites/${own.site.id}`;
    const { text } = await own.visitor.get(`${base}?pages=host&sources=source`);
    expect(text).toContain('<bdi>bücher.example</bdi>');
    expect(text).toContain('<bdi>xn--pple-43d.com</bdi>');
    const filtered = await own.visitor.get(
      `${base}?add=host&how=is&text=${encodeURIComponent('MÜNCHEN.example')}`,
    );
    expect(filtered.headers.location).toBe(`${base}?f=host%3A${site}`);
    const chip = await own.visitor.get(`${base}?f=host:${site}`);
    expect(chip.text).toContain('<strong><bdi>münchen.example</bdi></strong>');
    const hosts = await own.visitor.get(`${base}/rows.csv?by=host`);
    expect(hosts.text).toContain(`\n${site},münchen.example,`);
    const referrers = await own.visitor.get(`${base}/rows.csv?by=referrer`);
    expect(referrers.text).toContain('\nxn--bcher-kva.example/Stra%C3%9Fe/,bücher.example/Straße/,');
    expect(await own.rows('host')).toMatchObject({ [site]: 3 });
  });

  it('is allowed and excluded in either form, and shown in Unicode', async () => {
    const settings = `/dashboard/sites/${own.site.id}/settings`;
    await own.visitor.post(`${settings}/hosts`, { hosts: 'Straße.example. *.xn--bcher-kva.example' });
    expect(await own.api('')).toMatchObject({
      extra_hosts: ['xn--strae-oqa.example', '*.xn--bcher-kva.example'],
    });
    const typed = {
      'excluded-hosts': 'Test.MÜNCHEN.example. *.kino.МОСКВА.example.',
      'excluded-referrers': 'KÄSE.example.',
    };
    await own.visitor.post(`${settings}/exclusions`, typed);
    const { text } = await own.visitor.get(settings);
    expect(text).toContain('straße.example\n*.bücher.example</textarea>');
    expect(text).toContain('test.münchen.example\n*.kino.москва.example</textarea>');
    expect(text).toContain('>käse.example</textarea>');
    await until(
      () =>
        server.send(
          { key: own.site.key, url: `https://${site}/`, ref: 'https://shop.käse.example/x' },
          fromSite(site),
        ),
      ({ headers }) => headers['x-attractos-outcome'] === 'refused; reason=excluded-referrer',
    );
    const star = await own.visitor.post(`${settings}/exclusions`, { 'excluded-hosts': '*ünchen.example' });
    expect(star.text).toContain('has a star next to letters beyond ASCII');
  });
});

describe('the source of a visit', () => {
  it('is the site that its referrer or its tags name', async () => {
    const own = await ownedSite(world, server, 'named.example');
    const views: { ref?: string; query?: string }[] = [
      { ref: 'https://go.mail.ru/search?q=x' },
      { ref: 'https://webmail.provider.example/inbox' },
      { ref: 'https://www.bing.com/copilotsearch' },
      { ref: 'https://mastodon.art/@someone' },
      { ref: 'android-app://com.google.android.gm/' },
      { ref: 'https://www.named.example/elsewhere' },
      { query: '?ref=https://WWW.named.example/x' },
      { query: '?source=named.example.' },
      { query: '?ref=https%3A%2F%2Fwww.producthunt.com%2Fposts%2Fx' },
      { query: '?ref=https://GitHub.com/copilot' },
      { query: '?ref=B%C3%BCcher.example' },
      { query: '?utm_source=https://www.partner.example/' },
      { query: '?ref=v1.2' },
    ];
    for (const [i, view] of views.entries()) await viewBy(own, 100 + i, view);
    const sources = { ...(await own.rows('source')) };
    expect(sources).toEqual({
      ...{ 'Mail.ru Search': 1, 'webmail.provider.example': 1, Copilot: 1, Mastodon: 1, Gmail: 1 },
      ...{
        'Product Hunt': 1,
        'GitHub Copilot': 1,
        'xn--bcher-kva.example': 1,
        'partner.example': 1,
        'v1.2': 1,
      },
      null: 3,
    });
    expect(await own.rows('channel')).toEqual({
      ...{ search: 1, email: 2, ai: 2, social: 2, referral: 2, campaign: 1, direct: 3 },
    });
    expect(Object.keys(await own.rows('referrer')).sort()).toEqual([
      ...['go.mail.ru/search', 'mastodon.art/@someone', 'null'],
      ...['webmail.provider.example/inbox', 'www.bing.com/copilotsearch'],
    ]);
  });
});
