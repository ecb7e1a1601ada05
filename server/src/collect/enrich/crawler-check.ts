import { readFile } from 'node:fs/promises';
import { isLocalAddress, readAddress } from '../../domain/addresses.ts';
import { NetworkSet } from '../../domain/networks.ts';
import { CRAWLERS, type Crawler } from '../../domain/user-agents/bots.ts';
import { CRAWLER_RANGES } from '../lists/crawler-ranges.ts';

/** Distinguishes crawlers from programs that only claim to be one, by the networks that the crawler's company publishes. */
export class CrawlerCheck {
  readonly #networks: ReadonlyMap<string, NetworkSet>;

  /** @param ranges the networks of crawlers, by their names in `bots.ts` @throws TypeError if a network is invalid */
  constructor(ranges: Readonly<Record<string, readonly string[]>>) {
    this.#networks = new Map(
      Object.entries(ranges).map(([name, networks]) => [name, new NetworkSet(networks)]),
    );
  }

  /**
   * Returns the crawler that a user agent names; an unverified one if the address is outside the networks of its company. The name
   * is trusted if the company publishes no networks, or if the client's public address is unknown.
   */
  verified(named: Crawler, address: string): Crawler {
    const networks = this.#networks.get(named.name);
    if (networks === undefined) return named;
    const canonical = readAddress(address);
    if (canonical === null || isLocalAddress(canonical) || networks.has(canonical)) return named;
    return { name: `${named.name} (unverified)`, company: null, botClass: 'other' };
  }
}

/** Opens the networks of crawlers: those of a JSON file, or the built-in ones. @throws if the file is invalid */
export async function openCrawlerCheck(path: string | null): Promise<CrawlerCheck> {
  if (path === null) return new CrawlerCheck(CRAWLER_RANGES);
  try {
    return new CrawlerCheck(readRanges(JSON.parse(await readFile(path, 'utf8'))));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `CRAWLER_RANGES must be a JSON file such as {"Googlebot": ["66.249.64.0/27"]}; got "${path}": ${message}`,
      { cause: error },
    );
  }
}

/** Reads the networks of crawlers. Their names are compared without case. */
function readRanges(value: unknown): Record<string, readonly string[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('it is not an object of lists');
  return Object.fromEntries(
    Object.entries(value).map(([name, networks]: [string, unknown]) => {
      const crawler = CRAWLERS.find((known) => known.name.toLowerCase() === name.toLowerCase());
      if (crawler === undefined) throw new TypeError(`the crawler "${name}" is unknown`);
      if (!Array.isArray(networks) || !networks.every((network) => typeof network === 'string'))
        throw new TypeError(`${name} is not a list of networks`);
      return [crawler.name, networks];
    }),
  );
}
