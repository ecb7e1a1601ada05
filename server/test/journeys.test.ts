import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Journey } from '../src/api/journey.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';

/** Journeys in the API and on their page. `reports-contract.ts` recounts their numbers in every engine. */

let api: ApiWorld;
let site: Site;
let apiKey: string;
let visitor: DashboardVisitor;

/** The pages of each visitor, in order. */
const VISITS = [
  ['/', '/blog', '/', '/pricing', '/pricing', '/signup'],
  ['/', '/pricing?plan=pro', '/', '/pricing'],
  ['/pricing', '/caf%C3%A9', '/a', '/b', '/c'],
  ['/elsewhere'],
];

beforeAll(async () => {
  api = await ApiWorld.open();
  const owner = await api.world.addOwner('example.com', 'pro');
  ({ site, apiKey } = owner);
  const at = api.world.clock.now() - 10 * MINUTE_MS;
  for (const [who, pages] of VISITS.entries())
    for (const [i, path] of pages.entries())
      await api.world.store.events.append(
        event({ siteId: site.id, receivedAtMs: at + i, visitor: BigInt(who), path }),
      );
  await api.world.store.events.append(
    event({ siteId: site.id, receivedAtMs: at, visitor: 0n, path: '/pricing', name: 'click' }),
  );
  visitor = await signedIn(api.world, api.server, owner.account);
});
beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

const ask = (query: string) => api.read<Journey>(apiKey, `/sites/${site.id}/journey?${query}`);

describe('journeys in the API', () => {
  it('are the pages around the first view of a page, with views of one page in a row as one', async () => {
    const { visits, began, ended, steps, journey } = await ask('page=/pricing');
    expect({ visits, began, ended }).toEqual({ visits: 3, began: 1, ended: 0 });
    expect(steps.map((step) => [step.step, step.visits, step.pages])).toEqual([
      ...[
        [-3, 1, 1],
        [-2, 1, 1],
        [-1, 2, 1],
        [0, 3, 2],
      ],
      ...[
        [1, 3, 3],
        [2, 2, 2],
        [3, 1, 1],
      ],
    ]);
    expect(journey.filter(({ step }) => step === -1)).toEqual([
      { step: -1, page: '/', visits: 2, share: 0.6667 },
    ]);
    expect(journey.filter(({ step }) => step === 1).map(({ page }) => page)).toEqual([
      ...['/', '/caf%C3%A9', '/signup'],
    ]);
    expect((await ask('page=/pricing&limit=1')).journey).toHaveLength(7);
    const csv = await api.get(apiKey, `/sites/${site.id}/journey?page=/signup`, { accept: 'text/csv' });
    expect(csv.text).toBe(
      'step,page,visits,share\r\n-3,/blog,1,1\r\n-2,/,1,1\r\n-1,/pricing,1,1\r\n0,/signup,1,1\r\n',
    );
    expect((await ask('page=/never')).journey).toEqual([]);
  });

  it.each(['', 'page=', 'page=pricing', `page=/${'a'.repeat(500)}`, 'page=/&cursor=x'])(
    'refuse the query "%s"',
    async (query) => {
      expectRefusal(
        await api.get(apiKey, `/sites/${site.id}/journey?${query}`),
        ...([400, 'INVALID_QUERY'] as const),
      );
    },
  );
});

describe('the page of journeys', () => {
  const page = (query = '') => visitor.get(`/dashboard/sites/${site.id}/journeys?range=today${query}`);
  const list = (html: string, id: string) =>
    [...(new RegExp(`id="${id}".*?</table>`, 's').exec(html)?.[0] ?? '').matchAll(/<tr>(.*?)<\/tr>/gs)]
      .slice(1)
      .map(([, row = '']) =>
        row
          .replaceAll(/<[^>]*>/g, ' ')
          .trim()
          .replaceAll(/\s+/g, ' '),
      );

  it('says which parameters of its URL mean nothing, as funnels do', async () => {
    const warning = 'Unknown parameters in the URL are ignored: pge.';
    for (const path of ['journeys?range=today&pge=/signup', 'funnels?range=today&pge=/signup'])
      expect((await visitor.get(`/dashboard/sites/${site.id}/${path}`)).text, path).toContain(warning);
    expect((await page('&page=/signup')).text).not.toContain('Unknown parameters');
    const funnel = `/dashboard/sites/${site.id}/funnels?range=today&step=/&step=/signup&by=page`;
    expect((await visitor.get(funnel)).text).not.toContain('Unknown parameters');
  });

  it('has a CSV file with all pages', async () => {
    const file = (query: string) =>
      visitor.get(`/dashboard/sites/${site.id}/journeys/rows.csv?range=today&${query}`);
    const { status, headers, text } = await file('page=/signup');
    expect([status, headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(text).toBe(
      ['step,page,visits,share', '-3,/blog,1,1', '-2,/,1,1', '-1,/pricing,1,1', '0,/signup,1,1', ''].join(
        '\r\n',
      ),
    );
    expect((await file('page=/nobody')).text).toBe('step,page,visits,share\r\n');
    expect((await file('page=signup')).status).toBe(400);
    expect((await file('f=nonsense')).status).toBe(400);
  });

  it('shows what came before and after, each page as a link to its own journeys', async () => {
    const { status, text } = await page('&page=/pricing');
    expect(status).toBe(200);
    expect(text).toContain('after 30 minutes without a page view or event');
    expect(list(text, 'journey-before-1')).toEqual(['/ 2', 'Visit began 1']);
    expect(list(text, 'journey-before-2')).toEqual(['/blog 1', 'Visit began 1']);
    expect(list(text, 'journey-after-1')).toEqual(['/ 1', '/café 1', '/signup 1']);
    expect(list(text, 'journey-after-2')).toEqual(['/a 1', '/pricing 1', 'Visit ended 1']);
    expect(text).toContain('journeys?range=today&amp;page=%2Fcaf%25C3%25A9"');
    expect(text).toContain('/journey?page=%2Fpricing&amp;start=');
    expect((await page('&page=/caf%C3%A9')).text).toContain('<bdi>/café</bdi>');
  });

  it('begins with the most viewed page, and is filtered', async () => {
    const { text } = await page();
    expect(text).toMatch(/<h2 id="journey"><bdi>\/(pricing)?<\/bdi>/);
    expect((await page('&page=/pricing&f=page:/blog')).text).toContain('No visit viewed this page');
  });

  it('says what is wrong with its URL', async () => {
    for (const query of ['&page=pricing', `&page=/${'a'.repeat(500)}`, '&page=/&range=never'])
      expect((await page(query)).status, query).toBe(400);
    expect((await page('&page=%22%3E%3Cscript%3E')).text).not.toContain('<script>');
  });
});
