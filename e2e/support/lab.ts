import { randomUUID } from 'node:crypto';
import { expect } from '@playwright/test';
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
  /** The address of one of its pages, on the `www.` host. */
  at(path: string): string;
}

/** What `GET /api/v1/sites` lists. */
export interface SiteItem {
  id: string;
  domain: string;
  key: string;
  events_this_month: number;
  created_at: string;
}

/** A beacon in the words a test asserts: what it is and the path it is about, such as `pageview /shop?page=2`. */
export function gist({ name = PAGEVIEW, url }: Beacon): string {
  const { pathname, search } = new URL(url);
  return `${name} ${pathname}${search}`;
}

/** The server asks for new sites four times a second; it promises to know them within one. */
const KNOWN_WITHIN_MS = 10_000;
const FENCE_TIMEOUT_MS = 15_000;
const ACCOUNT = 'owner@example.com';

/** Everything that a test needs besides a browser: the network, the server, the operator's commands and the API. */
export class Lab {
  readonly network: Network;
  readonly server: Server;
  readonly apiKey: string;
  #sites = 0;
  #next: Promise<Site>;

  private constructor(network: Network, server: Server, apiKey: string) {
    this.network = network;
    this.server = server;
    this.apiKey = apiKey;
    this.#next = this.#makeSite();
    this.#next.catch(() => undefined); // told to whoever asks for the site
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
    return new Lab(network, server, key);
  }

  async close(): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.network.close();
    await this.server.discard();
  }

  /** Ends the server by a signal and starts it anew on the same data. */
  async restartServer(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.server.stop(signal);
    await this.server.start();
    this.network.upstream = this.server.address;
  }

  /** A new site that the running server already counts for. The one after it is made meanwhile. */
  async newSite(): Promise<Site> {
    const site = await this.#next;
    this.#next = this.#makeSite();
    this.#next.catch(() => undefined);
    return site;
  }

  async #makeSite(): Promise<Site> {
    this.#sites += 1;
    const domain = `shop-${this.#sites}.example`;
    const added = await command<{ id: string; key: string }>(
      this.server.dataDir,
      'site',
      'add',
      '--account',
      ACCOUNT,
      '--domain',
      domain,
    );
    const site = { ...added, domain, at: (path: string) => `http://www.${domain}${path}` };
    await this.#known(site);
    return site;
  }

  /** Waits until the server knows a site: a `leave` is answered and stored, but never counted. */
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

  /** The account's sites, as the API lists them; asked again where a busy machine turned the question away. */
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
    const { sites } = (await response.json()) as { sites: SiteItem[] }; // the documented answer
    return sites;
  }

  /** What `GET /api/v1/sites` says of one site. */
  async count(site: Site): Promise<number> {
    const found = (await this.sites()).find(({ id }) => id === site.id);
    expect(found, `${site.domain} is in the list`).toBeDefined();
    return found?.events_this_month ?? Number.NaN;
  }

  /** Something to wait for until it is opened. */
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

  /** The requests to the collector that concern a site: its beacons, and whatever a page of it asked. */
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

  /** Every beacon with a site's key that reached the collector, in order of arrival. */
  beacons(site: Site): Beacon[] {
    return this.network.received.flatMap(({ beacons }) => beacons).filter(({ key }) => key === site.key);
  }

  /** The events among them: everything but the notes that a view has ended. */
  events(site: Site): Beacon[] {
    return this.beacons(site).filter(({ name }) => name !== LEAVE);
  }

  /** The notes that a view has ended. */
  leaves(site: Site): Beacon[] {
    return this.beacons(site).filter(({ name }) => name === LEAVE);
  }

  /** What was sent by a page, once it has all arrived, as `gist` tells it. */
  async sent(site: Site, tab: Tab): Promise<string[]> {
    await this.fence(tab);
    return this.events(site).map(gist);
  }

  /**
   * Waits until whatever a page has sent so far has arrived and been answered. The page sends one thing more, the same way
   * as the tracker, and that has come through; so what is missing now was not sent.
   */
  async fence(tab: Tab): Promise<void> {
    const name = randomUUID();
    const send = async (address: string) => {
      // The page may have only just begun.
      while (document.readyState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 10));
      // A while for what the page itself still has to do.
      await new Promise((resolve) => setTimeout(resolve, 50));
      window.lab.sendBeacon(address);
    };
    // A page that is just being left for the next one cannot be asked; the next one can.
    await expect(() => tab.eval(send, `${COLLECTOR}/fence?${name}`)).toPass({ timeout: FENCE_TIMEOUT_MS });
    await expect.poll(() => this.network.hasFence(name), { message: 'the fence came through' }).toBe(true);
    await this.answered();
  }

  /** Waits until every request that arrived has its answer. */
  async answered(): Promise<void> {
    await expect
      .poll(() => this.network.received.every(({ status }) => status !== null), {
        message: 'all are answered',
      })
      .toBe(true);
  }
}
