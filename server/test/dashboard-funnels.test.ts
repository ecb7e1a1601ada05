import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addGoal } from '../src/app/goals.ts';
import { stepTyped, typedFor, withTypedSteps } from '../src/dashboard/funnels/steps.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { parseStep } from '../src/domain/funnel.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { World } from './support/world.ts';

/** The page of a site's funnels. */

let world: World;
let site: Site;
let visitor: DashboardVisitor;
let base: string;

/** What each visitor did, in order. A name after `!` is an event. */
const VISITS: readonly (readonly [country: string, ...steps: string[]])[] = [
  ['DE', '/', '/pricing', '!signup'],
  ['DE', '/', '/caf%C3%A9'],
  ['FR', '/', '/pricing'],
  ['FR', '/%3Cb%3E'],
];

beforeAll(async () => {
  world = await World.open();
  const server = await world.serve();
  const { account, site: added } = await world.addOwner('example.com', 'pro');
  site = added;
  visitor = await signedIn(world, server, account);
  base = `/dashboard/sites/${site.id}/funnels`;
  await addGoal(world.store, site.id, { kind: 'event', pattern: 'signup' });
  for (const [who, [country, ...steps]] of VISITS.entries())
    for (const [i, step] of steps.entries())
      await world.store.events.append(
        event({
          ...{ siteId: site.id, receivedAtMs: world.clock.now() - 5 * MINUTE_MS + i, country },
          ...{ visitor: BigInt(who), props: { plan: 'pro' } },
          ...(step.startsWith('!') ? { name: step.slice(1) } : { path: step }),
        }),
      );
});
afterAll(() => world.close());

const stepsOf = (...steps: readonly string[]) =>
  steps.map((step) => `&step=${encodeURIComponent(step)}`).join('');
const page = (query = '') => visitor.get(`${base}?range=today${query}`);
const FUNNEL = stepsOf('page:/', 'page:/pricing', 'goal:signup');
const list = (html: string) => /<ol class="funnel">.*?<\/ol>/s.exec(html)?.[0] ?? '';
const cells = (html: string) =>
  [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => cell.replaceAll(/<[^>]*>/g, '')),
  );

describe('the page of funnels', () => {
  it('says what a funnel and a visit are, and suggests steps, before any is asked for', async () => {
    const { status, text } = await visitor.get(base);
    expect(status).toBe(200);
    expect(text).toContain('after 30 minutes without a page view or event');
    expect(list(text)).toBe('');
    for (const [value, kind] of [
      ['/pricing', 'Page'],
      ['/café', 'Page'],
      ['signup', 'Event'],
      ['goal:signup', 'Goal'],
    ])
      expect(text).toContain(`<option value="${value}" label="${kind}"`);
    expect(text).not.toContain('<option value="pageview"');
    expect((await visitor.get(`/dashboard/sites/${site.id}`)).text).toContain(`href="${base}"`);
  });

  it('makes a URL of what was typed', async () => {
    const typed = ['/', ' /pricing ', '', 'signup', 'goal:signup'].map(
      (text) => `&typed=${encodeURIComponent(text)}`,
    );
    const { status, headers } = await page(`${typed.join('')}&by=&step=page:/old`);
    expect(status).toBe(303);
    expect(headers.location).toBe(
      `${base}?range=today${stepsOf('page:/', 'page:/pricing', 'event:signup', 'goal:signup').replaceAll('%20', '+')}`,
    );
  });

  it('shows how many reached each step, and how many left', async () => {
    const { text } = await page(FUNNEL);
    expect(text).toContain('33.3% completed all 3 steps');
    const shown = list(text)
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ');
    expect(shown).toContain('1. / 3 visitors 100.0%, 3 visits');
    expect(shown).toContain('1 (33.3%) left after step 1 2. /pricing 2 visitors 66.7%, 2 visits');
    expect(shown).toContain('1 (50.0%) left after step 2 3. signup 1 visitor 33.3%, 1 visit');
    expect(text).toContain('<rect width="66.7%"');
    const [table = ''] = /<table class="goals funnel-table">.*?<\/table>/s.exec(text) ?? [];
    expect(cells(table).slice(1)).toEqual([
      ['Step 1: /', '3', '3', '–', '100.0%', '–'],
      ['Step 2: /pricing', '2', '2', '1', '66.7%', '66.7%'],
      ['Step 3: signup', '1', '1', '1', '33.3%', '50.0%'],
    ]);
    // The fields have what was typed.
    for (const value of ['/', '/pricing', 'goal:signup'])
      expect(text).toMatch(new RegExp(`<input[^>]*value="${value}"`));
    expect(text).toContain('/funnel?step=page%3A%2F&amp;step=page%3A%2Fpricing&amp;step=goal%3Asignup');
  });

  it('splits a funnel by a dimension or property, and filters it', async () => {
    const { text } = await page(`${FUNNEL}&by=country`);
    const [table = ''] = /id="split".*?<\/table>/s.exec(text) ?? [];
    expect(cells(table).slice(1)).toEqual([
      ['Germany', '2', '1', '1', '50.0%'],
      ['France', '1', '1', '0', '0.0%'],
    ]);
    expect((await page(`${FUNNEL}&by=prop:plan`)).text).toContain('<option value="prop:plan" selected');
    const filtered = (await page(`${FUNNEL}&f=country:FR`)).text;
    expect(filtered).toContain('0.0% completed all 3 steps');
    expect(filtered).toContain('<input type="hidden" name="f" value="country:FR"');
  });

  it('has all of it as CSV, with the numbers of the page', async () => {
    const whole = await visitor.get(`${base}/rows.csv?range=today${FUNNEL}`);
    expect(whole.text.split('\r\n')).toEqual([
      'step,target,visitors,visits,drop_off,conversion_rate,step_conversion_rate',
      '1,page:/,3,3,0,1,',
      '2,page:/pricing,2,2,1,0.6667,0.6667',
      '3,goal:signup,1,1,1,0.3333,0.5',
      '',
    ]);
    const split = await visitor.get(`${base}/rows.csv?range=today${FUNNEL}&by=country`);
    expect(split.text.split('\r\n').slice(0, 3)).toEqual([
      'country,name,step,target,visitors,visits,drop_off,conversion_rate,step_conversion_rate',
      'DE,Germany,1,page:/,2,2,0,1,',
      'DE,Germany,2,page:/pricing,1,1,1,0.5,0.5',
    ]);
  });

  it.each([
    [stepsOf('page:/'), 'A funnel needs at least 2 steps.'],
    [stepsOf(...Array.from({ length: 9 }, () => 'page:/')), 'A funnel can have at most 8 steps.'],
    [stepsOf('page:/', 'goal:nothing'), 'names a goal that the site does not have'],
    [stepsOf('page:/', 'nothing'), 'must begin with page:, event: or goal:'],
    [stepsOf('page:/', '"><script>'), 'must begin with page:, event: or goal:'],
    [`${FUNNEL}&by=bot`, 'must be one of page,'],
    [`${FUNNEL}&range=never`, 'must be given once'],
  ])('says what is wrong with %s', async (query, sentence) => {
    const { status, text } = await page(query);
    expect(status).toBe(400);
    expect(text).toContain(sentence);
    expect(text).not.toContain('<script>');
    expect((await visitor.get(`${base}/rows.csv?range=today${query}`)).status).toBe(400);
  });

  it('shows odd pages as text, and nothing where nothing was reached', async () => {
    const { text } = await page(stepsOf('page:/<b>', 'event:never'));
    expect(text).toContain('<bdi>/&lt;b></bdi>');
    expect(text).toContain('0.0% completed');
    expect((await page(stepsOf('event:never', 'page:/'))).text).toContain('No visit reached the first step');
  });
});

describe('a typed step', () => {
  it('is a page, an event or a goal, and is shown as it was typed', () => {
    for (const [typed, step] of [
      ['/pricing*', 'page:/pricing*'],
      ['/café', 'page:/café'],
      ['signup', 'event:signup'],
      ['event:/odd', 'event:/odd'],
      ['event:goal:odd', 'event:goal:odd'],
      ['goal:signup', 'goal:signup'],
      ['a:b', 'event:a:b'],
    ] as const) {
      expect(stepTyped(typed)).toBe(step);
      const parsed = parseStep(step);
      if (typeof parsed === 'string') throw new Error(parsed);
      expect(typedFor(parsed)).toBe(typed === 'a:b' ? 'a:b' : typed);
    }
    expect(withTypedSteps(new URLSearchParams('step=page:/'))).toBeNull();
  });
});
