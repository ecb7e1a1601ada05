import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** The forms of filters: what they suggest, and what they make of the report's URL. */

const SHARE_PASSWORD = 'only for the board';

let world: World;
let server: RunningServer;
let site: Site;
let visitor: DashboardVisitor;
let base: string;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  const owner = await world.addOwner('example.com', 'pro');
  ({ site } = owner);
  visitor = await signedIn(world, server, owner.account);
  base = `/dashboard/sites/${site.id}`;
  const at = { siteId: site.id, receivedAtMs: world.clock.now() };
  const append = (entry: Parameters<typeof world.store.events.append>[0]) => world.store.events.append(entry);
  await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      append(
        event({
          ...at,
          visitor: BigInt(i + 10),
          path: `/page-${i}`,
          country: i < 8 ? 'DE' : 'FR',
          source: null,
        }),
      ),
    ),
  );
  const signup = { ...at, name: 'signup', country: 'DE' };
  await append(event({ ...signup, visitor: 10n, path: '/page-0', props: { plan: 'pro' } }));
  await append(event({ ...signup, visitor: 11n, path: '/page-0', props: { plan: '<b>"free"' } }));
  await append(event({ ...at, visitor: 30n, path: '/caf%C3%A9', source: 'Google', country: 'AT' }));
  const goal = { siteId: site.id, kind: 'event', pattern: 'signup' } as const;
  await world.store.registry.addGoal({ id: 'goal_1', ...goal });
  await world.store.registry.addGoal({ id: 'goal_2', ...goal, kind: 'page', pattern: '/caf%C3%A9' });
});
afterAll(() => world.close());

const pathOf = (query: string) => `/suggestions?range=today&${query}`;
const suggest = (query: string) => visitor.get(`${base}${pathOf(query)}`);

/** Returns the options of a list: the text and value that each puts into the form, and what it shows. */
function optionsOf(html: string): string[][] {
  return [...html.matchAll(/<div role="option"((?: [\w-]+="[^"]*")*)>(.*?)<\/div>/g)].map(
    ([, attributes = '', shown = '']) => {
      const text = /data-text="([^"]*)"/.exec(attributes)?.[1] ?? '';
      const means = /data-means="([^"]*)"/.exec(attributes)?.[1];
      return [text, ...(means === undefined ? [] : [means]), shown.replaceAll(/<[^>]*>/g, '')];
    },
  );
}

const suggested = async (query: string) => optionsOf((await suggest(query)).text);

describe('suggestions for a filter', () => {
  it('are the most frequent values with their names and visitors, at most ten, and say if there are more', async () => {
    expect(await suggested('add=country&how=is')).toEqual([
      ['Germany', 'Germany 8 visitors'],
      ['France', 'France 4 visitors'],
      ['Austria', 'Austria 1 visitor'],
    ]);
    const pages = await suggest('add=page&how=is');
    expect(optionsOf(pages.text)).toHaveLength(10);
    expect(pages.text).toContain('The 10 most frequent values. Type more to find others.');
    expect((await suggest('add=page&search=page-1')).text).toContain('<p class="hint">3 values</p>');
  });

  it('match what is typed, as people read the values', async () => {
    expect(await suggested('add=country&search=GERM')).toEqual([['Germany', 'Germany 8 visitors']]);
    expect(await suggested('add=page&search=caf%C3%A9')).toEqual([['/café', '/café 1 visitor']]);
    expect(await suggested('add=event&search=sign')).toEqual([['signup', 'signup 2 visitors']]);
    expect(await suggested('add=prop:plan&search=PRO')).toEqual([['pro', 'pro 1 visitor']]);
    expect((await suggest('add=page&search=%3Cimg%3E')).text).toContain(
      'No value contains “&lt;img>” in this report.',
    );
  });

  it('say what they mean if their text does not', async () => {
    expect(await suggested('add=source&search=direct')).toEqual([
      ['Direct / none', 'null', 'Direct / none 12 visitors'],
    ]);
    expect(await suggested('add=goal')).toEqual([
      ['signup', '&quot;goal_1&quot;', 'signup 2 visitors'],
      ['Visit /café', '&quot;goal_2&quot;', 'Visit /café 1 visitor'],
    ]);
    expect(await suggested('add=prop:plan&search=free')).toEqual([
      ['&lt;b>&quot;free&quot;', '&lt;b>&quot;free&quot; 1 visitor'],
    ]);
  });

  it('are within the filters of the report, except the one that gets a further value', async () => {
    expect(await suggested('add=page&search=page-1&f=country:FR')).toEqual([
      ['/page-10', '/page-10 1 visitor'],
      ['/page-11', '/page-11 1 visitor'],
    ]);
    const names = async (query: string) => (await suggested(query)).map(([name]) => name);
    expect(await names('add=country&how=is&f=country:FR')).toEqual(['Germany', 'France', 'Austria']);
    expect(await names('add=country&how=not&f=country:FR')).toEqual(['France']);
    expect(await names('add=country&how=not&f=!country:FR')).toEqual(['Germany', 'Austria']);
    expect(await names('add=country&how=is&edit=1&f=country:FR')).toEqual(['France']);
    expect(await names('add=country&range=yesterday')).toEqual([]);
  });

  it.each([
    ['an unknown dimension', 'add=weather', '“add” must be one of page'],
    ['no dimension', '', '“add” must be one of page'],
    ['the crawlers of a report', 'add=bot', '“add” must be one of page'],
    ['a property without a name', 'add=prop:', '“add” must be one of page'],
    ['a text that is too long', `add=page&search=${'x'.repeat(201)}`, '“search” must have at most 200'],
    ['two texts', 'add=page&search=a&search=b', '“search” must be given once'],
    ['an invalid filter', 'add=page&f=weather:x', 'has an unknown dimension'],
    ['an invalid period', 'add=page&from=2026-01-01', '“from” and “to” require range=custom'],
  ])('are refused for %s', async (_, query, problem) => {
    const { status, text } = await suggest(query);
    expect(status).toBe(400);
    expect(text).toContain(problem);
    expect(text).not.toContain('data-suggestions');
  });

  it('are for those who may see the report', async () => {
    const stranger = new DashboardVisitor(server.url);
    expect((await stranger.get(`${base}${pathOf('add=page')}`)).status).toBe(303);
    const other = await signedIn(world, server, await world.addAccount());
    expect((await other.get(`${base}${pathOf('add=page')}`)).status).toBe(404);
  });

  it('are the same below a public link, once its password is entered', async () => {
    const { text } = await visitor.post(`${base}/settings/shares`, {
      name: 'Board',
      'share-password': SHARE_PASSWORD,
    });
    const share = /\/share\/[\w-]+/.exec(text)?.[0] ?? 'no link';
    const board = new DashboardVisitor(server.url);
    const path = `${share}${pathOf('add=country')}`;
    expect((await board.get(path)).status).toBe(404);
    await board.get(share);
    await board.post(share, { password: SHARE_PASSWORD });
    const answer = await board.get(path);
    expect([answer.status, optionsOf(answer.text)]).toEqual([200, await suggested('add=country')]);
    expect((await board.get(share)).text).toContain(`data-suggest="${share}/suggestions"`);
    expect((await board.get(`${share}${pathOf('add=weather')}`)).status).toBe(400);
  });

  it('have their path in the forms of all pages with filters', async () => {
    for (const page of ['', '/funnels', '/journeys'])
      expect((await visitor.get(`${base}${page}`)).text).toContain(`data-suggest="${base}/suggestions"`);
  });
});

/** The fields of a form as a browser sends them. */
type Fields = [name: string, value: string][];

const unescaped = (text = '') =>
  text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** Returns the fields of the forms that change filters, one form for each chip. */
async function chipForms(path: string): Promise<{ action: string; fields: Fields }[]> {
  const { status, text: html } = await visitor.get(path);
  expect(status, path).toBe(200);
  return [...html.matchAll(/<details class="menu chip-menu".*?<\/details>/gs)].map(([chip]) => {
    const tags = chip.match(/<(?:input|select|option)(?: [\w-]+(?:="[^"]*")?)*\/?>/g) ?? [];
    const attribute = (tag: string, name: string) =>
      unescaped(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1]);
    const fields: Fields = tags.flatMap((tag): Fields => {
      if (tag.startsWith('<select')) return [];
      const value = attribute(tag, 'value');
      if (tag.startsWith('<option')) return / selected\b/.test(tag) ? [['how', value]] : [];
      // Fields have one line, and a line break of any other value is sent as CR LF.
      const isHidden = attribute(tag, 'type') === 'hidden';
      return [
        [
          attribute(tag, 'name'),
          isHidden ? value.replaceAll(/\r\n?|\n/g, '\r\n') : value.replaceAll(/[\r\n]/g, ''),
        ],
      ];
    });
    return { action: attribute(chip, 'action'), fields };
  });
}

/** Sends the form of a chip after a change. Returns the query that it leads to. */
async function edit(
  path: string,
  position: number,
  change: (fields: Fields) => Fields = (fields) => fields,
): Promise<string[]> {
  const { action, fields } = (await chipForms(path))[position] ?? { action: '', fields: [] };
  const answer = await visitor.get(`${action}?${new URLSearchParams(change(fields))}`);
  expect(answer.status).toBe(303);
  const address = new URL(String(answer.headers.location), 'http://server');
  expect(address.pathname).toBe(action);
  return [...address.searchParams].map(([name, value]) => `${name}=${value}`);
}

const withField = (name: string, value: string) => (fields: Fields) =>
  fields.map(([each, old]): [string, string] => [each, each === name ? value : old]);

/** Types into the fields of values, in their order; those that are left are cleared. */
const withTexts =
  (...texts: string[]) =>
  (fields: Fields) => {
    const left = [...texts];
    return fields.map(([name, old]): [string, string] => [
      name,
      name === 'text' ? (left.shift() ?? '') : old,
    ]);
  };

const reportOf = (...filters: string[]) =>
  `${base}?range=7d&${filters.map((filter) => `f=${encodeURIComponent(filter)}`).join('&')}`;

describe('the form of a chip', () => {
  it.each([
    'country:DE|FR',
    '!country:DE',
    '~page:blog|docs',
    '!~page:blog',
    'source:',
    '!source:|Google',
    'utm_campaign:|No campaign',
    'prop:plan:\\0|pro',
    'prop:a\\:b:c\\|d|e\\\\f',
    'prop:plan:"><img src=x onerror=alert(1)>|& &amp;',
    'prop:plan: two  blanks |\ttab',
    'prop:plan:first\nsecond|   ',
    'prop:plan:|Unknown|unknown',
    'prop:plan:\u202Ebackwards|😀',
    '~page: blog ',
    'page:/caf%C3%A9|/a%2Fb|not a path',
    'host:example.com|EXAMPLE.com',
    'channel:ai|AI assistants',
    'goal:goal_1|goal_2',
    'goal:signup',
    'language:de|German',
  ])('leaves %j as it is if nothing is changed', async (filter) => {
    expect(await edit(reportOf(filter), 0)).toEqual(['range=7d', `f=${filter}`]);
  });

  it('changes the condition of its filter, and nothing else of the URL', async () => {
    const path = `${base}?range=7d&compare=year&metric=bounce&pages=exit&f=page:/a&f=country:DE|FR&f=!page:/b`;
    const rest = ['range=7d', 'compare=year', 'metric=bounce', 'pages=exit'];
    expect(await edit(path, 1, withField('how', 'not'))).toEqual([
      ...rest,
      ...['f=page:/a', 'f=!country:DE|FR', 'f=!page:/b'],
    ]);
    expect(await edit(path, 1, withField('how', 'has'))).toEqual([
      ...rest,
      ...['f=page:/a', 'f=~country:Germany|France', 'f=!page:/b'],
    ]);
    // A filter of the same kind as another one remains a filter of its own.
    expect(await edit(path, 2, withField('how', 'is'))).toEqual([
      ...rest,
      ...['f=page:/a', 'f=country:DE|FR', 'f=page:/b'],
    ]);
    expect(await edit(reportOf('~page:/b'), 0, withField('how', 'lacks'))).toContain('f=!~page:/b');
    expect(await edit(reportOf('goal:goal_2'), 0, withField('how', 'has'))).toContain('f=~goal:/café');
  });

  it('changes, adds and removes values by their names', async () => {
    const path = reportOf('country:DE|FR', 'source:|Google');
    expect(await edit(path, 0, withTexts('austria', 'France', 'Japan'))).toEqual([
      ...['range=7d', 'f=country:AT|FR|JP', 'f=source:|Google'],
    ]);
    expect(await edit(path, 1, withTexts('Direct / none', '', 'Bing'))).toContain('f=source:|Bing');
    expect(await edit(path, 1, withTexts('', 'Google'))).toContain('f=source:Google');
    expect(await edit(path, 0, withTexts())).toEqual(['range=7d', 'f=source:|Google']);
    expect(await edit(reportOf('goal:goal_1'), 0, withTexts('Visit /thanks'))).toContain('f=goal:/thanks');
  });

  it('keeps a filter beyond the limits, so that the report says what is wrong', async () => {
    const query = (await edit(reportOf('page:/a'), 0, withTexts('x'.repeat(5_000)))).join('&');
    const { status, text } = await visitor.get(`${base}?${query}`);
    expect([status, text.includes('is longer than 4096 characters')]).toEqual([400, true]);
  });

  it.each([
    ['edit=99', ['country:FR', 'page:/a']],
    ['edit=-1', ['country:FR', 'page:/a']],
    ['edit=0&edit=x', ['page:/a', 'country:FR']],
    ['edit=0&how=nonsense', ['page:/a', 'country:FR']],
    ['edit=0&known=/a&means={', ['page:/a', 'country:FR']],
    ['edit=0&known=/a&means=7', ['page:/a', 'country:FR']],
    ['edit=0&known=/a', ['page:/a', 'country:FR']],
    ['edit=0&known=/a&means=null', ['page:', 'country:FR']],
    ['edit=0&add=weather', ['page:/a', 'country:FR']],
  ])('takes %s', async (fields, filters) => {
    const answer = await visitor.get(`${base}?f=country:FR&add=page&text=/a&${fields}`);
    const { searchParams } = new URL(String(answer.headers.location), 'http://server');
    expect([...searchParams]).toEqual(filters.map((filter) => ['f', filter]));
  });

  it('is on every page with filters, and stays there', async () => {
    for (const page of ['funnels', 'journeys', 'map']) {
      const path = reportOf('country:DE', 'source:').replace(base, `${base}/${page}`);
      expect(await edit(path, 0, withField('how', 'not')), page).toEqual([
        ...['range=7d', 'f=!country:DE', 'f=source:'],
      ]);
    }
    const { text } = await visitor.post(`${base}/settings/shares`, { name: 'Team' });
    const share = /\/share\/[\w-]+/.exec(text)?.[0] ?? 'no link';
    for (const page of [share, `${share}/map`])
      expect(await edit(`${page}?f=country:DE`, 0, withField('how', 'not'))).toEqual(['f=!country:DE']);
  });

  it('is named by its filter, and so is the link that removes a value', async () => {
    const { text } = await visitor.get(reportOf('!country:DE|FR', 'source:'));
    const words = text.replaceAll(/<form.*?<\/form>/gs, '').replaceAll(/<[^>]*>/g, '');
    expect(words).toContain('Edit filter: Country is not Germany✕, remove value or France✕, remove value');
    expect(words).toContain('Edit filter: Source is Direct / none✕, remove filter');
    const remove = [...text.matchAll(/class="chip-value" href="([^"]*)"/g)].map(([, href]) =>
      unescaped(href),
    );
    expect(remove.map((href) => new URL(href, 'http://server').searchParams.getAll('f'))).toEqual([
      ...[['!country:FR', 'source:'], ['!country:DE', 'source:'], ['!country:DE|FR']],
    ]);
  });
});
