import type { Beacon } from '../../../../tracker/wire/beacon.ts';
import { memoize } from '../../domain/memoize.ts';
import { screenClass } from '../../domain/screens.ts';
import { Agents, type HumanAgent, withWidth } from '../../domain/user-agents/read-agent.ts';
import type { EventEntry } from '../../store/contract/store.ts';
import { ACCEPT_LANGUAGE_MAX_CHARS, preferredLanguage } from './language.ts';
import { openPlaces, type Place, type Places } from './places.ts';
import { originOf, referrerOf } from './sources.ts';

/** The fields that the enricher adds to an event. */
export type Enrichment = Pick<
  EventEntry,
  | 'device'
  | 'browser'
  | 'browserVersion'
  | 'os'
  | 'osVersion'
  | 'language'
  | 'screen'
  | 'country'
  | 'region'
  | 'city'
  | 'source'
  | 'channel'
  | 'campaign'
  | 'utmSource'
  | 'utmMedium'
  | 'utmContent'
  | 'utmTerm'
>;

/** The most cached `Accept-Language` headers, in memory only. There are a few hundred common ones. */
const MAX_CACHED_LANGUAGES = 2_000;

/** What the enricher reads of a client. */
interface EnrichedClient {
  address: string;
  userAgent: string;
  acceptLanguage: string;
  country?: string | undefined;
}

/** Finds the source, country, device and browser of an event without identifying the visitor. */
export class Enricher {
  readonly agents = new Agents();
  /** The header in which a trusted proxy sends the visitor's country, in lower case; null if there is none. */
  readonly countryHeader: string | null;
  readonly #places: Places;
  readonly #languageOf = memoize(MAX_CACHED_LANGUAGES, preferredLanguage);

  constructor({ places, countryHeader }: { places: Places; countryHeader: string | null }) {
    this.#places = places;
    this.countryHeader = countryHeader;
  }

  /** Enriches an event. The result contains neither the client's address nor its user agent. */
  enrich(
    {
      agent,
      query,
      referrer,
      beacon,
      isOwn,
    }: {
      agent: HumanAgent;
      /** The query of the page's URL, with its question mark. */
      query: string;
      /** The referrer that the page sent. */
      referrer: URL | null;
      beacon: Pick<Beacon, 'width' | 'tz'>;
      /** Whether a host belongs to the site, which is then neither a source nor a referrer. */
      isOwn: (host: string) => boolean;
    },
    client: EnrichedClient,
  ): Enrichment {
    const width = beacon.width ?? null;
    const { device, browser, browserVersion, os, osVersion } = withWidth(agent, client.userAgent, width);
    const { country, region, city } = this.#placeOf(beacon, client);
    return {
      ...originOf(query, referrerOf(referrer, isOwn), isOwn),
      device,
      browser,
      browserVersion,
      os,
      osVersion,
      language: this.#languageOf(client.acceptLanguage.slice(0, ACCEPT_LANGUAGE_MAX_CHARS)),
      screen: screenClass(width),
      country,
      region,
      city,
    };
  }

  /** Returns the country of a beacon; null if it is unknown. */
  countryOf(
    beacon: Pick<Beacon, 'tz'>,
    client: { address: string; country?: string | undefined },
  ): string | null {
    return this.#placeOf(beacon, client).country;
  }

  #placeOf(beacon: Pick<Beacon, 'tz'>, client: { address: string; country?: string | undefined }): Place {
    return this.#places.of({
      address: client.address,
      header: client.country ?? null,
      timeZone: beacon.tz ?? null,
    });
  }
}

/** Creates the enricher, with the bundled and the supplied database. @throws if one cannot be read */
export async function openEnricher({
  geoDatabase,
  countryHeader,
}: {
  geoDatabase: string | null;
  countryHeader: string | null;
}): Promise<Enricher> {
  return new Enricher({ places: await openPlaces(geoDatabase), countryHeader });
}
