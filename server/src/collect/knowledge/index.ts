import type { Beacon } from '../../../../tracker/wire/beacon.ts';
import type { EventEntry } from '../../store/store.ts';
import { Agents, deviceClass, type Person } from './agents.ts';
import { type Countries, openCountries } from './countries.ts';
import { originOf, referrerOf } from './sources.ts';

/** What is known of an event besides what its page says. */
export type Known = Pick<
  EventEntry,
  'device' | 'browser' | 'os' | 'country' | 'source' | 'channel' | 'campaign'
>;

/** What can be known of a beacon's sender without knowing who it is. */
export class Knowledge {
  readonly agents = new Agents();
  /** In which a proxy that is believed names the visitor's country; in lower case. Null: in none. */
  readonly countryHeader: string | null;
  readonly #countries: Countries;

  constructor({ countries, countryHeader }: { countries: Countries; countryHeader: string | null }) {
    this.#countries = countries;
    this.countryHeader = countryHeader;
  }

  /** What is kept of a person's event besides what the page says itself. Nothing of address or user agent is in it. */
  of(
    {
      agent,
      query,
      referrer,
      beacon,
      isOwn,
    }: {
      agent: Person;
      /** Of the page's address, with its question mark. */
      query: string;
      /** What the page says it was reached from. */
      referrer: URL | null;
      beacon: Pick<Beacon, 'width' | 'tz'>;
      /** Whether a host is one of the site's: going from page to page is no source. */
      isOwn: (host: string) => boolean;
    },
    sender: { address: string; userAgent: string; country?: string | undefined },
  ): Known {
    const { source, channel, campaign } = originOf(query, referrerOf(referrer, isOwn));
    return {
      device: deviceClass(agent, sender.userAgent, beacon.width ?? null),
      browser: agent.browser,
      os: agent.os,
      country: this.countryOf(beacon, sender),
      source,
      channel,
      campaign,
    };
  }

  /** Where a beacon comes from; null where nothing tells. */
  countryOf(
    beacon: Pick<Beacon, 'tz'>,
    sender: { address: string; country?: string | undefined },
  ): string | null {
    return this.#countries.of({
      address: sender.address,
      header: sender.country ?? null,
      timeZone: beacon.tz ?? null,
    });
  }
}

/** Reads the geographic database, where there is one. Throws with a sentence where it cannot be read. */
export async function openKnowledge({
  geoDatabase,
  countryHeader,
}: {
  geoDatabase: string | null;
  countryHeader: string | null;
}): Promise<Knowledge> {
  return new Knowledge({ countries: await openCountries(geoDatabase), countryHeader });
}
