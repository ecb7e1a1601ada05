import type { Beacon } from '../../../tracker/wire/beacon.ts';
import { PAGEVIEW } from '../../../tracker/wire/limits.ts';
import type { Entry } from '../store/store.ts';
import { externalReferrer, viewHash } from './classify.ts';
import type { Known } from './knowledge/index.ts';

/** Field by field: to copy objects into one another costs more than anything else here. */
export function toEntry(
  beacon: Beacon,
  {
    arrival: { siteId, siteKey, receivedAtMs, host, path },
    visitor,
    known,
    referrer,
  }: {
    arrival: { siteId: string; siteKey: string; receivedAtMs: number; host: string; path: string };
    visitor: bigint;
    known: Known | null;
    referrer: URL | null;
  },
): Entry {
  const id = beacon.id ?? null;
  const view = beacon.view === undefined ? null : viewHash(beacon.view);
  if (known === null) {
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
    device: known.device,
    browser: known.browser,
    os: known.os,
    country: known.country,
    source: known.source,
    channel: known.channel,
    campaign: known.campaign,
    referrer: externalReferrer(referrer, host),
  };
}

function rounded(number: number | undefined): number | null {
  return number === undefined ? null : Math.round(number);
}
