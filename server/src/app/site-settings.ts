import type { Site } from '../store/contract/store.ts';
import { noteChange } from './annotations.ts';
import type { Context } from './context.ts';
import { readDays, readTimeZone } from './inputs.ts';
import { changedSite, findSite } from './sites.ts';

/** Use cases of a site's retention, time zone and pages. */

/**
 * Sets the retention of a site.
 *
 * @param typed days in digits; null: the server default
 * @throws UseCaseError `INVALID_DAYS`, `SITE_NOT_FOUND`
 */
export async function setRetention(
  { registry }: Pick<Context, 'registry'>,
  siteId: string,
  typed: string | null,
): Promise<Site> {
  return changedSite(siteId, registry.setRetention(siteId, typed === null ? null : readDays(typed)));
}

/**
 * Sets the reporting time zone of a site.
 *
 * @param typed the name of a time zone; null: that of the account
 * @throws UseCaseError `INVALID_TIME_ZONE`, `SITE_NOT_FOUND`
 */
export async function setSiteTimeZone(
  { registry }: Pick<Context, 'registry'>,
  siteId: string,
  typed: string | null,
): Promise<Site> {
  return changedSite(siteId, registry.setSiteTimeZone(siteId, typed === null ? null : readTimeZone(typed)));
}

/**
 * Sets whether a site counts `/a/` as the page `/a`, from now on. A note in its reports says so.
 *
 * @throws UseCaseError `SITE_NOT_FOUND`
 */
export async function setMergeTrailingSlashes(
  context: Pick<Context, 'registry' | 'clock'>,
  siteId: string,
  merge: boolean,
): Promise<Site> {
  const before = await findSite(context, siteId);
  const site = await changedSite(siteId, context.registry.setMergeTrailingSlashes(siteId, merge));
  if (before.mergeTrailingSlashes !== merge)
    await noteChange(context, site, `/a/ and /a now count as ${merge ? 'one page' : 'two pages'}`);
  return site;
}
