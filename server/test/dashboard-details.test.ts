import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event, leave } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** The tables of the report with all their rows. */

const PAGES = 120;

let world: World;
let server: RunningServer;
let site: Site;
let apiKey: string;
let visitor: DashboardVisitor;
let base: string;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  const owner = await world.addOwner('example.com', 'pro');
  ({ site, apiKey } = owner);
  visitor = await signedIn(world, server, owner.account);
  base = `/dashboard/sites/${site.id}`;
  const at = { siteId: site.id, receivedAtMs: world.clock.now() };
  const append = (entry: Parameters<typeof world.store.events.append>[0]) => world.store.events.append(entry);
  await Promise.all(
    Array.from({ length: PAGES }, (_, i) =>
      append(event({ ...at, visitor: BigInt(i + 10), path: `/page-${i}`, country: i < 40 ? 'DE' : 'FR' })),
    ),
  );
  // One visitor of the first page reads on, and buys.
  await append(event({ ...at, visitor: 10n, path: '/page-0', country: 'DE' }));
  await append(
    event({
      ...at,
      visitor: 10n,
      path: '/page-0',
      name: 'purchase',
      value: 49.5,
      currency: 'EUR',
      country: 'DE',
    }),
  );
  await append(leave({ ...at, visitor: 10n, view: 3n, path: '/page-0', engagedMs: 30_000, scroll: 80 }));
  await append(event({ ...at, visitor: 9n, path: '/caf%C3%A9' }));
  await append(event({ ...at, visitor: 8n, path: '/from-ai', source: 'ChatGPT', channel: 'ai' }));
  await world.store.registry.addGoal({ id: 'goal_1', siteId: site.id, kind: 'event', pattern: 'purchase' });
});
afterAll(() => world.close());

const details = async (query: string) => visitor.get(`${base}/details?range=today&${query}`);

/** Returns the table of a page as text: the heading, then the rows. */
function tableOf(html: string): string[][] {
  const table = /<table class="details-table".*?<\/table>/s.exec(html)?.[0] ?? '';
  return [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => cell.replaceAll(/<[^>]*>/g, '')),
  );
}

const linkIn = (html: string, mark: RegExp) =>
  mark.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? 'no such link';

const NEXT = /href="([^"]*)" data-details-more/;

describe('the details of a panel', () => {
  it('have a link in the foot of each panel, which keeps period, filters and tab', async () => {
    const { text } = await visitor.get(`${base}?range=today&f=country:DE&pages=entry`);
    const links = [...text.matchAll(/class="details-link" href="([^"]*)"/g)].map(([, href = '']) =>
      href.replaceAll('&amp;', '&'),
    );
    const tables = links.map((href) => new URL(href, 'http://server').searchParams.get('by'));
    for (const by of ['entry', 'source', 'country', 'device', 'event', 'goal', 'bot'])
      expect(tables).toContain(by);
    for (const href of links) {
      expect(href).toContain('/details?range=today');
      expect(href).toContain('f=country%3ADE');
      expect((await visitor.get(href)).status, href).toBe(200);
    }
    const page = await visitor.get(links[0] ?? '');
    const back = linkIn(page.text, /class="details-back"><a href="([^"]*)"/);
    expect(back).toBe(`${base}?range=today&f=country%3ADE&pages=entry#pages`);
  });

  it('have several measures of each row, as in API and CSV', async () => {
    const [heading, first] = tableOf((await details('by=page')).text);
    expect(heading).toEqual([
      ...['Page', 'Visitors', 'Visits', 'Page views', 'Bounce rate', 'Engaged time', 'Scroll depth'],
      ...['Conversion rate', 'Revenue'],
    ]);
    expect(first).toEqual(['/page-0', '1', '1', '2', '0.0%', '30s', '80%', '100.0%', '€49.50']);
    const day = new Date(world.clock.now()).toISOString().slice(0, 10);
    const answer = await fetch(
      `${server.url}/api/v1/sites/${site.id}/breakdown?by=page&start=${day}&end=${day}&limit=1`,
      { headers: { authorization: `Bearer ${apiKey}` } },
    );
    expect(await answer.json()).toMatchObject({
      breakdown: [{ value: '/page-0', visitors: 1, visits: 1, pageviews: 2, bounce_rate: 0 }],
    });
    const csv = await visitor.get(`${base}/rows.csv?range=today&by=page`);
    expect(csv.text).toContain('/page-0,/page-0,1,1,2,3,1,0,30000,0,49.5');
  });

  it('reach all rows page by page, each once', async () => {
    const first = await details('by=page');
    expect(tableOf(first.text)).toHaveLength(101);
    expect(first.text).not.toContain('First 100 rows');
    const second = await visitor.get(linkIn(first.text, NEXT));
    expect(second.text).not.toMatch(NEXT);
    expect(second.text).toContain('First 100 rows');
    const names = [...tableOf(first.text).slice(1), ...tableOf(second.text).slice(1)].map(([name]) => name);
    expect(names).toHaveLength(PAGES + 2);
    expect(new Set(names).size).toBe(PAGES + 2);
  });

  it('are searched as people read the values, and so is their CSV', async () => {
    const rows = async (query: string) => tableOf((await details(query)).text).slice(1);
    expect((await rows('by=page&search=PAGE-11')).map(([name]) => name)).toEqual([
      ...['/page-11', '/page-110', '/page-111', '/page-112', '/page-113', '/page-114', '/page-115'],
      ...['/page-116', '/page-117', '/page-118', '/page-119'],
    ]);
    expect((await rows('by=page&search=caf%C3%A9'))[0]?.slice(0, 2)).toEqual(['/café', '1']);
    expect((await rows('by=country&search=german'))[0]?.slice(0, 2)).toEqual(['Germany', '40']);
    expect((await rows('by=source&search=direct'))[0]?.slice(0, 2)).toEqual(['Direct / none', '121']);
    expect((await rows('by=goal&search=CHASE'))[0]).toEqual(['purchase', '1', '1', '0.8%', '€49.50']);
    const none = await details('by=page&search=%3Cscript%3E');
    expect(none.text).toContain('No row contains “&lt;script>”');
    const csv = await visitor.get(`${base}/rows.csv?range=today&by=page&search=page-11&sort=visits`);
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(12);
  });

  it('are sorted by a column, in either direction, over all pages', async () => {
    const first = await details('by=page&sort=engaged&order=asc');
    expect(first.text).toMatch(/aria-sort="ascending"><a id="details-sort-engaged"/);
    const last = await visitor.get(linkIn(first.text, NEXT));
    expect(tableOf(last.text).at(-1)?.[0]).toBe('/page-0');
    const down = linkIn(first.text, /id="details-sort-engaged" href="([^"]*)"/);
    const largest = await visitor.get(down);
    expect(largest.text).toMatch(/aria-sort="descending"><a id="details-sort-engaged"/);
    expect(tableOf(largest.text)[1]?.[0]).toBe('/page-0');
  });

  it('have the rows of their panel: events without page views, AI referrals, and crawlers', async () => {
    expect(tableOf((await details('by=event')).text)).toEqual([
      ['Event', 'Visitors', 'Visits', 'Events', 'Revenue'],
      ['purchase', '1', '1', '1', '€49.50'],
    ]);
    const csv = await visitor.get(`${base}/rows.csv?range=today&by=event`);
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(2);
    const ai = await details('by=source&table=ai');
    expect(
      tableOf(ai.text)
        .slice(1)
        .map(([name]) => name),
    ).toEqual(['ChatGPT']);
    const referrals = await visitor.get(`${base}/rows.csv?range=today&by=source&table=ai`);
    expect(referrals.text.trimEnd().split('\r\n')).toHaveLength(2);
    expect(tableOf((await details('by=page&table=vitals')).text)[1]?.slice(0, 3)).toEqual([
      ...['/page-0', '1', '80%'],
    ]);
    expect((await details('by=bot')).text).toContain('No data for this period');
  });

  it.each([
    [
      'sort=price',
      '“sort” must be one of visitors, visits, pageviews, events, bounce, engaged; got “price”.',
    ],
    ['order=down', '“order” must be one of asc; got “down”.'],
    ['sort=visits&sort=events', '“sort” must be given once.'],
    [`search=${'x'.repeat(201)}`, '“search” must have at most 200 characters.'],
    ['by=nothing', '“by” must be one of'],
    ['by=time', 'The chart has no details'],
    ['by=host&table=vitals', 'cannot be filtered or grouped by host'],
    ['f=nothing', 'must contain a colon'],
  ])('say what is wrong with %s', async (query, problem) => {
    const answer = await details(query);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(problem);
  });

  it('show the first page for a cursor that is not theirs', async () => {
    for (const cursor of ['x', 'W10', '%00', 'x'.repeat(5_000)])
      expect(tableOf((await details(`by=page&cursor=${cursor}`)).text)[1]?.[0]).toBe('/page-0');
  });

  it('are in public links, below their address', async () => {
    const made = await visitor.post(`${base}/settings/shares`, { name: 'board', expires: '7' });
    const path = /\/share\/[\w-]{43}/.exec(made.text)?.[0] ?? '';
    const stranger = new DashboardVisitor(server.url);
    const report = await stranger.get(`${path}?range=today`);
    const link = linkIn(report.text, /class="details-link" href="([^"]*)"/);
    expect(link).toBe(`${path}/details?range=today&by=page`);
    const page = await stranger.get(link);
    expect(tableOf(page.text)[1]?.[0]).toBe('/page-0');
    for (const secret of ['/settings', site.key, base]) expect(page.text).not.toContain(secret);
    expect((await stranger.get(`/share/${'x'.repeat(43)}/details`)).status).toBe(404);
    expect((await stranger.get(`${base}/details`)).status).toBe(303);
  });

  it('cover a period without events', async () => {
    const day = new Date(world.clock.now() - 30 * DAY_MS).toISOString().slice(0, 10);
    const answer = await visitor.get(`${base}/details?range=custom&from=${day}&to=${day}&by=page`);
    expect(answer.text).toContain('No data for this period');
  });
});
