import { randomUUID } from 'node:crypto';
import { expect } from '@playwright/test';
import { findAccount } from '../../server/src/app/accounts.ts';
import { recordNothing } from '../../server/src/app/security-log.ts';
import { addSite } from '../../server/src/app/sites.ts';
import { systemClock } from '../../server/src/domain/clock.ts';
import { openShared, type SharedStore } from '../../server/src/store/open.ts';
import type { Beacon } from '../../tracker/wire/beacon.ts';
import { LEAVE, PAGEVIEW } from '../../tracker/wire/limits.ts';
import { Network, type Received } from './network.ts';
import { COLLECTOR, type PageParts, page, type TagParts, tag } from './page.ts';
import { command, newDataDir, Server } from './server.ts';
import type { Tab } from './tab.ts';

/** A registered site. */
export interface Site {
  id: string;
  domain: string;
  key: string;
  /** Returns the URL of one of its pages, on the `www.` host. */
  at(path: string): string;
}

/** A site as `GET /api/v1/sites` lists it. */
export interface SiteItem {
  id: string;
  domain: string;
  key: string;
  events_this_month: number;
  created_at: string;
}

/** Formats a beacon as its name and path, such as `pageview /shop?page=2`. */
export function gist({ name = PAGEVIEW, url }: Beacon): string {
  const { pathname, search } = new URL(url);
  return `${name} ${pathname}${search}`;
}

/** Limit on the time until the server knows a new site. It checks four times a second, but a busy machine may be slow. */
const KNOWN_WITHIN_MS = 30_000;
const FENCE_TIMEOUT_MS = 30_000;
const ACCOUNT = 'owner@example.com';

/** Everything that a test needs in addition to a browser: the network, the server, the operator's commands and the API. */
export class Lab {
  readonly network: Network;
  readonly server: Server;
  readonly apiKey: string;
  /** The store as the command line opens it. Starting the command for each test's site would take most of the test's time. */
  readonly #operator: SharedStore;
  #sites = 0;
  #next: Promise<Site>;

  private constructor(network: Network, server: Server, operator: SharedStore, apiKey: string) {
    this.network = network;
    this.server = server;
    this.#operator = operator;
    this.apiKey = apiKey;
    this.#next = this.#makeSite();
    this.#next.catch(() => undefined); // reported to the test that asks for the site
  }

  static async open(): Promise<Lab> {
    const network = new Network();
    const server = new Server(newDataDir());
    await Promise.all([network.open(), server.start()]);
    network.upstream = server.address;
    await command(server.dataDir, 'account', 'add', '--email', ACCOUNT, '--plan', 'pro');
    const { key } = await command<{ key: string }>(
      server.dataDir,
      'key',
      'add',
      '--account',
      ACCOUNT,
      '--name',
      'e2e',
    );
    return new Lab(network, server, await openShared({ dataDir: server.dataDir }), key);
  }

  async close(): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.network.close();
    await this.#operator.close();
    await this.server.discard();
  }

  /** Stops the server with a signal and restarts it on the same data. */
  async restartServer(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.server.stop(signal);
    await this.server.start();
    this.network.upstream = this.server.address;
  }

  /** Returns a new site that the running server already knows. The next one is created in the background. */
  async newSite(): Promise<Site> {
    const site = await this.#next;
    this.#next = this.#makeSite();
    this.#next.catch(() => undefined);
    return site;
  }

  /** Creates an API key that is limited to a site. */
  async newApiKey(site: Site): Promise<string> {
    const options = ['--account', ACCOUNT, '--name', site.domain, '--sites', site.id];
    return (await command<{ key: string }>(this.server.dataDir, 'key', 'add', ...options)).key;
  }

  async #makeSite(): Promise<Site> {
    this.#sites += 1;
    const domain = `shop-${this.#sites}.example`;
    const context = { registry: this.#operator.registry, clock: systemClock, record: recordNothing };
    const { id, key } = await addSite(context, await findAccount(context, ACCOUNT), domain);
    const site = { id, key, domain, at: (path: string) => `http://www.${domain}${path}` };
    await this.#known(site);
    return site;
  }

  /** Waits until the server knows a site, by sending a `leave`, which is stored but never counted. */
  async #known(site: Site): Promise<void> {
    const deadline = Date.now() + KNOWN_WITHIN_MS;
    for (;;) {
      const body = JSON.stringify({ key: site.key, name: 'leave', view: 'none', url: site.at('/') });
      const { status } = await this.post(body);
      if (status === 202) return;
      if (Date.now() > deadline)
        throw new Error(`The server did not know ${site.domain} after ${KNOWN_WITHIN_MS} ms: ${status}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Sends a body to the collector from outside any browser. */
  post(body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${this.server.address}/e`, {
      method: 'POST',
      body,
      headers: {
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
        ...headers,
      },
    });
  }

  /** Returns the account's sites, as the API lists them. Retries if a busy server refuses the request. */
  async sites(): Promise<SiteItem[]> {
    const ask = () =>
      fetch(`${this.server.address}/api/v1/sites`, { headers: { authorization: `Bearer ${this.apiKey}` } });
    let response = await ask();
    await expect
      .poll(async () => {
        if (response.status === 503) response = await ask();
        return response.status;
      })
      .not.toBe(503);
    expect(response.status, await response.clone().text()).toBe(200);
    const { sites } = (await response.json()) as { sites: SiteItem[] }; // the documented response
    return sites;
  }

  /** Returns a site's count in `GET /api/v1/sites`. */
  async count(site: Site): Promise<number> {
    const found = (await this.sites()).find(({ id }) => id === site.id);
    expect(found, `${site.domain} is in the list`).toBeDefined();
    return found?.events_this_month ?? Number.NaN;
  }

  /** Asserts the count of a site in `GET /api/v1/sites`. On failure it shows what happened to the site's beacons. */
  async expectCount(site: Site, expected: number): Promise<void> {
    const counted = await this.count(site);
    const outcomes = this.requests(site)
      .filter(({ method }) => method === 'POST')
      .map(({ status, answerHeaders }) => `${status} ${answerHeaders['x-attractos-outcome'] ?? ''}`);
    expect(counted, `events counted for ${site.domain}; outcomes: ${outcomes.join(', ')}`).toBe(expected);
  }

  /** Returns a gate that requests wait for until it is opened. */
  gate(): { opened: Promise<void>; open(): void } {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { opened, open: () => open() };
  }

  /** Serves a page of a site with its tag. */
  page(
    site: Site,
    path: string,
    { tag: tagParts, ...parts }: PageParts & { tag?: Partial<TagParts> } = {},
  ): void {
    this.network.serve(site.at(path), {
      body: page({ tags: tag({ key: site.key, ...tagParts }), ...parts }),
    });
  }

  /** Returns the requests to the collector that concern a site: its beacons, and other requests of its pages. */
  requests(site: Site): Received[] {
    const ofSite = (value: string | undefined) => {
      const host = URL.parse(value ?? '')?.hostname ?? '';
      return host === site.domain || host.endsWith(`.${site.domain}`);
    };
    return this.network.received.filter(
      ({ headers, beacons }) =>
        beacons.some(({ key }) => key === site.key) || ofSite(headers.origin) || ofSite(headers.referer),
    );
  }

  /** Returns the beacons with a site's key that reached the collector, in order of arrival, not of sending. */
  beacons(site: Site): Beacon[] {
    return this.network.received.flatMap(({ beacons }) => beacons).filter(({ key }) => key === site.key);
  }

  /** Returns the site's events: all beacons except leaves. */
  events(site: Site): Beacon[] {
    return this.beacons(site).filter(({ name }) => name !== LEAVE);
  }

  /** Returns the site's leaves. */
  leaves(site: Site): Beacon[] {
    return this.beacons(site).filter(({ name }) => name === LEAVE);
  }

  /** Returns the only beacon of a site with this gist, such as `order /thanks`. */
  beacon(site: Site, what: string): Beacon {
    const [found, ...others] = this.beacons(site).filter((beacon) => gist(beacon) === what);
    if (found === undefined || others.length > 0)
      throw new Error(`Expected one "${what}"; got ${this.beacons(site).map(gist).join(', ') || 'none'}.`);
    return found;
  }

  /** Waits for exactly these events of a site, as `gist` writes them, in any order. Asserts that the page sent no others. */
  async expectEvents(site: Site, tab: Tab, expected: readonly string[]): Promise<void> {
    await this.#expectAll(() => this.events(site), tab, expected);
  }

  /** Like `expectEvents`, for all beacons of a site, including leaves. */
  async expectBeacons(site: Site, tab: Tab, expected: readonly string[]): Promise<void> {
    await this.#expectAll(() => this.beacons(site), tab, expected);
  }

  async #expectAll(arrived: () => Beacon[], tab: Tab, expected: readonly string[]): Promise<void> {
    const wanted = [...expected].sort();
    const gists = () => arrived().map(gist).sort();
    await expect.poll(gists).toEqual(wanted);
    await this.fence(tab);
    expect(gists()).toEqual(wanted);
  }

  /**
   * Waits until a page has loaded, and a marker has arrived that it sends the way the tracker sends beacons. What the page
   * sent before has then arrived. Beacons of a page that was left may arrive later; wait for those separately.
   */
  async fence(tab: Tab): Promise<void> {
    const name = randomUUID();
    const send = async (address: string) => {
      // The page may have just loaded. One turn of the event loop later, its load handlers have run.
      do await new Promise((resolve) => setTimeout(resolve));
      while (document.readyState !== 'complete');
      window.lab.sendBeacon(address);
    };
    // Code cannot run in a page that is being left. It can in the next page.
    await expect(() => tab.eval(send, `${COLLECTOR}/fence?${name}`)).toPass({ timeout: FENCE_TIMEOUT_MS });
    await expect.poll(() => this.network.hasFence(name), { message: 'the fence came through' }).toBe(true);
    await this.answered();
  }

  /** Waits until every request that arrived has its response. */
  async answered(): Promise<void> {
    await expect.poll(() => this.network.isIdle, { message: 'all are answered' }).toBe(true);
  }
}
