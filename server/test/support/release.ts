import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { digestToken } from '../../src/domain/tokens.ts';
import type { Registry } from '../../src/store/contract/store.ts';
import { root } from './paths.ts';

/** The data folder of the release of 2026-11-26, and its responses. The `README.md` in the folder says how it was made. */

const FOLDER = join(root, 'server/test/fixtures/data-2026-11-26');

interface Release {
  known: {
    nowMs: number;
    password: string;
    totpSecret: string;
    apiKeys: Record<string, string>;
    siteKey: string;
    siteId: string;
    accountIds: { ada: string; bob: string; gone: string };
  };
  answers: readonly { who: string; path: string; status: number; body: unknown }[];
  registry: Record<string, unknown> & {
    sites: readonly { id: string; domain: string }[];
    shares: readonly object[];
    shareByToken: object;
    changes: { version: number; records: readonly object[]; more: boolean };
  };
}

/** Reads the expected responses. */
export function readRelease(): Release {
  return withoutSentences(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Release;
}

/** Parses JSON and removes its sentences and cursors, whose wording and form may change. */
export function withoutSentences(json: string): unknown {
  return JSON.parse(json, (name, value: unknown) =>
    ['meaning', 'error', 'definition', 'next_cursor'].includes(name) ? undefined : value,
  ) as unknown;
}

/** Copies the data folder of the release into a folder. */
export function copyReleaseInto(dataDir: string): void {
  for (const name of ['registry.db', 'events.db']) copyFileSync(join(FOLDER, name), join(dataDir, name));
}

/** Reads the release's registry as SQL for PostgreSQL. */
export function releaseAsSql(): string {
  return readFileSync(join(FOLDER, 'registry.sql'), 'utf8');
}

/** The settings of sites that later versions added, with their default. */
const ADDED = { mergeTrailingSlashes: false };
/** What later versions added to public links, with their default. */
const ADDED_TO_SHARES = { embedHosts: [] };

/** Asserts that a registry returns everything that the release's own registry returned. */
export async function expectReleaseIn(registry: Registry): Promise<void> {
  const { known, registry: expected } = readRelease();
  const { ada, bob, gone } = known.accountIds;
  const [main, shop, umlaut] = ['example.com', 'shop.example', 'xn--mnchen-3ya.example'].map(
    (domain) => expected.sites.find((site) => site.domain === domain)?.id ?? '',
  ) as [string, string, string];
  const each = <T>(ids: readonly string[], ask: (id: string) => Promise<T>) => Promise.all(ids.map(ask));
  expect({
    accounts: await each([ada, bob, gone], (id) => registry.accountById(id)),
    credentials: await each([ada, bob], (id) => registry.credentialsOf(id)),
    sites: (await each([ada, bob], (id) => registry.sitesOf(id))).flat(),
    sitesAfter: (await registry.sitesAfter(null)).map(({ id }) => id),
    ownRetention: (await registry.sitesAfter(null, { ownRetention: true })).map(({ id }) => id),
    removedSites: await registry.removedSites(''),
    siteKeys: await each([main, shop, umlaut], (id) => registry.siteKeysOf(id)),
    changes: await registry.siteKeysSince(0),
    apiKeys: (await each([ada, bob, gone], (id) => registry.apiKeysOf(id))).flat(),
    sessions: await each([ada, bob], (id) => registry.sessionsOf(id, known.nowMs)),
    members: await each([main, umlaut], (id) => registry.membersOf(id)),
    memberships: await each([ada, bob], (id) => registry.membershipsOf(id)),
    invitations: await registry.invitationsTo(main, known.nowMs),
    reset: await registry.oneTimeToken(digestToken('reset-token'), known.nowMs),
    shares: await registry.sharesOf(main),
    shareByToken: await registry.shareByToken(digestToken('agency-token'), known.nowMs),
    goals: await registry.goalsOf(main),
    oldest: await registry.oldestAccount(),
  }).toEqual({
    ...expected,
    sites: expected.sites.map((site) => ({ ...site, ...ADDED })),
    shares: expected.shares.map((share) => ({ ...share, ...ADDED_TO_SHARES })),
    shareByToken: { ...expected.shareByToken, ...ADDED_TO_SHARES },
    changes: {
      ...expected.changes,
      records: expected.changes.records.map((record) => ({ ...record, ...ADDED })),
    },
  });
  // Used codes remain used.
  expect(await registry.useRecoveryCode(ada, digestToken('first-code'))).toBe(false);
  expect(await registry.useRecoveryCode(ada, digestToken('second-code'))).toBe(true);
  expect(await registry.useTotpStep(ada, 1)).toBe(false);
}
