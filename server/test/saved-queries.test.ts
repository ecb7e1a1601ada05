import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeMember } from '../src/app/invitations.ts';
import { OWN_SAVED_MAX, TEAM_SAVED_MAX } from '../src/app/saved-queries.ts';
import type { Account, SavedQueryKind, Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** Segments and saved funnels: who saves, sees and changes which, and that opening one asks what was saved. */

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
});
afterAll(() => world.close());

interface Team {
  site: Site;
  owner: Account;
  base: string;
  visitor: DashboardVisitor;
  /** Adds a person with a role on the site, signed in. */
  join(role: 'admin' | 'viewer'): Promise<{ account: Account; visitor: DashboardVisitor }>;
}

/** A site with views from two countries, and its owner. */
async function teamOf(domain: string): Promise<Team> {
  const owner = await world.addAccount();
  const site = await world.addSite(owner, domain);
  for (const [visitor, country, path] of [
    [1n, 'DE', '/'],
    [2n, 'DE', '/pricing'],
    [3n, 'AT', '/'],
  ] as const)
    await world.store.events.append(
      event({ siteId: site.id, receivedAtMs: world.clock.now(), visitor, country, path }),
    );
  const join: Team['join'] = async (role) => {
    const account = await world.addAccount();
    await world.store.registry.setMember(site.id, account.id, role);
    return { account, visitor: await signedIn(world, server, account) };
  };
  return {
    ...{ site, owner, join, base: `/dashboard/sites/${site.id}` },
    visitor: await signedIn(world, server, owner),
  };
}

const savedIn = ({ site, owner }: Team, kind: SavedQueryKind = 'segment') =>
  world.store.registry.savedQueriesOf(site.id, kind, owner.id);

/** The fields of the form that saves a segment. */
const segment = (name: string, query: string, whom = 'me') => ({
  ...{ 'segment-name': name, 'segment-for': whom, query },
});

/** The text of the menu of segments, without what is around it. */
const menuIn = (text: string) => /<div class="saved-menu">.*?<\/details>/s.exec(text)?.[0] ?? '';

const linksIn = (text: string) =>
  [...text.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));

/** The numbers of a report: its figures, and those of its tables. */
const numbersIn = (text: string) =>
  [...text.matchAll(/<strong>([^<]*)<\/strong>|class="number">([^<]*)</g)].map(
    ([, one, other]) => one ?? other,
  );

describe('a segment', () => {
  it('is saved from the active filters, and marked where they are the same in any order', async () => {
    const team = await teamOf('saved.example');
    const { visitor, base } = team;
    expect(menuIn((await visitor.get(base)).text)).toContain('To save a segment, filter the report first.');
    const query = 'range=7d&compare=none&f=country:DE|AT&f=page:/';
    expect(menuIn((await visitor.get(`${base}?${query}`)).text)).toContain('name="segment-name"');
    const saved = await visitor.post(`${base}/segments`, segment('  The \n north ', query));
    expect([saved.status, decodeURIComponent(String(saved.headers.location))]).toEqual([
      303,
      `${base}?${query}`,
    ]);
    const menu = menuIn((await visitor.get(`${base}?range=7d&f=page:/&f=country:AT|DE`)).text);
    expect(menu).toContain('aria-current="true"><bdi>The north</bdi>');
    expect(menu).not.toContain('name="segment-name"');
    expect(menuIn((await visitor.get(`${base}?f=country:DE`)).text)).not.toContain('aria-current');
    expect(await savedIn(team)).toMatchObject([
      { name: 'The north', accountId: team.owner.id, query: 'f=country%3ADE%7CAT&f=page%3A%2F' },
    ]);
  });

  it('replaces the filters, keeps the rest of the address, and asks the same as its filters typed', async () => {
    const { visitor, base } = await teamOf('opened.example');
    await visitor.post(`${base}/segments`, segment('Germany', 'f=country:DE', 'team'));
    const page = await visitor.get(`${base}?range=today&compare=none&pages=exit&f=country:AT`);
    const [href = ''] = linksIn(menuIn(page.text));
    expect(decodeURIComponent(href)).toBe(`${base}?range=today&compare=none&pages=exit&f=country:DE`);
    const opened = (await visitor.get(href)).text;
    const typed = (await visitor.get(`${base}?range=today&compare=none&pages=exit&f=country:DE`)).text;
    expect(opened).toContain('>Germany<');
    const numbers = numbersIn(opened);
    expect(numbers.length).toBeGreaterThan(20);
    expect(numbers).toEqual(numbersIn(typed));
    expect(numbers[0]).toBe('2');
  });

  it('is offered on funnels and journeys, and leads back there', async () => {
    const { visitor, base } = await teamOf('elsewhere.example');
    for (const [place, query] of [
      ['funnels', 'step=page:/&step=page:/pricing'],
      ['journeys', 'page=/pricing'],
    ]) {
      const name = `On ${place}`;
      const back = `${query}&f=page:/${place}&back=${place}`;
      const saved = await visitor.post(`${base}/segments`, segment(name, back));
      const at = `${base}/${place}?${query}&f=page:/${place}`;
      expect(decodeURIComponent(String(saved.headers.location))).toBe(at);
      const menu = menuIn((await visitor.get(at)).text);
      expect(menu).toContain(`aria-current="true"><bdi>${name}</bdi>`);
      const [manage = ''] = linksIn(menu).slice(-1);
      expect(decodeURIComponent(manage)).toBe(`${base}/segments?${back}`);
      expect(linksIn((await visitor.get(manage)).text).map(decodeURIComponent)).toContain(at);
    }
    // An invented page is the report.
    const other = await visitor.post(`${base}/segments`, segment('x', 'f=page:/x&back=//evil.example'));
    expect(decodeURIComponent(String(other.headers.location))).toBe(`${base}?f=page:/x`);
  });

  it('is renamed, updated to the current filters, and deleted', async () => {
    const team = await teamOf('changed.example');
    const { visitor, base } = team;
    await visitor.post(`${base}/segments`, segment('Old', 'f=country:DE'));
    const [{ id = '' } = {}] = await savedIn(team);
    const query = 'range=7d&f=country:AT';
    const renamed = await visitor.post(`${base}/segments/change`, { id, name: 'New', query });
    expect(decodeURIComponent(String(renamed.headers.location))).toBe(`${base}/segments?${query}`);
    expect(await savedIn(team)).toMatchObject([{ name: 'New', query: 'f=country%3ADE' }]);
    await visitor.post(`${base}/segments/change`, { id, current: 'yes', query });
    expect(await savedIn(team)).toMatchObject([{ name: 'New', query: 'f=country%3AAT' }]);
    const { text } = await visitor.get(`${base}/segments?${query}`);
    expect(text).toContain('Country is Austria');
    await visitor.post(`${base}/segments/remove`, { id, query });
    expect(await savedIn(team)).toEqual([]);
    for (const path of ['change', 'remove'])
      expect((await visitor.post(`${base}/segments/${path}`, { id, name: 'x' })).status).toBe(404);
  });

  it('says that it cannot be used once its goal is gone, and breaks no page', async () => {
    const team = await teamOf('goal-gone.example');
    const { visitor, base } = team;
    await world.store.registry.addGoal({
      id: 'goal_x',
      siteId: team.site.id,
      kind: 'event',
      pattern: 'signup',
    });
    await visitor.post(`${base}/segments`, segment('Signed up', 'f=goal:goal_x'));
    expect((await visitor.get(`${base}/segments`)).text).toContain('Goal is signup');
    await world.store.registry.removeGoal(team.site.id, 'goal_x');
    for (const path of ['', '/funnels', '/journeys', '/segments']) {
      const { status, text } = await visitor.get(`${base}${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain('names a goal that the site does not have');
      expect(linksIn(text).filter((href) => href.includes('goal_x'))).toEqual([]);
    }
  });

  it.each([
    ['', 'f=country:DE', 'Enter a name of 1 to 100 characters.'],
    // A link of this name would be nothing to see or click on.
    ['\u200B\u202E\0', 'f=country:DE', 'Enter a name of 1 to 100 characters.'],
    ['x'.repeat(101), 'f=country:DE', 'Enter a name of 1 to 100 characters.'],
    ['No filter', 'range=7d', 'A segment needs at least one filter.'],
    ['Wrong', 'f=countries:DE', 'has an unknown dimension'],
    ['Many', Array.from({ length: 11 }, (_, i) => `f=page:/${i}`).join('&'), 'at most 10 filters'],
    ['Long', `f=page:/${'x'.repeat(4_000)}&f=page:/${'y'.repeat(4_000)}`, 'This segment is too long'],
  ])('is refused as %j with %j', async (name, query, sentence) => {
    const team = await teamOf('refused.example');
    const answer = await team.visitor.post(`${team.base}/segments`, segment(name, query));
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(sentence);
    expect(await savedIn(team)).toEqual([]);
  });

  it('is refused from a page that cannot be: its parameters are longer than a URL', async () => {
    const team = await teamOf('no-page.example');
    const query = `f=country:DE&x=${'x'.repeat(16 * 1024)}`;
    for (const path of ['segments', 'segments/change', 'segments/remove']) {
      await team.visitor.post(`${team.base}/segments`, segment(path, 'f=country:DE'));
      const id = (await savedIn(team)).find(({ name }) => name === path)?.id ?? '';
      const fields = { ...segment('x', query), id, name: 'x' };
      expect((await team.visitor.post(`${team.base}/${path}`, fields)).status).toBe(413);
    }
    expect(await savedIn(team)).toHaveLength(3);
  });

  it('has a name of its own among the team’s, and among a person’s own', async () => {
    const team = await teamOf('names.example');
    const { visitor, base } = team;
    await visitor.post(`${base}/segments`, segment('Germany', 'f=country:DE', 'team'));
    expect((await visitor.post(`${base}/segments`, segment('Germany', 'f=country:DE'))).status).toBe(303);
    const again = await visitor.post(`${base}/segments`, segment('germany', 'f=country:AT', 'team'));
    expect([again.status, again.text]).toEqual([
      422,
      expect.stringContaining('The team already has a segment with the name “germany”.'),
    ]);
    expect(again.text).toMatch(/value="germany"/);
    await visitor.post(`${base}/segments`, segment('Austria', 'f=country:AT', 'team'));
    const id = (await savedIn(team)).find(({ name }) => name === 'Austria')?.id ?? '';
    const renamed = await visitor.post(`${base}/segments/change`, { id, name: 'GERMANY', query: '' });
    expect(renamed.status).toBe(422);
    expect(await savedIn(team)).toHaveLength(3);
  });

  it('has a name that is only text', async () => {
    const { visitor, base } = await teamOf('hostile.example');
    const name = `"><script>alert(1)</script> \u202e ' & %00 \0`;
    await visitor.post(`${base}/segments`, segment(name, 'f=page:"><script>', 'team'));
    for (const path of ['', '/segments', '/funnels']) {
      const { status, text } = await visitor.get(`${base}${path}`);
      expect(status).toBe(200);
      expect(text).toContain('&lt;script>alert(1)');
      expect(text).not.toMatch(/<script>/);
    }
  });

  it('is one of a limited number, of the team and of each person', async () => {
    const team = await teamOf('full.example');
    const { site, owner, visitor, base } = team;
    const fill = async (count: number, accountId: string | null) => {
      for (let i = 0; i < count; i++)
        await world.store.registry.addSavedQuery({
          ...{ id: `${accountId ?? 'team'}_${i}_${site.id}`, siteId: site.id, kind: 'segment', accountId },
          ...{ name: `Full ${i}`, query: 'f=country%3ADE', createdAtMs: i },
        });
    };
    await fill(OWN_SAVED_MAX, owner.id);
    expect((await visitor.post(`${base}/segments`, segment('One more', 'f=country:DE'))).text).toContain(
      `You can save at most ${OWN_SAVED_MAX} segments for a site. Delete one first.`,
    );
    await fill(TEAM_SAVED_MAX - 1, null);
    expect((await visitor.post(`${base}/segments`, segment('Last', 'f=country:DE', 'team'))).status).toBe(
      303,
    );
    const full = await visitor.post(`${base}/segments`, segment('One more', 'f=country:DE', 'team'));
    expect(full.text).toContain(`The team can save at most ${TEAM_SAVED_MAX} segments`);
    const { account, visitor: other } = await team.join('viewer');
    expect((await other.post(`${base}/segments`, segment('Mine', 'f=country:DE'))).status).toBe(303);
    expect(await world.store.registry.savedQueriesOf(site.id, 'segment', account.id)).toHaveLength(
      TEAM_SAVED_MAX + 1,
    );
  });
});

describe('the people of a site', () => {
  it('see what is the team’s and their own, and nothing behind a public link', async () => {
    const { visitor, base, join } = await teamOf('people.example');
    const viewer = await join('viewer');
    await visitor.post(`${base}/segments`, segment('Of the owner', 'f=country:DE'));
    await visitor.post(`${base}/segments`, segment('Of the team', 'f=country:AT', 'team'));
    expect(
      (await viewer.visitor.post(`${base}/segments`, segment('Of the viewer', 'f=country:AT'))).status,
    ).toBe(303);
    for (const path of ['', '/segments', '/funnels']) {
      const own = (await visitor.get(`${base}${path}`)).text;
      expect(own).toContain('Of the owner');
      expect(own).toContain('Of the team');
      expect(own).not.toContain('Of the viewer');
      const seen = (await viewer.visitor.get(`${base}${path}`)).text;
      expect(seen).toContain('Of the viewer');
      expect(seen).toContain('Of the team');
      expect(seen).not.toContain('Of the owner');
    }
    const shared = await visitor.post(`${base}/settings/shares`, { name: 'Board', expires: '7' });
    const [path = ''] = /\/share\/[\w-]+/.exec(shared.text) ?? [];
    expect((await new DashboardVisitor(server.url).get(path)).text).not.toMatch(/Of the|Segments/);
    const stranger = await signedIn(world, server, await world.addAccount());
    expect((await stranger.get(`${base}/segments`)).status).toBe(404);
    expect((await stranger.post(`${base}/segments`, segment('x', 'f=country:DE'))).status).toBe(404);
  });

  it('save and change what is the team’s only if they may configure the site', async () => {
    const team = await teamOf('roles.example');
    const { visitor, base, join } = team;
    const [admin, viewer] = [await join('admin'), await join('viewer')];
    const refused = await viewer.visitor.post(`${base}/segments`, segment('x', 'f=country:DE', 'team'));
    expect(refused.status).toBe(403);
    expect(menuIn((await viewer.visitor.get(`${base}?f=country:DE`)).text)).not.toContain('value="team"');
    expect(
      (await admin.visitor.post(`${base}/segments`, segment('Shared', 'f=country:DE', 'team'))).status,
    ).toBe(303);
    await visitor.post(`${base}/segments`, segment('Private', 'f=country:DE'));
    const [shared = '', own = ''] = (await savedIn(team)).map(({ id }) => id);
    for (const path of ['change', 'remove']) {
      expect((await viewer.visitor.post(`${base}/segments/${path}`, { id: shared, name: 'x' })).status).toBe(
        403,
      );
      for (const other of [viewer, admin])
        expect((await other.visitor.post(`${base}/segments/${path}`, { id: own, name: 'x' })).status).toBe(
          404,
        );
    }
    expect((await viewer.visitor.get(`${base}/segments`)).text).not.toContain('segments/remove');
    expect((await savedIn(team)).map(({ name }) => name)).toEqual(['Shared', 'Private']);
  });

  it('lose their own with their role or account, and leave the team its own', async () => {
    const team = await teamOf('leavers.example');
    const { site, base, join } = team;
    const admins = [await join('admin'), await join('admin')];
    for (const [i, { visitor }] of admins.entries()) {
      await visitor.post(`${base}/segments`, segment(`Shared ${i}`, 'f=country:DE', 'team'));
      await visitor.post(`${base}/segments`, segment('Own', 'f=country:DE'));
    }
    const [left, gone] = admins.map(({ account }) => account.id) as [string, string];
    const { registry } = world.store;
    await removeMember({ registry, record: async () => undefined }, site, left);
    await registry.removeAccount(gone);
    for (const id of [left, gone])
      expect((await registry.savedQueriesOf(site.id, 'segment', id)).map(({ name }) => name)).toEqual([
        'Shared 0',
        'Shared 1',
      ]);
  });
});

describe('a saved funnel', () => {
  const STEPS = 'step=page:/&step=event:signup';
  const funnel = (name: string, query: string, whom = 'me') => ({
    ...{ 'funnel-name': name, 'funnel-for': whom, query },
  });
  const menuOf = (text: string) => text.match(/<div class="saved-menu">.*?<\/details>/gs)?.[1] ?? '';

  it('is saved with its split, opened with the period and the filters of the page, and marked', async () => {
    const team = await teamOf('funnel.example');
    const { visitor, base } = team;
    expect(menuOf((await visitor.get(`${base}/funnels`)).text)).toContain(
      'To save a funnel, show one first.',
    );
    const query = `range=7d&f=country:DE&${STEPS}&by=country`;
    expect(menuOf((await visitor.get(`${base}/funnels?${query}`)).text)).toContain('name="funnel-name"');
    const saved = await visitor.post(`${base}/saved-funnels`, funnel('Sign-up', query, 'team'));
    expect(decodeURIComponent(String(saved.headers.location))).toBe(`${base}/funnels?${query}`);
    expect(await savedIn(team, 'funnel')).toMatchObject([
      { accountId: null, query: 'step=page%3A%2F&step=event%3Asignup&by=country' },
    ]);
    expect(await savedIn(team)).toEqual([]);
    const active = (text: string) => menuOf(text).includes('aria-current="true"><bdi>Sign-up</bdi>');
    expect(active((await visitor.get(`${base}/funnels?${STEPS}&by=country`)).text)).toBe(true);
    expect(active((await visitor.get(`${base}/funnels?${STEPS}`)).text)).toBe(false);
    const page = (await visitor.get(`${base}/funnels?range=today&f=country:AT&step=page:/x&step=page:/y`))
      .text;
    const [href = ''] = linksIn(menuOf(page));
    expect(decodeURIComponent(href)).toBe(`${base}/funnels?range=today&f=country:AT&${STEPS}&by=country`);
    const opened = (await visitor.get(`${base}/funnels?${STEPS}&by=country`)).text;
    expect(numbersIn((await visitor.get(linksIn(menuOf(opened))[0] ?? '')).text)).toEqual(numbersIn(opened));
    // A page without a funnel lists it.
    const empty = (await visitor.get(`${base}/funnels`)).text;
    expect(empty).toMatch(/id="saved".*Sign-up.*2\. signup.*Split by Country/s);
  });

  it('is renamed, updated and deleted, and seen by the team alone', async () => {
    const team = await teamOf('funnel-changes.example');
    const { visitor, base, join } = team;
    await visitor.post(`${base}/saved-funnels`, funnel('Old', STEPS, 'team'));
    const [{ id = '' } = {}] = await savedIn(team, 'funnel');
    const viewer = (await join('viewer')).visitor;
    expect((await viewer.get(`${base}/funnels`)).text).toContain('Old');
    expect((await viewer.post(`${base}/saved-funnels/remove`, { id })).status).toBe(403);
    expect((await viewer.post(`${base}/saved-funnels`, funnel('x', STEPS, 'team'))).status).toBe(403);
    expect((await viewer.post(`${base}/saved-funnels`, funnel('Mine', STEPS))).status).toBe(303);
    expect((await visitor.get(`${base}/saved-funnels`)).text).not.toContain('Mine');
    // A funnel is not a segment.
    expect((await visitor.post(`${base}/segments/remove`, { id })).status).toBe(404);
    const query = 'step=page:/&step=page:/pricing';
    await visitor.post(`${base}/saved-funnels/change`, { id, name: 'New', query });
    await visitor.post(`${base}/saved-funnels/change`, { id, current: 'yes', query });
    expect(await savedIn(team, 'funnel')).toMatchObject([
      { name: 'New', query: 'step=page%3A%2F&step=page%3A%2Fpricing' },
    ]);
    await visitor.post(`${base}/saved-funnels/remove`, { id, query });
    expect(await savedIn(team, 'funnel')).toEqual([]);
  });

  it.each([
    ['step=page:/', 'A funnel has 2 to 8 steps.'],
    [Array.from({ length: 9 }, (_, i) => `step=page:/${i}`).join('&'), 'A funnel has 2 to 8 steps.'],
    ['step=page:/&step=signup', 'must begin with page:, event: or goal:'],
    [`${STEPS}&by=nothing`, 'is unknown'],
  ])('is refused as %j', async (query, sentence) => {
    const team = await teamOf('funnel-refused.example');
    const answer = await team.visitor.post(`${team.base}/saved-funnels`, funnel('x', query));
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining(sentence)]);
    expect(await savedIn(team, 'funnel')).toEqual([]);
  });

  it('says that it cannot be used once its goal is gone', async () => {
    const team = await teamOf('funnel-goal.example');
    const { visitor, base, site } = team;
    await world.store.registry.addGoal({ id: 'goal_y', siteId: site.id, kind: 'event', pattern: 'signup' });
    await visitor.post(`${base}/saved-funnels`, funnel('To the goal', 'step=page:/&step=goal:goal_y'));
    await world.store.registry.removeGoal(site.id, 'goal_y');
    for (const path of ['funnels', 'saved-funnels']) {
      const { status, text } = await visitor.get(`${base}/${path}`);
      expect([status, text]).toEqual([
        200,
        expect.stringContaining('names a goal that the site does not have'),
      ]);
      expect(linksIn(text).filter((href) => href.includes('goal_y'))).toEqual([]);
    }
  });
});
