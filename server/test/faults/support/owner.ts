import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished } from 'vitest';
import {
  digestApiKey,
  newAccountId,
  newApiKey,
  newApiKeyId,
  newSiteId,
  newSiteKey,
} from '../../../src/domain/keys.ts';
import type { Site } from '../../../src/store/contract/store.ts';
import { EventReader } from '../../../src/store/embedded/reader.ts';
import { inspect } from '../../../src/store/offline/inspect.ts';
import { openShared } from '../../../src/store/open.ts';
import { command, json } from '../../support/program.ts';
import { storedEvents } from '../../support/stored-events.ts';

/** A data folder as an operator has it, with accounts and sites, inspected from outside whether or not a server is running. */

/** A range of days that contains the events of all tests. */
const ALWAYS = { firstDay: 0, lastDay: 1_000_000 };

export interface Owner {
  email: string;
  apiKey: string;
  sites: Site[];
}

let owners = 0;

/** Adds an account with an API key and a site per domain, whether or not a server is running. */
export async function addOwner(dataDir: string, ...domains: readonly string[]): Promise<Owner> {
  const { registry, close } = await openShared({ dataDir });
  try {
    const createdAtMs = Date.now();
    const email = `owner${++owners}@example.com`;
    const account = await registry.createAccount({
      id: newAccountId(),
      email,
      plan: 'pro',
      billingAnchorDay: 1,
      passwordHash: 'none',
      createdAtMs,
    });
    const apiKey = newApiKey();
    const digest = digestApiKey(apiKey);
    if (digest === null) throw new Error('a new API key has no digest');
    await registry.createApiKey({
      id: newApiKeyId(),
      accountId: account.id,
      name: 'test',
      ...digest,
      createdAtMs,
    });
    const sites: Site[] = [];
    for (const domain of domains) {
      sites.push(
        await registry.createSite(
          { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs },
          null,
        ),
      );
    }
    return { email, apiKey, sites };
  } finally {
    await close();
  }
}

/** Adds an owner with one site. */
export async function addSite(dataDir: string, domain = 'example.com'): Promise<Site> {
  const { sites } = await addOwner(dataDir, domain);
  const [site] = sites;
  if (site === undefined) throw new Error('no site was added');
  return site;
}

/** Counts by outcome, of one site or of `NO_SITE`, read directly from the ledger's table. */
export function ledgerOf(dataDir: string, siteId: string): Record<string, number> {
  const file = join(dataDir, 'events.db');
  if (!existsSync(file)) return {};
  const reader = new EventReader(file);
  try {
    const counts: Record<string, number> = {};
    for (const { outcome, count } of reader.ledger(siteId, ALWAYS))
      counts[outcome] = (counts[outcome] ?? 0) + count;
    return counts;
  } finally {
    reader.close();
  }
}

/** Returns the same counts as the owner sees them: `attractos site ledger`. */
export async function shownLedger(dataDir: string, siteId: string): Promise<Record<string, number>> {
  const { received, accepted, duplicate, refused } = (await json(dataDir, [
    'site',
    'ledger',
    '--site',
    siteId,
  ])) as {
    received: number;
    accepted: number;
    duplicate: number;
    refused: Record<string, number>;
  };
  const sum = accepted + duplicate + Object.values(refused).reduce((all, count) => all + count, 0);
  expect(received, 'the ledger balances').toBe(sum);
  const counts: Record<string, number> = { stored: accepted, duplicate, ...refused };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Returns the number of rows of every table of the events file. */
export function rowCounts(dataDir: string): Record<string, number> {
  const db = new DatabaseSync(join(dataDir, 'events.db'), { readOnly: true, timeout: 5000 });
  try {
    const tables = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map(({ name }) => String(name));
    return Object.fromEntries(
      tables.map((name) => [name, Number(db.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.n)]),
    );
  } finally {
    db.close();
  }
}

/** Returns the sorted paths of all stored events of a site. Tests identify their events by path. */
export function storedPaths(dataDir: string, siteId: string): string[] {
  return storedEvents(dataDir, siteId)
    .map(({ path }) => path)
    .sort();
}

/** Returns the number of counted events of a site, over all time. */
export function countOf(dataDir: string, siteId: string): number {
  const reader = new EventReader(join(dataDir, 'events.db'));
  try {
    return reader.countBySite([siteId], ALWAYS).get(siteId) ?? 0;
  } finally {
    reader.close();
  }
}

interface Check {
  name: string;
  ok: boolean;
  found: string;
}

/** Returns the findings of `attractos doctor`, by the name of the check. */
export async function examine(dataDir: string): Promise<Map<string, Check>> {
  const { stdout, stderr } = await command(dataDir, ['doctor', '--json']);
  if (stdout === '') throw new Error(`the doctor said nothing: ${stderr}`);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return new Map(checks.map((check) => [check.name, check]));
}

/** Asserts with the doctor that counters equal rows, the ledger equals the counters, and the files are sound. */
export async function expectSound(dataDir: string): Promise<void> {
  const checks = await examine(dataDir);
  const numbers = ['counters', 'ledger', 'files'].map((name) => checks.get(name));
  expect(numbers, 'what the doctor finds').toMatchObject([
    { name: 'counters', ok: true },
    { name: 'ledger', ok: true },
    { name: 'files', ok: true },
  ]);
}

/** Makes the same assertion without starting a process, for many folders in a row. */
export async function expectSoundHere(dataDir: string): Promise<void> {
  const { audit } = await inspect({ dataDir });
  expect(audit, 'what the audit finds').toMatchObject({ counters: [], ledger: [], integrity: [] });
}

/** Holds the write lock of a database, as a backup tool would, until it is released or the test ends. */
export function holdWriteLock(file: string): { release(): void } {
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec('BEGIN IMMEDIATE');
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    db.exec('ROLLBACK');
    db.close();
  };
  onTestFinished(release);
  return { release };
}
