import type { Beacon } from '../../../../tracker/wire/beacon.ts';
import { Agents, deviceClass, type HumanAgent } from '../../domain/user-agents/read-agent.ts';
import type { EventEntry } from '../../store/contract/store.ts';
import { type Countries, openCountries } from './countries.ts';
import { originOf, referrerOf } from './sources.ts';

/** The fields that the enricher adds to an event. */
export type Enrichment = Pick<
  EventEntry,
  'device' | 'browser' | 'os' | 'country' | 'source' | 'channel' | 'campaign'
>;

/** Finds the source, country, device and browser of an event without identifying the visitor. */
export class Enricher {
  readonly agents = new Agents();
  /** The header in which a trusted proxy sends the visitor's country, in lower case; null if there is none. */
  readonly countryHeader: string | null;
  readonly #countries: Countries;

  constructor({ countries, countryHeader }: { countries: Countries; countryHeader: string | null }) {
    this.#countries = countries;
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
      /** Whether a host belongs to the site, which is then not a source. */
      isOwn: (host: string) => boolean;
    },
    client: { address: string; userAgent: string; country?: string | undefined },
  ): Enrichment {
    const { source, channel, campaign } = originOf(query, referrerOf(referrer, isOwn));
    return {
      device: deviceClass(agent, client.userAgent, beacon.width ?? null),
      browser: agent.browser,
      os: agent.os,
      country: this.countryOf(beacon, client),
      source,
      channel,
      campaign,
    };
  }

  /** Returns the country of a beacon; null if it is unknown. */
  countryOf(
    beacon: Pick<Beacon, 'tz'>,
    client: { address: string; country?: string | undefined },
  ): string | null {
    return this.#countries.of({
      address: client.address,
      header: client.country ?? null,
      timeZone: beacon.tz ?? null,
    });
  }
}

/** Creates the enricher, with the country database if there is one. @throws if it cannot be read */
export async function openEnricher({
  geoDatabase,
  countryHeader,
}: {
  geoDatabase: string | null;
  countryHeader: string | null;
}): Promise<Enricher> {
  return new Enricher({ countries: await openCountries(geoDatabase), countryHeader });
}
