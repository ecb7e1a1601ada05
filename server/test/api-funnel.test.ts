import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Funnel } from '../src/api/funnel.ts';
import { addGoal } from '../src/app/goals.ts';
import { HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { event } from './support/entries.ts';

/** Funnels over HTTP. `reports-contract.ts` recounts their numbers in every engine. */

let api: ApiWorld;
let site: Site;
let apiKey: string;

const PATHS: readonly (readonly [country: string, ...paths: string[]])[] = [
  ['DE', '/', '/pricing?plan=pro', '!signup'],
  ['DE', '/', '/blog', '/pricing/teams'],
  ['FR', '/', '!signup', '/pricing'],
  ['FR', '/pricing', '!signup'],
];

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ site, apiKey } = await api.world.addOwner('example.com', 'pro'));
  const at = api.world.clock.now() - HOUR_MS;
  for (const [visitor, [country, ...paths]] of PATHS.entries())
    for (const [i, path] of paths.entries()) {
      const what = path.startsWith('!') ? { name: path.slice(1), path: '/pricing' } : { path };
      await api.world.store.events.append(
        event({
          ...{ siteId: site.id, receivedAtMs: at + i * MINUTE_MS, visitor: BigInt(visitor), country },
          ...what,
        }),
      );
    }
  await addGoal(api.world.store, site.id, { kind: 'event', pattern: 'signup' });
  await addGoal(api.world.store, site.id, { kind: 'page', pattern: '/pricing*' });
});
beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

const path = (steps: readonly string[], more = '') =>
  `/sites/${site.id}/funnel?${steps.map((step) => `step=${encodeURIComponent(step)}`).join('&')}${more}`;
const ask = (steps: readonly string[], more = '') => api.read<Funnel>(apiKey, path(steps, more));
const visitorsOf = ({ funnel }: Funnel) => funnel.map(({ visitors }) => visitors);

const STEPS = ['page:/', 'page:/pricing*', 'event:signup'];

describe('a funnel', () => {
  it('has visitors, visits, drop-off and conversion of each step', async () => {
    expect(await ask(STEPS)).toMatchObject({
      by: null,
      funnel: [
        {
          ...{ value: null, step: 1, target: 'page:/', visitors: 3, visits: 3 },
          ...{ drop_off: 0, conversion_rate: 1, step_conversion_rate: null },
        },
        {
          ...{ value: null, step: 2, target: 'page:/pricing*', visitors: 3, visits: 3 },
          ...{ drop_off: 0, conversion_rate: 1, step_conversion_rate: 1 },
        },
        {
          ...{ value: null, step: 3, target: 'event:signup', visitors: 1, visits: 1 },
          ...{ drop_off: 2, conversion_rate: 0.3333, step_conversion_rate: 0.3333 },
        },
      ],
      next_cursor: null,
    });
    const none = await ask(['page:/never', 'event:signup']);
    expect(none.funnel.map((each) => [each.visitors, each.conversion_rate])).toEqual([
      [0, null],
      [0, null],
    ]);
  });

  it('has goals as steps, by name, path and ID', async () => {
    const goals = await api.world.store.registry.goalsOf(site.id);
    const id = goals.find(({ kind }) => kind === 'event')?.id;
    for (const steps of [
      ['page:/', 'goal:/pricing*', 'goal:signup'],
      ['page:/', 'page:/pricing*', `goal:${id}`],
    ])
      expect(visitorsOf(await ask(steps))).toEqual([3, 3, 1]);
  });

  it('is filtered like other reports', async () => {
    expect(visitorsOf(await ask(STEPS, '&filter=country:DE'))).toEqual([2, 2, 1]);
    // Only the events that a filter keeps reach steps.
    expect(visitorsOf(await ask(STEPS, '&filter=!page:/blog|/'))).toEqual([0, 0, 0]);
  });

  it('is split by a dimension, page by page, into rows that add up', async () => {
    const whole = await ask(STEPS, '&by=country');
    expect(whole.funnel.map(({ value, step, visits }) => [value, step, visits])).toEqual([
      ...[
        ['DE', 1, 2],
        ['DE', 2, 2],
        ['DE', 3, 1],
      ],
      ...[
        ['FR', 1, 1],
        ['FR', 2, 1],
        ['FR', 3, 0],
      ],
    ]);
    const first = await ask(STEPS, '&by=country&limit=1');
    const cursor = encodeURIComponent(first.next_cursor ?? '');
    const second = await ask(STEPS, `&by=country&limit=1&cursor=${cursor}`);
    expect([...first.funnel, ...second.funnel]).toEqual(whole.funnel);
    expect(second.next_cursor).toBeNull();
    // A page is that of the first step's event.
    const pages = await ask(['page:/pricing*', 'event:signup'], '&by=page');
    expect(pages.funnel.map(({ value, visitors }) => [value, visitors])).toEqual([
      ...[
        ['/pricing', 2],
        ['/pricing', 1],
      ],
      ...[
        ['/pricing/teams', 1],
        ['/pricing/teams', 0],
      ],
      ...[
        ['/pricing?plan=pro', 1],
        ['/pricing?plan=pro', 1],
      ],
    ]);
    const other = path(STEPS, `&by=device&cursor=${cursor}`);
    expectRefusal(await api.get(apiKey, other), 400, 'INVALID_QUERY');
  });

  it('is available as CSV', async () => {
    const csv = await api.get(apiKey, path(STEPS, '&by=country&limit=1'), { accept: 'text/csv' });
    expect(csv.text.split('\r\n')).toEqual([
      'value,step,target,visitors,visits,drop_off,conversion_rate,step_conversion_rate',
      'DE,1,page:/,2,2,0,1,',
      'DE,2,page:/pricing*,2,2,0,1,1',
      'DE,3,event:signup,1,1,1,0.5,0.5',
      '',
    ]);
    expect(csv.headers.link).toContain('rel="next"');
  });

  it('counts a page with and without its slash as one where the site does', async () => {
    const { account } = await api.world.addOwner('slashes.example', 'pro');
    const { key } = await api.key(account);
    const [own] = await api.world.store.registry.sitesOf(account.id);
    if (own === undefined) throw new Error('the account has no site');
    const now = api.world.clock.now();
    for (const [i, page] of ['/a/', '/b'].entries())
      await api.world.store.events.append(event({ siteId: own.id, receivedAtMs: now - 2 + i, path: page }));
    const asked = `/sites/${own.id}/funnel?step=page:/a&step=page:/b/`;
    expect(visitorsOf(await api.read<Funnel>(key, asked))).toEqual([0, 0]);
    await api.world.store.registry.setMergeTrailingSlashes(own.id, true);
    expect(visitorsOf(await api.read<Funnel>(key, asked))).toEqual([1, 1]);
  });

  it.each([
    [[], 'step is required'],
    [['page:/'], 'at least 2 times; got 1'],
    [Array.from({ length: 9 }, () => 'page:/'), 'at most 8 times; got 9'],
    [['page:/', `page:/${'a'.repeat(500)}`], 'too long'],
    [['page:/', 'signup'], 'step "signup" must begin with page:, event: or goal:'],
    [['page:/', 'pages:/'], 'did you mean page:?'],
    [['page:/', 'event: '], 'has nothing after "event:"'],
    [['page:pricing', 'page:/'], 'has a path that does not begin with a slash'],
    [['page:/', 'goal:nothing'], 'names a goal that the site does not have: "nothing"'],
  ])('of %j is refused', async (steps, sentence) => {
    const answer = await api.get(apiKey, path(steps));
    expectRefusal(answer, 400, 'INVALID_QUERY');
    expect((answer.json() as { error: string }).error).toContain(sentence);
  });

  it('cannot be split by crawlers', async () => {
    expectRefusal(await api.get(apiKey, path(STEPS, '&by=bot')), 400, 'INVALID_QUERY');
  });
});
