import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/app/passwords.ts';
import { openShared } from '../../src/store/open.ts';
import { PASSWORD } from '../support/dashboard-person.ts';
import { DashboardVisitor } from '../support/dashboard-visitor.ts';
import { temporaryFolder } from '../support/paths.ts';
import { startProgram } from '../support/program.ts';
import { complaintAbout, exchange, improperLines } from '../support/raw-http.ts';
import { registeredRoutes } from '../support/registered-routes.ts';
import { World } from '../support/world.ts';
import { bytesOf, type OddRequest, oddRequests } from './support/odd-requests.ts';
import { addOwner, expectSound } from './support/owner.ts';
import { OutcomeCounts } from './support/pages.ts';

/** Every route answers any request, of a stranger or of a signed-in user, with a page, a success or a named refusal. */

const SEED = 20_260_514;
/** `FUZZ_REQUESTS=1000000` sends a million, which takes about half an hour. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 4_000);
/** The requests that are generated at once. */
const CHUNK = 1_000;
const AT_ONCE = 8;
/** Ends a request that hangs. */
const ANSWER_MAX_MS = 30_000;
/** Ends a test that hangs. */
const TIMEOUT_MS = 60_000 + REQUESTS * 30;

/** Routes that only a program with its scripts and settings has. */
const MORE_ROUTES = [
  '/a.js',
  '/a.full.js',
  '/metrics',
  '/assets/*',
  '/favicon.ico',
  '/nowhere',
  '/api',
  '/api/*',
];

/** Routes that would end the session, or wait for a mail server that does not exist. */
const NOT_SIGNED_IN = /^\/(logout|dashboard\/instance\/test-mail)/;

async function allRoutes() {
  const world = await World.open();
  const { app } = await world.serve();
  const routes = registeredRoutes(app);
  await world.close();
  return [...routes, ...MORE_ROUTES.map((path) => ({ path, methods: ['GET', 'POST'] }))];
}

/** Adds an operator with a site, and signs in. @returns what requests may contain that is right */
async function validParts(dataDir: string, url: string) {
  const { email, apiKey, sites } = await addOwner(dataDir, 'example.com');
  const { registry, close } = await openShared({ dataDir });
  const { accountId = '', id: siteId = '', key: siteKey = '' } = sites[0] ?? {};
  await registry.setPassword(accountId, await hashPassword(PASSWORD));
  await close();
  const visitor = new DashboardVisitor(url);
  await visitor.signIn(email, PASSWORD);
  expect((await visitor.get(`/dashboard/sites/${siteId}`)).status).toBe(200);
  const { cookieHeader: cookie, csrf } = visitor;
  return { visitor, valid: { host: new URL(url).host, cookie, csrf, apiKey, siteId, siteKey } };
}

describe('every route', () => {
  it('answers any request properly', { timeout: TIMEOUT_MS }, async () => {
    const dataDir = await temporaryFolder();
    const program = startProgram(dataDir, { LOG_LEVEL: 'warn', TRUST_PROXY: 'loopback' });
    const url = await program.address;
    const { visitor, valid } = await validParts(dataDir, url);
    const requests = oddRequests(await allRoutes(), valid);
    const wrong: string[] = [];
    const statuses = { signedIn: new OutcomeCounts(), other: new OutcomeCounts() };
    const send = async (request: OddRequest) => {
      const bytes = bytesOf(request);
      const answer = await Promise.race([exchange(url, bytes), sleep(ANSWER_MAX_MS, null, { ref: false })]);
      const complaint = answer === null ? 'no answer' : complaintAbout(request.method, answer);
      if (complaint !== null)
        wrong.push(`${complaint}: ${bytes.slice(0, 2_000)} → ${answer?.all.slice(0, 500)}`);
      statuses[request.isSignedIn ? 'signedIn' : 'other'].add(String(answer?.status));
    };
    for (let sent = 0; sent < REQUESTS && wrong.length === 0; sent += CHUNK) {
      const chunk = fc
        .sample(requests, { numRuns: Math.min(CHUNK, REQUESTS - sent), seed: SEED + sent })
        .filter(({ isSignedIn, target }) => !isSignedIn || !NOT_SIGNED_IN.test(target))
        .values();
      const sendRest = async () => {
        for (const request of chunk) await send(request);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, sendRest));
    }
    expect(wrong).toEqual([]);
    for (const status of ['200', '303', '400', '404', '405', '422'])
      expect(statuses.signedIn.of(status), `${status} of a signed-in user`).toBeGreaterThan(0);
    for (const status of ['200', '303', '400', '401', '403', '404', '405'])
      expect(statuses.other.of(status), `${status} of others`).toBeGreaterThan(0);
    expect(program.stderr()).toBe('');
    expect(improperLines(program.stdout())).toEqual([]);
    expect((await visitor.get('/dashboard')).status, 'the session is valid').toBe(200);
    await expectSound(dataDir);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });
});
