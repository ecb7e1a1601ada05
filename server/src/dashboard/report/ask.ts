import type { Parts, SiteRequest } from '../kit/parts.ts';
import { siteZone } from '../kit/site-zone.ts';
import type { SiteAsk } from './data.ts';

/** Returns what a user asks of a site's report. */
export async function siteAsk({ store, clock }: Parts, request: SiteRequest): Promise<SiteAsk> {
  const { site, reports, query } = request;
  const zone = await siteZone(store.registry, request);
  return { registry: store.registry, reports, subject: site, zone, nowMs: clock.now(), query };
}
