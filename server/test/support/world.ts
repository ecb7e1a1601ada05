import type { FastifyInstance } from 'fastify';
import { loadScripts, type ScriptFile } from '../../src/collect/script.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { type Assets, NO_ASSETS } from '../../src/dashboard/kit/assets.ts';
import {
  digestApiKey,
  newAccountId,
  newApiKey,
  newApiKeyId,
  newSiteId,
  newSiteKey,
} from '../../src/domain/keys.ts';
import type { PlanName } from '../../src/domain/plans.ts';
import type { SecretBox } from '../../src/domain/secret-box.ts';
import { buildServer } from '../../src/server.ts';
import type { Account, Events, Registry, Site, Store, TextLimits } from '../../src/store/contract/store.ts';
import { openStore } from '../../src/store/open.ts';
import { TestClock } from './clock.ts';
import { type Answer, ask, type Question } from './http.ts';
import { makeFolder, root } from './paths.ts';
import { SECRET_BOX } from './secret-key.ts';

/** Returns the built tracker, as the program serves it. */
export function builtScripts(): Promise<ScriptFile[]> {
  return loadScripts(`${root}/dist/public`);
}

/** The user agent of a person's browser. */
export const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

export interface RunningServer {
  /** Address of the server, without a trailing slash. */
  url: string;
  app: FastifyInstance;
  ask(question: Question): Promise<Answer>;
  /** Sends a beacon as a page at `example.com` does, unless the options say otherwise. */
  send(beacon: unknown, question?: Partial<Question>): Promise<Answer>;
  /** `GET /api/v1/sites` with an API key. */
  sites(apiKey: string): Promise<Answer>;
}

/** A data folder of its own, with the real store and the real servers running on it. */
export class World {
  readonly dataDir: string;
  readonly store: Store;
  readonly clock = new TestClock();
  readonly #remove: () => Promise<void>;
  readonly #servers: FastifyInstance[] = [];
  #accounts = 0;

  private constructor(dataDir: string, store: Store, remove: () => Promise<void>) {
    this.dataDir = dataDir;
    this.store = store;
    this.#remove = remove;
  }

  static async open(limits: { textLimits?: TextLimits } = {}): Promise<World> {
    const folder = await makeFolder();
    const store = await openStore({
      ...limits,
      dataDir: folder.path,
      onBroken: (error) => {
        throw error;
      },
    });
    return new World(folder.path, store, folder.remove);
  }

  async close(): Promise<void> {
    for (const app of this.#servers) await app.close();
    await this.store.close();
    await this.#remove();
  }

  async addAccount({
    plan = 'free',
    billingAnchorDay = 1,
  }: {
    plan?: PlanName;
    billingAnchorDay?: number;
  } = {}): Promise<Account> {
    return this.store.registry.createAccount({
      id: newAccountId(),
      email: `owner${++this.#accounts}@example.com`,
      plan,
      billingAnchorDay,
      passwordHash: 'none',
      createdAtMs: this.clock.now(),
    });
  }

  async addSite(account: Account, domain = 'example.com'): Promise<Site> {
    return this.store.registry.createSite(
      { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs: this.clock.now() },
      null,
    );
  }

  async addApiKey(
    account: Account,
    { siteIds = null }: { siteIds?: readonly string[] | null } = {},
  ): Promise<{ id: string; key: string }> {
    const key = newApiKey();
    const digest = digestApiKey(key);
    if (digest === null) throw new Error('a new API key has no digest');
    const { id } = await this.store.registry.createApiKey({
      id: newApiKeyId(),
      accountId: account.id,
      name: 'test',
      siteIds,
      ...digest,
      createdAtMs: this.clock.now(),
    });
    return { id, key };
  }

  /** Adds an account with one site and one API key. */
  async addOwner(
    domain = 'example.com',
    plan: PlanName = 'free',
  ): Promise<{ account: Account; site: Site; apiKey: string }> {
    const account = await this.addAccount({ plan });
    const site = await this.addSite(account, domain);
    const { key: apiKey } = await this.addApiKey(account);
    return { account, site, apiKey };
  }

  /** Starts the production server on a free port. A test can replace half of the store to cause a fault. */
  async serve({
    settings = {},
    registry = this.store.registry,
    events = this.store.events,
    scripts = [],
    secretBox = SECRET_BOX,
    assets = NO_ASSETS,
    setupToken = null,
    socketPath = null,
  }: {
    settings?: Record<string, string>;
    registry?: Registry;
    events?: Events;
    scripts?: readonly ScriptFile[];
    secretBox?: SecretBox;
    assets?: Assets;
    setupToken?: string | null;
    /** Where to listen instead; it is then the server's `url`. */
    socketPath?: string | null;
  } = {}): Promise<RunningServer> {
    const config: Config = readConfig({ LOG_LEVEL: 'silent', DATA_DIR: this.dataDir, ...settings });
    const store: Store = {
      registry,
      events,
      reports: this.store.reports,
      close: () => this.store.close(),
    };
    const app = await buildServer({
      ...{ config, store, clock: this.clock, scripts, secretBox, assets, setupToken },
    });
    this.#servers.push(app);
    const url = await app.listen(socketPath === null ? { port: 0, host: '127.0.0.1' } : { path: socketPath });
    const asking = (question: Question) => ask(url, question);
    return {
      url,
      app,
      ask: asking,
      send: (beacon, question = {}) =>
        asking({
          method: 'POST',
          path: '/e',
          body: typeof beacon === 'string' ? beacon : JSON.stringify(beacon),
          ...question,
          headers: { ...pageHeaders(), ...question.headers },
        }),
      sites: (apiKey) => asking({ path: '/api/v1/sites', headers: { authorization: `Bearer ${apiKey}` } }),
    };
  }
}

/** Returns the headers that `navigator.sendBeacon` sends with a string, from a page at `origin`. */
export function pageHeaders(origin = 'https://example.com'): Record<string, string> {
  return { 'content-type': 'text/plain;charset=UTF-8', 'user-agent': BROWSER, origin };
}
