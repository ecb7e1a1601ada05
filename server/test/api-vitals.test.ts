import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Vitals, VitalsItem } from '../src/api/vitals.ts';
import { MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { ratingOf, VITALS } from '../src/domain/vitals.ts';
import type { Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { until } from './support/poll.ts';
import { BROWSER } from './support/world.ts';

/** Web vitals and scroll depth, from the beacons of pages to the answers of the API. */

const PHONE =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';

let api: ApiWorld;
let site: Site;
let apiKey: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ site, apiKey } = await api.world.addOwner('example.com', 'pro'));
  // A crawler has no views that end. Its request shows that the server knows the site.
  const crawler = { headers: { 'user-agent': 'Googlebot/2.1' } };
  await until(
    () => api.server.send({ key: site.key, url: 'https://example.com/' }, crawler),
    ({ status }) => status === 202,
  );
});
beforeEach(() => api.world.clock.advance(MINUTE_MS));
afterAll(() => api.close());

let sent = 0;

/** Sends a view of a page, and its ends. */
async function view(path: string, ends: readonly object[], userAgent = BROWSER): Promise<void> {
  const id = `view-${++sent}`;
  const of = { key: site.key, url: `https://example.com${path}` };
  const headers = { 'user-agent': userAgent };
  expect((await api.server.send({ ...of, id }, { headers })).status).toBe(202);
  for (const [i, end] of ends.entries()) {
    const leave = { ...of, id: `${id}-${i}`, name: 'leave', view: id, ...end };
    expect((await api.server.send(leave, { headers })).status).toBe(202);
  }
}

const ask = (query = '') => api.read<Vitals>(apiKey, `/sites/${site.id}/vitals${query}`);

describe('web vitals and scroll depth', () => {
  it('are unknown, not zero, before a view ended', async () => {
    const { by, totals, vitals, next_cursor } = await ask();
    expect({ by, vitals, next_cursor }).toEqual({ by: 'page', vitals: [], next_cursor: null });
    expect(totals).toMatchObject({
      ...{ views: 0, scroll_depth: null, scroll_samples: 0 },
      ...{ lcp_p75: null, lcp_rating: null, lcp_samples: 0, cls_p75: null, inp_p75: null },
    });
  });

  it('are those that pages sent, with the thresholds of web.dev', async () => {
    await view('/fast', [{ scroll: 20, vitals: { lcp: 2500, inp: 200, cls: 0.1, fcp: 1800, ttfb: 800 } }]);
    await view('/fast', [
      { scroll: 100, vitals: { lcp: 2500.5, inp: 201, cls: 0.1001, fcp: 1801, ttfb: 801 } },
    ]);
    await view(
      '/slow',
      [{ scroll: 33, vitals: { lcp: 4000, inp: 500, cls: 0.25, fcp: 3000, ttfb: 1800 } }],
      PHONE,
    );
    await view(
      '/slow',
      [{ scroll: 40, vitals: { lcp: 4001, inp: 501, cls: 0.2501, fcp: 3001, ttfb: 1801 } }],
      PHONE,
    );
    // Of the smaller scripts, and of a page that cannot measure; both without vitals.
    await view('/core', [{ engaged: 5000, scroll: 10 }]);
    await view('/core', [{ engaged: 5000 }]);
    // A view that goes on: the greatest depth and the newest vitals. Unknown figures and impossible ones, such as a response in
    // no time, are not kept.
    await view('/again', [
      { scroll: 90, vitals: { cls: 0.5, mood: 'private', lcp: 1e20 } },
      { scroll: 30, vitals: { cls: 0, ttfb: 0 } },
    ]);
    const { totals, vitals } = await ask();
    expect(totals).toMatchObject({ views: 7, scroll_samples: 6, scroll_depth: 48.83 });
    expect(totals).toMatchObject({
      // Of four: the third. Of five, with a 0: the fourth.
      ...{ lcp_p75: 4000, lcp_rating: 'needs-improvement', lcp_samples: 4 },
      ...{ lcp_good: 1, lcp_needs_improvement: 2, lcp_poor: 1 },
      ...{ inp_p75: 500, inp_good: 1, inp_needs_improvement: 2, inp_poor: 1 },
      ...{ cls_p75: 0.25, cls_samples: 5, cls_good: 2, cls_needs_improvement: 2, cls_poor: 1 },
      ...{ fcp_p75: 3000, fcp_good: 1, fcp_needs_improvement: 2, fcp_poor: 1 },
      ...{ ttfb_p75: 1800, ttfb_good: 1, ttfb_needs_improvement: 2, ttfb_poor: 1 },
    });
    expect(vitals.map(({ value, views }) => [value, views])).toEqual([
      ['/fast', 2],
      ['/slow', 2],
      ['/core', 2],
      ['/again', 1],
    ]);
    expect(vitals[0]).toMatchObject({ scroll_depth: 60, lcp_p75: 2500.5, lcp_rating: 'needs-improvement' });
    expect(vitals[1]).toMatchObject({
      scroll_depth: 36.5,
      lcp_p75: 4001,
      lcp_rating: 'poor',
      cls_rating: 'poor',
    });
    expect(vitals[2]).toMatchObject({ scroll_depth: 10, scroll_samples: 1, lcp_p75: null, lcp_rating: null });
    expect(vitals[3]).toMatchObject({ scroll_depth: 90, cls_p75: 0, cls_rating: 'good', lcp_samples: 0 });
  });

  it('are split and filtered by pages and by what is known of visits', async () => {
    const devices = await ask('?by=device');
    expect(devices.vitals.map(({ value, views, lcp_p75 }) => [value, views, lcp_p75])).toEqual([
      ['desktop', 5, 2500.5],
      ['phone', 2, 4001],
    ]);
    expect((await ask('?by=browser&filter=device:phone')).vitals).toMatchObject([{ views: 2 }]);
    expect((await ask('?filter=page:/slow')).totals).toEqual(devices.vitals.map(withoutValue)[1]);
    expect((await ask('?filter=!~page:low')).totals).toEqual(devices.vitals.map(withoutValue)[0]);
    expect((await ask('?by=entry&filter=device:phone')).vitals).toMatchObject([{ value: '/slow' }]);
    expect((await ask('?start=2026-05-01&end=2026-05-02')).totals).toMatchObject({ views: 0 });
  });

  it('are on pages of a list, none repeated and none missing, and in CSV', async () => {
    const all = (await ask()).vitals;
    const seen: VitalsItem[] = [];
    for (let cursor = ''; ; ) {
      const page = await ask(`?limit=1${cursor}`);
      seen.push(...page.vitals);
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(all);
    const csv = await api.get(apiKey, `/sites/${site.id}/vitals?limit=2`, { accept: 'text/csv' });
    const [head = '', first = ''] = csv.text.split('\r\n');
    expect(head.split(',').slice(0, 6)).toEqual([
      'value',
      'views',
      'scroll_depth',
      'scroll_samples',
      'lcp_p75',
      'lcp_rating',
    ]);
    expect(first.split(',').slice(0, 6)).toEqual(['/fast', '2', '60', '2', '2500.5', 'needs-improvement']);
    expect(csv.headers.link).toMatch(/cursor=.*rel="next"/);
  });

  it('stay the same when their day is sealed and archived', async () => {
    const before = [await ask(), await ask('?by=country'), await ask('?by=exit&filter=device:desktop')];
    const day = utcDay(api.world.clock.now());
    expect(await api.world.store.reports.sealDaysBefore(day + 1)).toBe(1);
    await api.world.store.reports.archiveDaysBefore?.(day + 1);
    expect([await ask(), await ask('?by=country'), await ask('?by=exit&filter=device:desktop')]).toEqual(
      before,
    );
  });

  it('cannot be grouped or filtered by what views do not have', async () => {
    for (const query of ['by=host', 'by=event', 'by=prop:plan', 'by=bot', 'by=pages'])
      expectRefusal(await api.get(apiKey, `/sites/${site.id}/vitals?${query}`), 400, 'INVALID_QUERY');
    for (const filter of ['host:example.com', '!event:signup', 'prop:plan:pro']) {
      const answer = await api.get(apiKey, `/sites/${site.id}/vitals?filter=${filter}`);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      expect(answer.text).toContain('does not apply to views');
    }
    const other = await api.world.addOwner('other.example', 'free');
    expectRefusal(await api.get(other.apiKey, `/sites/${site.id}/vitals`), 403, 'SITE_NOT_FOUND');
  });
});

describe('ratings', () => {
  it.each(VITALS.map((vital) => [vital.short, vital] as const))(
    'of %s include both thresholds',
    (_, vital) => {
      expect(ratingOf(vital, 0)).toBe('good');
      expect(ratingOf(vital, vital.good)).toBe('good');
      expect(ratingOf(vital, vital.good * 1.001)).toBe('needs-improvement');
      expect(ratingOf(vital, vital.poor)).toBe('needs-improvement');
      expect(ratingOf(vital, vital.poor * 1.001)).toBe('poor');
    },
  );
});

function withoutValue({ value: _, ...figures }: VitalsItem) {
  return figures;
}
