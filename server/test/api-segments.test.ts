import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Segments } from '../src/api/segments.ts';
import { TEAM_SAVED_MAX } from '../src/app/saved-queries.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import type { Account, Site } from '../src/store/contract/store.ts';
import { ApiWorld, expectRefusal } from './support/api.ts';
import { event } from './support/entries.ts';
import type { Answer } from './support/http.ts';

/** The segments of a team in the API, and reports of a segment. */

let api: ApiWorld;
let account: Account;
let site: Site;
let read: string;
let configure: string;

beforeAll(async () => {
  api = await ApiWorld.open();
  ({ account, site, apiKey: read } = await api.world.addOwner('example.com', 'pro'));
  ({ key: configure } = await api.key(account, { scopes: ['read', 'configure'] }));
  for (const [visitor, country, path] of [
    [1n, 'DE', '/'],
    [2n, 'DE', '/pricing'],
    [3n, 'AT', '/'],
    [4n, 'FR', '/pricing'],
  ] as const)
    await api.world.store.events.append(
      event({ siteId: site.id, receivedAtMs: api.world.clock.now(), visitor, country, path }),
    );
});
beforeEach(async () => {
  api.world.clock.advance(MINUTE_MS);
  const { registry } = api.world.store;
  for (const { id } of await registry.savedQueriesOf(site.id, 'segment', account.id))
    await registry.removeSavedQuery(site.id, id);
});
afterAll(() => api.close());

const send = (method: string, path: string, body?: unknown, key = configure): Promise<Answer> =>
  api.ask({
    ...{ method, path: `/api/v1/sites/${site.id}${path}` },
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const create = (name: string, ...filters: string[]) => send('POST', '/segments', { name, filters });
const idOf = (answer: Answer) => (answer.json() as { id: string }).id;

describe('segments', () => {
  it('are created, listed, changed and deleted by a key with the scope', async () => {
    const body = { name: ' South  ', filters: ['country:AT|CH', 'country:AT|CH', '!page:/pricing'] };
    expect((await send('POST', '/segments', body, read)).json()).toMatchObject({ code: 'SCOPE_REQUIRED' });
    const created = await send('POST', '/segments', body);
    const id = idOf(created);
    const item = {
      ...{ id, name: 'South', filters: ['country:AT|CH', '!page:/pricing'], problem: null },
      created_at: new Date(api.world.clock.now()).toISOString(),
    };
    expect([created.status, created.json()]).toEqual([200, { site_id: site.id, ...item }]);
    expect(await api.read<Segments>(read, `/sites/${site.id}/segments`)).toEqual({
      ...{ site_id: site.id, segments: [item] },
    });
    const path = `/segments/${id}`;
    for (const method of ['PUT', 'DELETE'])
      expect((await send(method, path, { name: 'x' }, read)).json()).toMatchObject({
        code: 'SCOPE_REQUIRED',
      });
    expect((await send('PUT', path, { filters: ['country:FR'] })).json()).toMatchObject({
      ...{ name: 'South', filters: ['country:FR'] },
    });
    expect((await send('PUT', path, { ...item, name: 'West' })).json()).toMatchObject({
      ...{ name: 'West', filters: ['country:AT|CH', '!page:/pricing'] },
    });
    expect((await send('DELETE', path)).json()).toMatchObject({ id, name: 'West' });
    for (const method of ['PUT', 'DELETE'])
      expectRefusal(await send(method, path, { name: 'x' }), 404, 'NOT_FOUND');
    expect((await api.read<Segments>(read, `/sites/${site.id}/segments`)).segments).toEqual([]);
  });

  it('are those of the dashboard’s team, without what people save for themselves', async () => {
    const { registry } = api.world.store;
    const own = { siteId: site.id, kind: 'segment', query: 'f=country%3ADE', createdAtMs: 0 } as const;
    await registry.addSavedQuery({ ...own, id: 'segment_own', accountId: account.id, name: 'Own' });
    await create('Shared', 'country:DE');
    expect((await api.read<Segments>(read, `/sites/${site.id}/segments`)).segments).toMatchObject([
      { name: 'Shared' },
    ]);
    for (const method of ['PUT', 'DELETE'])
      expectRefusal(await send(method, '/segments/segment_own', { name: 'x' }), 404, 'NOT_FOUND');
    expectRefusal(await send('GET', '/stats?segment=segment_own'), 400, 'INVALID_QUERY');
  });

  it.each([
    [{}, 'The body'],
    [{ name: '', filters: ['country:DE'] }, 'name'],
    [{ name: '  ', filters: ['country:DE'] }, 'Enter a name'],
    [{ name: 'x'.repeat(101), filters: ['country:DE'] }, 'name'],
    [{ name: 'x', filters: [] }, 'filters'],
    [{ name: 'x', filters: ['contry:DE'] }, 'did you mean country?'],
    [{ name: 'x', filters: [`page:/${'x'.repeat(4_000)}`, `page:/${'y'.repeat(4_000)}`] }, 'too long'],
    [{ name: 'x', filters: ['country:DE'], team: true }, 'Unknown field'],
    [[], 'The body'],
  ])('are refused as %j', async (body, sentence) => {
    const answer = await send('POST', '/segments', body);
    expectRefusal(answer, 400, 'INVALID_REQUEST');
    expect(answer.text).toContain(sentence);
  });

  it('have unique names, and are limited in number', async () => {
    const id = idOf(await create('One', 'country:DE'));
    expect((await create('ONE', 'country:FR')).text).toContain('The team already has a segment');
    await create('Two', 'country:FR');
    expectRefusal(await send('PUT', `/segments/${id}`, { name: 'two' }), 400, 'INVALID_REQUEST');
    for (let i = 2; i < TEAM_SAVED_MAX; i++)
      await api.world.store.registry.addSavedQuery({
        ...{ id: `segment_${i}`, siteId: site.id, kind: 'segment', accountId: null },
        ...{ name: `Full ${i}`, query: 'f=country%3ADE', createdAtMs: i },
      });
    expect((await create('Last', 'country:FR')).text).toContain(`at most ${TEAM_SAVED_MAX} segments`);
  });
});

describe('a report of a segment', () => {
  const REPORTS = [
    'stats?compare=previous',
    'timeseries?granularity=day',
    'breakdown?by=page',
    'goals?',
    'vitals?',
    'funnel?step=page:/&step=page:/pricing',
    'journey?page=/',
  ];

  it.each(REPORTS)('is that of its filters: %s', async (path) => {
    const id = idOf(await create('Germany', 'country:DE', 'page:/'));
    const of = async (filters: string) =>
      (await api.get(read, `/sites/${site.id}/${path}&${filters}`)).json() as object;
    const typed = await of('filter=country:DE&filter=page:/');
    expect(await of(`segment=${id}`)).toEqual(typed);
    expect(typed).not.toHaveProperty('code');
  });

  it('keeps what also matches the filters', async () => {
    const id = idOf(await create('German-speaking', 'country:DE|AT'));
    const visitors = async (filters: string) =>
      (await api.read<{ totals: { visitors: number } }>(read, `/sites/${site.id}/stats?${filters}`)).totals
        .visitors;
    expect(await visitors(`segment=${id}`)).toBe(3);
    expect(await visitors(`segment=${id}&filter=page:/`)).toBe(2);
    expect(await visitors(`segment=${id}&filter=country:FR`)).toBe(0);
  });

  it('is refused if the segment is unknown, of another site, given twice or unusable', async () => {
    const other = await api.world.addSite(account, 'other.example');
    const saved = { kind: 'segment', accountId: null, createdAtMs: 0 } as const;
    const { registry } = api.world.store;
    await registry.addSavedQuery({
      ...{ ...saved, id: 'segment_other', siteId: other.id, name: 'Other', query: 'f=country%3ADE' },
    });
    await registry.addSavedQuery({
      ...{ ...saved, id: 'segment_gone', siteId: site.id, name: 'Gone', query: 'f=goal%3Agoal_gone' },
    });
    for (const [query, sentence] of [
      ['segment=segment_none', 'segment must be the ID of a segment'],
      ['segment=segment_other', 'segment must be the ID of a segment'],
      ['segment=segment_other&segment=segment_gone', 'must be given once'],
      [`segment=${'x'.repeat(200)}`, 'segment is invalid'],
      ['segment=', 'segment is invalid'],
      ['segment=segment_gone', 'The segment \\"Gone\\" cannot be used.'],
    ] as const) {
      const answer = await api.get(read, `/sites/${site.id}/stats?${query}`);
      expectRefusal(answer, 400, 'INVALID_QUERY');
      expect(answer.text).toContain(sentence);
    }
    expect((await api.read<Segments>(read, `/sites/${site.id}/segments`)).segments).toMatchObject([
      { name: 'Gone', problem: expect.stringContaining('names a goal that the site does not have') },
    ]);
  });

  it('does not go on with the next page after the segment was changed', async () => {
    const id = idOf(await create('Germany', 'country:DE'));
    const path = `/sites/${site.id}/breakdown?by=page&limit=1&segment=${id}`;
    const { next_cursor: cursor } = await api.read<{ next_cursor: string }>(read, path);
    expect((await api.get(read, `${path}&cursor=${cursor}`)).status).toBe(200);
    await send('PUT', `/segments/${id}`, { filters: ['country:FR'] });
    expectRefusal(await api.get(read, `${path}&cursor=${cursor}`), 400, 'INVALID_QUERY');
  });
});
