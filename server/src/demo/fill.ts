import { DAY_MS } from '../clock.ts';
import { newAccountId, newPassword, newSiteId, newSiteKey } from '../keys.ts';
import { hashPassword } from '../passwords.ts';
import type { Entry, Site, Store } from '../store/store.ts';
import { newId } from '../tokens.ts';
import { DAYS } from './scene.ts';
import { trafficOf } from './traffic.ts';

/** Fills a new store with an owner, two sites and their 90 days. */

const SITES = [
  { domain: 'notes.example', visitsADay: 420 },
  { domain: 'blog.notes.example', visitsADay: 90 },
];
export const DEMO_EMAIL = 'demo@notes.example';
/** Days are put together up to so many entries: enough for the store to fill its commits, and half of what its queue holds. */
const AT_ONCE = 5_000;

export interface DemoOptions {
  nowMs: number;
  seed: number;
  /** From 0 to 1. */
  onProgress(share: number): void;
}

export interface Demo {
  /** What to sign in with. */
  email: string;
  password: string;
  /** The larger one first. */
  sites: readonly Site[];
}

export async function fillDemo(store: Store, { nowMs, seed, onProgress }: DemoOptions): Promise<Demo> {
  const password = newPassword();
  const account = await store.registry.createAccount({
    id: newAccountId(),
    email: DEMO_EMAIL,
    plan: 'pro',
    billingAnchorDay: 1,
    passwordHash: await hashPassword(password),
    createdAtMs: nowMs - DAYS * DAY_MS,
  });
  const sites: Site[] = [];
  for (const [i, { domain, visitsADay }] of SITES.entries()) {
    const site = await store.registry.createSite(
      {
        id: newSiteId(),
        accountId: account.id,
        domain,
        key: newSiteKey(),
        createdAtMs: nowMs - (DAYS - 1) * DAY_MS,
      },
      null,
    );
    sites.push(site);
    await addGoals(store, site);
    const waiting: Entry[] = [];
    const options = { seed: seed + i, nowMs, visitsADay };
    for (const { day, entries, refusals } of trafficOf(
      { siteId: site.id, siteKey: site.key, domain },
      options,
    )) {
      waiting.push(...entries);
      if (waiting.length >= AT_ONCE) await append(store, waiting.splice(0));
      for (const refusal of refusals) store.events.refuse(refusal);
      onProgress((i + (day + 1) / DAYS) / SITES.length);
    }
    await append(store, waiting);
  }
  await store.events.flush();
  return { email: account.email, password, sites };
}

async function addGoals({ registry }: Store, site: Site): Promise<void> {
  await registry.addGoal({ id: newId('goal'), siteId: site.id, kind: 'event', pattern: 'signup' });
  await registry.addGoal({ id: newId('goal'), siteId: site.id, kind: 'event', pattern: 'download' });
  await registry.addGoal({ id: newId('goal'), siteId: site.id, kind: 'page', pattern: '/docs/*' });
}

async function append({ events }: Store, entries: readonly Entry[]): Promise<void> {
  for (let at = 0; at < entries.length; at += AT_ONCE)
    await Promise.all(entries.slice(at, at + AT_ONCE).map((entry) => events.append(entry)));
}
