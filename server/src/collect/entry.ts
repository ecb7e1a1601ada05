import type { Beacon } from '../../../tracker/wire/beacon.ts';
import { ENGAGED_MAX_MS, PAGEVIEW } from '../../../tracker/wire/limits.ts';
import { VITALS } from '../domain/vitals.ts';
import type { Entry, Props } from '../store/contract/store.ts';
import type { Enrichment } from './enrich/index.ts';
import { viewHash } from './hash.ts';

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
  /** Host and path of the external page that linked to the page. */
  referrer: string | null;
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
      vitals: beacon.vitals === undefined ? null : vitalsOf(beacon.vitals),
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
    interactive: beacon.interactive ?? true,
    nav: beacon.nav ?? null,
    props: propsOf(beacon),
    // As meant: the schema lets only decimal strings and codes in any case pass.
    value: beacon.value === undefined ? null : Number(beacon.value),
    currency: beacon.currency?.toUpperCase() ?? null,
    // The device, the screen and the country were derived from them. No report shows them, so they are not kept.
    width: null,
    timeZone: null,
    device: enrichment.device,
    browser: enrichment.browser,
    os: enrichment.os,
    country: enrichment.country,
    source: enrichment.source,
    channel: enrichment.channel,
    campaign: enrichment.campaign,
    utmSource: enrichment.utmSource,
    utmMedium: enrichment.utmMedium,
    utmContent: enrichment.utmContent,
    utmTerm: enrichment.utmTerm,
    region: enrichment.region,
    city: enrichment.city,
    browserVersion: enrichment.browserVersion,
    osVersion: enrichment.osVersion,
    language: enrichment.language,
    screen: enrichment.screen,
    referrer,
  };
}

/** Returns the web vitals that reports show, and nothing else that a page sends with them; null if there are none. */
function vitalsOf(sent: NonNullable<Beacon['vitals']>): Readonly<Record<string, number>> | null {
  const known: Record<string, number> = {};
  for (const { name } of VITALS) {
    const figure = sent[name];
    // Longer than any view, or a response in no time: not a measurement.
    if (figure !== undefined && figure <= ENGAGED_MAX_MS && (name !== 'ttfb' || figure > 0))
      known[name] = figure;
  }
  return Object.keys(known).length === 0 ? null : known;
}

function rounded(number: number | undefined): number | null {
  return number === undefined ? null : Math.round(number);
}

/** Returns the properties without those that are null; null if there are none. */
function propsOf({ props }: Beacon): Props | null {
  if (props === undefined) return null;
  const entries = Object.entries(props);
  const kept = entries.filter((entry): entry is [string, Props[string]] => entry[1] !== null);
  return kept.length === 0 ? null : Object.fromEntries(kept);
}
