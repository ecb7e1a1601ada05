import { utcDay } from '../domain/clock.ts';
import { isHostAllowed } from '../domain/host-policy.ts';
import { readDomain, shownDomain } from '../domain/hosts.ts';
import { explanationOf } from '../domain/outcomes.ts';
import {
  type Events,
  type HostRules,
  type LedgerLine,
  OTHER_HOST,
  type Site,
} from '../store/contract/store.ts';
import { noteChange } from './annotations.ts';
import { type Context, DRY_RUN_DAYS } from './context.ts';
import { shortened } from './inputs.ts';
import { changedSite, findSite } from './sites.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of a site's allowed hosts, including dry runs of new rules. */

const EXTRA_HOSTS_MAX = 100;

/**
 * Parses hosts, each with an optional leading `*.`.
 *
 * @param separator the separator between hosts: only commas on the command line, also spaces on a page
 * @throws UseCaseError `INVALID_DOMAIN`
 */
function readHosts(typed: string, separator: string | RegExp): string[] {
  return typed
    .split(separator)
    .filter((text) => text.trim() !== '')
    .map(readHost);
}

function readHost(typed: string): string {
  const text = typed.trim();
  const wildcard = text.startsWith('*.');
  const host = readDomain(wildcard ? text.slice(2) : text);
  if (host === null) throw refusal('INVALID_DOMAIN', shortened(text), 'shop.example.com or *.example.com');
  return wildcard ? `*.${host}` : host;
}

/**
 * Parses the host rules of a site as typed.
 *
 * @throws UseCaseError `INVALID_DOMAIN`, `TOO_MANY_HOSTS`
 */
export function readHostRules({
  allowSubdomains,
  hosts,
}: {
  allowSubdomains: boolean;
  hosts: string;
}): HostRules {
  return { allowSubdomains, extraHosts: readHostList(hosts) };
}

/**
 * Parses hosts as typed, separated by spaces or commas, each with an optional leading `*.`.
 *
 * @throws UseCaseError `INVALID_DOMAIN`, `TOO_MANY_HOSTS`
 */
export function readHostList(typed: string): string[] {
  return withinLimit(readHosts(typed, /[\s,]+/));
}

/**
 * Applies a change to the host rules of a site.
 *
 * @param change omitted parts stay as they are
 * @throws UseCaseError `INVALID_DOMAIN`, `TOO_MANY_HOSTS`
 */
export function changedHostRules(
  rules: HostRules,
  change: { allowSubdomains?: boolean | undefined; allow?: string | undefined; forbid?: string | undefined },
): HostRules {
  const forbidden = new Set(readHosts(change.forbid ?? '', ','));
  const allowed = [...rules.extraHosts, ...readHosts(change.allow ?? '', ',')];
  return {
    allowSubdomains: change.allowSubdomains ?? rules.allowSubdomains,
    extraHosts: withinLimit(allowed.filter((host) => !forbidden.has(host))),
  };
}

function withinLimit(hosts: readonly string[]): string[] {
  const different = [...new Set(hosts)];
  if (different.length > EXTRA_HOSTS_MAX) throw refusal('TOO_MANY_HOSTS', EXTRA_HOSTS_MAX);
  return different;
}

/** The most characters of hosts that a note names; of more, it has their number. */
const NOTED_HOSTS_MAX_CHARS = 60;

/** Sets the host rules of a site. A note in its reports says what changed. @throws UseCaseError `SITE_NOT_FOUND` */
export async function setHostRules(
  context: Pick<Context, 'registry' | 'clock'>,
  siteId: string,
  rules: HostRules,
): Promise<Site> {
  const before = await findSite(context, siteId);
  const site = await changedSite(siteId, context.registry.setHostRules(siteId, rules));
  const changes = [
    ...(before.allowSubdomains === site.allowSubdomains
      ? []
      : [site.allowSubdomains ? 'all subdomains are counted' : 'subdomains are no longer counted']),
    ...noted(
      'added',
      site.extraHosts.filter((host) => !before.extraHosts.includes(host)),
    ),
    ...noted(
      'removed',
      before.extraHosts.filter((host) => !site.extraHosts.includes(host)),
    ),
  ];
  if (changes.length > 0) await noteChange(context, site, `Allowed domains changed: ${changes.join('; ')}`);
  return site;
}

function noted(verb: string, hosts: readonly string[]): string[] {
  if (hosts.length === 0) return [];
  const names = hosts.map(shownDomain).join(', ');
  return [`${names.length > NOTED_HOSTS_MAX_CHARS ? hosts.length : names} ${verb}`];
}

/**
 * Allows an additional host.
 *
 * @returns the host
 * @throws UseCaseError `INVALID_DOMAIN`, `TOO_MANY_HOSTS`, `SITE_NOT_FOUND`
 */
export async function allowHost(
  context: Pick<Context, 'registry' | 'clock'>,
  site: Site,
  typed: string,
): Promise<string> {
  const host = readHost(typed);
  await setHostRules(context, site.id, changedHostRules(site, { allow: host }));
  return host;
}

/** What host rules would have changed about the events of the last days. */
export interface HostsDryRun {
  days: number;
  accepted: number;
  /** The accepted events that the rules would have refused. */
  lost: HostCounts;
  /** The events refused for their host that the rules would have allowed, as far as the host decides. */
  gained: HostCounts;
}

/** Events by host. */
export interface HostCounts {
  events: number;
  hosts: Record<string, number>;
  /** The number of further events whose host is not in the ledger, so that their outcome is unknown. */
  unknown: number;
}

/** Tests host rules on the events of the last days, without changing anything. */
export async function dryRunHostRules(
  { events, clock }: Pick<Context, 'clock'> & { events: Pick<Events, 'ledger'> },
  site: Site,
  rules: HostRules,
): Promise<HostsDryRun> {
  const lastDay = utcDay(clock.now());
  const policy = { domain: site.domain, ...rules };
  const lines = await events.ledger(site.id, { firstDay: lastDay - DRY_RUN_DAYS + 1, lastDay });
  const accepted = lines.filter(({ outcome }) => outcome === 'stored');
  const refused = lines.filter(({ outcome }) => explanationOf(outcome).allowable);
  return {
    days: DRY_RUN_DAYS,
    accepted: accepted.reduce((sum, { count }) => sum + count, 0),
    lost: byHost(accepted, (host) => !isHostAllowed(policy, host)),
    gained: byHost(refused, (host) => isHostAllowed(policy, host)),
  };
}

/** Counts the events whose host is chosen. */
function byHost(lines: readonly LedgerLine[], isChosen: (host: string) => boolean): HostCounts {
  const counts: HostCounts = { events: 0, hosts: {}, unknown: 0 };
  for (const { host, count } of lines) {
    if (host === OTHER_HOST) counts.unknown += count;
    else if (isChosen(host)) {
      counts.events += count;
      counts.hosts[host] = (counts.hosts[host] ?? 0) + count;
    }
  }
  return counts;
}
