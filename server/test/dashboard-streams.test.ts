import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { changeEmail, changePassword } from '../src/app/accounts.ts';
import { removeMember } from '../src/app/invitations.ts';
import { recordNothing } from '../src/app/security-log.ts';
import { type Registry, type Site, StoreUnavailable } from '../src/store/contract/store.ts';
import { openShared } from '../src/store/open.ts';
import { PASSWORD, signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { until } from './support/poll.ts';
import { command } from './support/program.ts';
import { type RunningServer, World } from './support/world.ts';

/** Live streams end with the rights of the person who opened them, whichever process takes these away. */

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
});
afterAll(() => world.close());

interface Stream {
  text(): string;
  ended: Promise<boolean>;
}

/** Opens a live stream. `ended` resolves to whether the server ended it itself. */
async function open(visitor: DashboardVisitor, url: string, base: string, after = ''): Promise<Stream> {
  const request = get(`${url}${base}/live${after}`, { headers: { cookie: visitor.cookieHeader } });
  onTestFinished(() => void request.destroy());
  const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
  expect(response.statusCode).toBe(200);
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => undefined);
  const ended = new Promise<boolean>((resolve) => response.on('close', () => resolve(response.complete)));
  return { text: () => text, ended };
}

/** Signs the owner of a new site in, and adds a member who is signed in, too. */
async function people(domain: string) {
  const { account, site } = await world.addOwner(domain);
  const guest = await world.addAccount();
  await world.store.registry.setMember(site.id, guest.id, 'viewer');
  const [visitor, member] = [await signedIn(world, server, account), await signedIn(world, server, guest)];
  return { account, site, guest, visitor, member, base: `/dashboard/sites/${site.id}` };
}

/** Opens the registry as another process has it. */
async function elsewhere() {
  const { registry, close } = await openShared({ dataDir: world.dataDir });
  onTestFinished(close);
  return { registry, clock: world.clock, record: recordNothing };
}

type People = Awaited<ReturnType<typeof people>>;

describe('a live stream', () => {
  it.each<[string, (of: People) => Promise<unknown>]>([
    ['signs out', ({ visitor }) => visitor.post('/logout')],
    [
      'changes the password in another browser',
      async ({ account }) => {
        const other = new DashboardVisitor(server.url);
        await other.signIn(account.email, PASSWORD);
        const fields = { 'old-password': PASSWORD, 'new-password': 'another horse battery' };
        expect((await other.post('/dashboard/account/password', fields)).status).toBe(303);
      },
    ],
    [
      'signs out all other sessions',
      async ({ account }) => {
        const other = new DashboardVisitor(server.url);
        await other.signIn(account.email, PASSWORD);
        expect((await other.post('/dashboard/account/sessions')).status).toBe(303);
      },
    ],
    [
      'sets a new password in another process',
      async ({ account }) => changePassword(await elsewhere(), account.id, 'another horse battery'),
    ],
    [
      'changes the email address in another process',
      async ({ account, site }) => changeEmail(await elsewhere(), account.id, `new@${site.domain}`),
    ],
    [
      'loses the account on the command line',
      async ({ account }) => {
        const { code } = await command(world.dataDir, ['account', 'remove', '--email', account.email]);
        expect(code).toBe(0);
      },
    ],
    ['loses the site', async ({ site }) => (await elsewhere()).registry.removeSite(site.id)],
  ])('ends once its owner %s', async (what, change) => {
    const of = await people(`${what.replaceAll(/\W/g, '-')}.example`);
    const stream = await open(of.visitor, server.url, of.base);
    await change(of);
    expect(await stream.ended).toBe(true);
  });

  it('ends for a member who is removed, and for nobody else', async () => {
    const { site, guest, visitor, member, base } = await people('members.example');
    const [kept, removed] = [await open(visitor, server.url, base), await open(member, server.url, base)];
    await removeMember(await elsewhere(), site, guest.id);
    expect(await removed.ended).toBe(true);
    await server.send(
      { key: site.key, url: 'https://members.example/' },
      { headers: { origin: 'https://members.example' } },
    );
    await until(kept.text, (text) => text.includes('data: '));
  });
});

describe('a live stream whose registry does not answer', () => {
  /** Returns a registry that can be made unreachable for sessions, and the number of times it then refused to answer. */
  function unreliable(registry: Registry) {
    const state = { isAway: false, refusals: 0 };
    const sessionByToken: Registry['sessionByToken'] = async (...args) => {
      if (!state.isAway) return registry.sessionByToken(...args);
      state.refusals += 1;
      throw new StoreUnavailable('away');
    };
    return { state, registry: { ...registry, sessionByToken } };
  }

  const send = (to: RunningServer, { key }: Site) =>
    to.send({ key, url: 'https://away.example/' }, { headers: { origin: 'https://away.example' } });

  it('sends nothing, then ends, so that the browser gets what it missed', async () => {
    const { site, visitor, base } = await people('away.example');
    const { state, registry } = unreliable(world.store.registry);
    const other = await world.serve({ registry });
    expect((await send(other, site)).status).toBe(202);
    const stream = await open(visitor, other.url, base, '?after=0');
    const first = await until(stream.text, (text) => text.includes('data: '));
    state.isAway = true;
    // Three checks take more than a second.
    await until(
      () => state.refusals,
      (refusals) => refusals > 3,
    );
    expect((await send(other, site)).status).toBe(202);
    state.isAway = false;
    expect(await stream.ended).toBe(true);
    expect(stream.text()).toBe(first);
    const lastId = /^id: (\d+)/m.exec(first)?.[1];
    const again = await open(visitor, other.url, base, `?after=${lastId}`);
    await until(again.text, (text) => text.includes('data: '));
  });
});
