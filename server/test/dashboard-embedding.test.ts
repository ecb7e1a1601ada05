import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPORT_PARTS } from '../src/dashboard/report/appearance.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** Public links whose reports other pages show in a frame. */

let world: World;
let server: RunningServer;
let owner: DashboardVisitor;
let base: string;

const stranger = () => new DashboardVisitor(server.url);

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  const account = await world.addAccount();
  const site = await world.addSite(account, 'framed.example');
  await world.store.events.append(event({ siteId: site.id, receivedAtMs: world.clock.now() }));
  owner = await signedIn(world, server, account);
  base = `/dashboard/sites/${site.id}`;
});
afterAll(() => world.close());

async function share(fields: Record<string, string>) {
  const answer = await owner.post(`${base}/settings/shares`, { name: 'Board', ...fields });
  return { ...answer, path: /\/share\/[\w-]+/.exec(answer.text)?.[0] ?? '' };
}

describe('a public link', () => {
  it('may be framed by the hosts that the owner lists, and by no others', async () => {
    const { path, text } = await share({ 'embed-hosts': 'Shop.example.com, *.Münster.example' });
    expect(text.replaceAll('&quot;', '"')).toContain(
      `&lt;iframe src="${server.url}${path}?frame=none&amp;theme=light`,
    );
    const { headers } = await stranger().get(path);
    expect(headers['content-security-policy']).toContain(
      "frame-ancestors 'self' shop.example.com:* *.xn--mnster-3ya.example:*;",
    );
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(headers['x-frame-options']).toBeUndefined();
    expect((await owner.get(`${base}/settings/sharing`)).text).toContain(
      'embedded on shop.example.com, *.münster.example',
    );
  });

  it('is in no frame unless hosts are listed, as every other page', async () => {
    const { path } = await share({});
    for (const [visitor, page] of [
      [stranger(), path],
      [stranger(), '/login'],
      [owner, base],
    ] as const) {
      const { headers } = await visitor.get(page);
      expect(headers['content-security-policy'], page).toContain("frame-ancestors 'none'");
      expect(headers['x-frame-options'], page).toBe('DENY');
    }
  });

  it.each([
    [{ 'embed-hosts': "x; script-src 'unsafe-inline'" }, 'is not a domain'],
    [{ 'embed-hosts': 'https://' }, 'is not a domain'],
    [
      { 'embed-hosts': Array.from({ length: 101 }, (_, i) => `h${i}.example`).join(' ') },
      'At most 100 hosts',
    ],
    [{ 'embed-hosts': 'shop.example', 'share-password': 'a long and odd sentence' }, 'cannot be embedded'],
  ])('is refused with %j', async (fields, sentence) => {
    const { status, text, path } = await share(fields);
    expect([status, path]).toEqual([422, '']);
    expect(text).toContain(sentence);
  });
});

describe('the appearance of a report', () => {
  it('is chosen in its URL, and kept by its links', async () => {
    const { path } = await share({ 'embed-hosts': 'shop.example' });
    const { text } = await stranger().get(`${path}?frame=none&theme=dark&parts=chart,sources&range=7d`);
    expect(text).toContain('<html lang="en" data-theme="dark">');
    for (const hidden of ['class="top"', 'class="foot"', 'class="controls"', 'id="pages"', 'id="ai"'])
      expect(text, hidden).not.toContain(hidden);
    for (const shown of ['class="chart"', 'id="sources"']) expect(text, shown).toContain(shown);
    const links = [...text.matchAll(/href="(\/share\/[^"]*)"/g)].map(([, href = '']) => href);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((href) => !href.includes('theme=dark') || !href.includes('frame=none'))).toEqual([]);
  });

  it('is the same for people who are signed in', async () => {
    const { text } = await owner.get(`${base}?theme=light&parts=figures`);
    expect(text).toContain('data-theme="light"');
    expect(text).not.toContain('class="chart"');
    expect((await owner.get(base)).text).not.toContain('data-theme');
  });

  it.each(['theme=blue', 'frame=all', 'parts=chart,nothing'])(
    'is a mistake in the URL: %s',
    async (query) => {
      const { status, text } = await owner.get(`${base}?${query}`);
      expect(status).toBe(400);
      if (query.startsWith('parts')) expect(text).toContain(REPORT_PARTS.join(', '));
    },
  );
});
