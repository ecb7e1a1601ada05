import { afterAll, beforeAll, expect, it } from 'vitest';
import { createResetLink } from '../src/app/password-reset.ts';
import { recordNothing } from '../src/app/security-log.ts';
import { MINUTE_MS } from '../src/domain/clock.ts';
import { signedIn } from './support/dashboard-person.ts';
import { DashboardVisitor } from './support/dashboard-visitor.ts';
import { type RunningServer, World } from './support/world.ts';

/** Estimating a password keeps the server busy for up to 0.2 seconds, so each form that takes a new one limits that. */

const WEAK = 'password123';
const WINDOW_MS = 15 * MINUTE_MS;

let world: World;
let server: RunningServer;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve({ settings: { SIGNUPS: 'open' } });
});
afterAll(() => world.close());

/** Sends a form with an easy password until it is refused for another reason. @returns the number of times, and that status */
async function tryOften(send: () => Promise<{ status: number }>): Promise<[tries: number, status: number]> {
  for (let tries = 1; tries <= 60; tries++) {
    const { status } = await send();
    if (status !== 422) return [tries, status];
  }
  return [60, 422];
}

it('limits the new passwords of an account, its public links and its reset link together', async () => {
  const { account, site } = await world.addOwner();
  const visitor = await signedIn(world, server, account);
  const form = { 'old-password': '', 'new-password': WEAK };
  expect(await tryOften(() => visitor.post('/dashboard/account/password', form))).toEqual([21, 429]);

  const link = `/dashboard/sites/${site.id}/settings/shares`;
  expect((await visitor.post(link, { name: 'locked', 'share-password': WEAK })).text).toContain(
    'Too many attempts',
  );
  const context = { registry: world.store.registry, clock: world.clock, record: recordNothing };
  const { path } = await createResetLink(context, account);
  const reset = { token: path.split('/').at(-1) ?? '', password: WEAK };
  expect((await visitor.post('/reset', reset)).status).toBe(429);

  world.clock.advance(WINDOW_MS);
  expect((await visitor.post('/reset', { ...reset, password: 'a new one that is long' })).status).toBe(303);
});

it('limits sign-ups before it looks at the password', async () => {
  const visitor = new DashboardVisitor(server.url);
  await visitor.get('/signup');
  const form = { email: 'new@example.com', password: WEAK };
  expect(await tryOften(() => visitor.post('/signup', form))).toEqual([51, 429]);
});
