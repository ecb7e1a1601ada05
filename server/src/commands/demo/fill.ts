import { createAccount } from '../../app/accounts.ts';
import { addGoal } from '../../app/goals.ts';
import { recordNothing } from '../../app/security-log.ts';
import { addSite } from '../../app/sites.ts';
import { DAY_MS } from '../../domain/clock.ts';
import type { Entry, Site, Store } from '../../store/contract/store.ts';
import { DAYS } from './scene.ts';
import { trafficOf } from './traffic.ts';

/** Fills a new store with an owner, two sites and 90 days of traffic. */

const SITES = [
  { domain: 'notes.example', visitsADay: 420 },
  { domain: 'blog.notes.example', visitsADay: 90 },
];
const GOALS = [
  { kind: 'event', pattern: 'signup' },
  { kind: 'event', pattern: 'download' },
  { kind: 'page', pattern: '/docs/*' },
] as const;
export const DEMO_EMAIL = 'demo@notes.example';
/** The most entries that are sent together: enough to fill commits, but only half of the queue. */
const AT_ONCE = 5_000;

export interface DemoOptions {
  nowMs: number;
  seed: number;
  /** Called with the progress, from 0 to 1. */
  onProgress(share: number): void;
}

export interface Demo {
  /** The email address to sign in with. */
  email: string;
  password: string;
  /** The sites, the larger one first. */
  sites: readonly Site[];
}

export async function fillDemo(store: Store, { nowMs, seed, onProgress }: DemoOptions): Promise<Demo> {
  const { registry } = store;
  const opened = { now: () => nowMs - DAYS * DAY_MS };
  const { account, password } = await createAccount(
    { registry, clock: opened, record: recordNothing },
    { email: DEMO_EMAIL, plan: 'pro' },
  );
  const added = { now: () => nowMs - (DAYS - 1) * DAY_MS };
  const sites: Site[] = [];
  for (const [i, { domain, visitsADay }] of SITES.entries()) {
    const site = await addSite({ registry, clock: added, record: recordNothing }, account, domain);
    sites.push(site);
    for (const goal of GOALS) await addGoal({ registry }, site.id, goal);
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

async function append({ events }: Store, entries: readonly Entry[]): Promise<void> {
  for (let at = 0; at < entries.length; at += AT_ONCE)
    await Promise.all(entries.slice(at, at + AT_ONCE).map((entry) => events.append(entry)));
}
