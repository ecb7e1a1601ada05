import type { Beacon } from '../../../tracker/wire/beacon.ts';
import { PAGEVIEW } from '../../../tracker/wire/limits.ts';
import type { Entry } from '../store/contract/store.ts';
import type { Enrichment } from './enrich/index.ts';
import { viewHash } from './hash.ts';
import { externalReferrer } from './page.ts';

/** The site, page and time of a beacon. */
export interface Arrival {
  siteId: string;
  siteKey: string;
  receivedAtMs: number;
  host: string;
  path: string;
}

/** A beacon with everything that is stored with it. It contains neither the client's address nor its user agent. */
export interface Enriched {
  beacon: Beacon;
  arrival: Arrival;
  visitor: bigint;
  /** The fields that the enricher found; null for a leave. */
  enrichment: Enrichment | null;
  referrer: URL | null;
}

/** Builds the entry field by field, because spreading objects is the most expensive step here. */
export function toEntry({ beacon, arrival, visitor, enrichment, referrer }: Enriched): Entry {
  const { siteId, siteKey, receivedAtMs, host, path } = arrival;
  const id = beacon.id ?? null;
  const view = beacon.view === undefined ? null : viewHash(beacon.view);
  if (enrichment === null) {
    return {
      kind: 'leave',
      siteId,
      siteKey,
      receivedAtMs,
      host,
      path,
      visitor,
      id,
      view,
      engagedMs: rounded(beacon.engaged),
      scroll: rounded(beacon.scroll),
      vitals: beacon.vitals ?? null,
    };
  }
  return {
    kind: 'event',
    siteId,
    siteKey,
    receivedAtMs,
    host,
    path,
    visitor,
    id,
    view,
    name: beacon.name ?? PAGEVIEW,
    nav: beacon.nav ?? null,
    props: beacon.props ?? null,
    value: beacon.value ?? null,
    currency: beacon.currency ?? null,
    width: rounded(beacon.width),
    timeZone: beacon.tz ?? null,
    device: enrichment.device,
    browser: enrichment.browser,
    os: enrichment.os,
    country: enrichment.country,
    source: enrichment.source,
    channel: enrichment.channel,
    campaign: enrichment.campaign,
    referrer: externalReferrer(referrer, host),
  };
}

function rounded(number: number | undefined): number | null {
  return number === undefined ? null : Math.round(number);
}
