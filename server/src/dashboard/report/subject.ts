import { goalsOf } from '../../app/goals.ts';
import type { PageRules } from '../../domain/value-names.ts';
import type { AskedReports, Goal, OfSites, Registry, Site } from '../../store/contract/store.ts';
import { plural } from '../kit/format.ts';

/** What a report is about: a site, or several sites as one. */
export type Subject = Site | RollUp;

/** Several sites that are reported as one. */
export interface RollUp extends PageRules {
  sites: readonly Site[];
  /** When the first of them was added. */
  createdAtMs: number;
}

export function isRollUp(subject: Subject): subject is RollUp {
  return 'sites' in subject;
}

/**
 * Returns the roll-up of sites. Pages were merged when they were counted; filters find both spellings of a page if all sites merge
 * them.
 */
export function rollUpOf(sites: readonly Site[]): RollUp {
  return {
    sites,
    createdAtMs: Math.min(...sites.map(({ createdAtMs }) => createdAtMs)),
    mergeTrailingSlashes: sites.every(({ mergeTrailingSlashes }) => mergeTrailingSlashes),
  };
}

/** Returns what the store is asked about. In a roll-up, pages begin with the domain of their site. */
export function sitesOf(subject: Subject): OfSites {
  return isRollUp(subject) ? asOne(subject.sites) : { siteId: subject.id };
}

/** Returns what the store is asked about several sites. */
export function asOne(sites: readonly NamedSite[]): OfSites {
  return { sites: sites.map(({ id, domain }) => ({ siteId: id, name: domain })) };
}

export type NamedSite = Pick<Site, 'id' | 'domain'>;

/** Lists the sites of a report. */
export function sitesIn(subject: Subject): readonly Site[] {
  return isRollUp(subject) ? subject.sites : [subject];
}

/** Returns what a report is called. */
export function subjectName(subject: Subject): string {
  return isRollUp(subject) ? plural(subject.sites.length, 'site') : subject.domain;
}

/** Returns what the names of files begin with. */
export function fileNameOf(subject: Subject): string {
  return isRollUp(subject) ? `${subject.sites.length}-sites` : subject.domain;
}

/** Lists the goals of a report. Those of several sites differ, so a roll-up has none. */
export async function goalsIn(registry: Pick<Registry, 'goalsOf'>, subject: Subject): Promise<Goal[]> {
  return isRollUp(subject) ? [] : goalsOf({ registry }, subject);
}

/** Counts the visitors with an event since an instant. */
export async function onlineSince(
  reports: Pick<AskedReports, 'realtime' | 'seriesBySite'>,
  subject: Subject,
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): Promise<number> {
  if (!isRollUp(subject)) return (await reports.realtime(subject.id, sinceMs)).visitors;
  const online = await onlineOfEach(reports, subject.sites, { sinceMs, nowMs });
  return online.reduce((sum, visitors) => sum + visitors, 0);
}

/** Counts the visitors with an event since an instant, of each of several sites. */
export async function onlineOfEach(
  reports: Pick<AskedReports, 'seriesBySite'>,
  sites: readonly NamedSite[],
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): Promise<number[]> {
  const online = await reports.seriesBySite({ ...asOne(sites), filters: [] }, [sinceMs, nowMs + 1]);
  return sites.map((_, i) => online[i]?.[0]?.visitors ?? 0);
}
