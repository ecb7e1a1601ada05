import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import type { Options } from '../../npm/index.d.ts';
import type { Beacon } from '../../wire/beacon.ts';

/** The published scripts, smallest first. */
export const BUILDS = ['a.micro.js', 'a.js', 'a.full.js'] as const;
export type Build = (typeof BUILDS)[number];

/** Faults of a browser. */
export interface Faults {
  /** How `sendBeacon` fails. */
  beacon?: 'missing' | 'false' | 'throws';
  /** `fetch` rejects, or throws at once. */
  fetch?: 'rejects' | 'rejects keepalive' | 'throws';
  storageDenied?: boolean;
  /** An engine from before the Navigation API. */
  noNavigationApi?: boolean;
  frozenHistory?: boolean;
  /** Parts of the browser that are missing. */
  missing?: readonly Part[];
  /** Parts of the browser that throw whenever they are used. */
  broken?: readonly Part[];
}

/** Parts that engines, settings and extensions may remove or break. */
export const PARTS = [
  'ResizeObserver',
  'PerformanceObserver',
  'performance',
  'Intl',
  'crypto',
  'console',
  'alert',
  'hasFocus',
] as const;
export type Part = (typeof PARTS)[number];

export interface Start extends Faults {
  /** The script of the page; none if the page uses the npm package. */
  build?: Build;
  url?: string;
  referrer?: string;
  data?: Record<string, string>;
  src?: string;
  hidden?: boolean;
  prerendering?: boolean;
  /** `PerformanceNavigationTiming.type`. */
  navigation?: string;
  navigator?: Record<string, unknown>;
  storage?: Record<string, unknown>;
  globals?: Record<string, unknown>;
  /** `PerformanceNavigationTiming.responseStart`. */
  responseStart?: number;
  /** Whether the engine measures layout shifts. */
  layoutShifts?: boolean;
  /** `performance.interactionCount`, of newer engines. */
  interactionCount?: number;
}

const source = (build: Build): string =>
  readFileSync(new URL(`../../../dist/public/${build}`, import.meta.url), 'utf8');

const npmPackage = readFileSync(new URL('../../../dist/npm/index.js', import.meta.url), 'utf8');

/** A minimal window that runs a built script and simulates visitors and engines. */
export class FakePage {
  /** Everything that the page sent, by any transport. */
  readonly sent: { body: string; by: 'beacon' | 'keepalive fetch' | 'fetch'; to: string }[] = [];
  /** Errors from listeners, which the page would see. */
  readonly errors: unknown[] = [];
  readonly window: Record<string, unknown>;
  now = 1000;
  focused = true;
  visibility: 'visible' | 'hidden';
  prerendering: boolean;
  readonly #observers = new Map<string, (entries: readonly object[]) => void>();
  readonly #listeners = new Map<string, ((event: unknown) => void)[]>();
  readonly #navigationListeners: ((event: unknown) => void)[] = [];
  #href: URL;
  readonly #past: string[] = [];
  /** The history methods as they were before any script ran. */
  #original: Record<string, unknown> = {};
  readonly #faults: Faults;
  readonly #start: Start;

  constructor(start: Start) {
    this.#start = start;
    this.#faults = start;
    this.#href = new URL(start.url ?? 'https://www.example.com/');
    this.visibility = start.hidden || start.prerendering ? 'hidden' : 'visible';
    this.prerendering = start.prerendering ?? false;
    this.window = createContext(this.#makeWindow()) as Record<string, unknown>;
    if (start.build !== undefined) this.run(start.build);
  }

  /** Runs a tag, which may be an additional one. */
  run(build: Build, data: Record<string, string> = this.#start.data ?? { key: 'ak_1' }): void {
    const page = this.window['document'] as { currentScript: unknown };
    page.currentScript = { src: this.#start.src ?? 'https://stats.example/a.js', dataset: data };
    runInContext(source(build), this.window);
    page.currentScript = null;
  }

  /** Starts the npm package. Its exports become variables, because a page without a network cannot load modules. */
  init(options: Options): void {
    const code = npmPackage.replace(/export\{(.*)\};/, (_, names: string) =>
      names.replace(/(\w+) as (\w+),?/g, 'self.attractos_$2=$1;'),
    );
    runInContext(`{${code}}`, this.window);
    runInContext('(options) => attractos_init(options)', this.window)(options);
  }

  /** The beacons that were sent, in order. */
  get beacons(): Beacon[] {
    return this.sent.map(({ body }) => JSON.parse(body) as Beacon);
  }
  get views(): Beacon[] {
    return this.beacons.filter(({ name }) => !name);
  }
  named(name: string): Beacon[] {
    return this.beacons.filter((beacon) => beacon.name === name);
  }

  track(...call: unknown[]): void {
    runInContext('(call) => attractos.track(...call)', this.window)(call);
  }
  go(method: 'pushState' | 'replaceState', to: string): void {
    (this.window['history'] as Record<string, (...args: unknown[]) => void>)[method]?.(null, '', to);
  }
  /** Changes the URL as a router does that kept the history methods of before the script ran. */
  goUnseen(method: 'pushState' | 'replaceState', to: string): void {
    (this.#original[method] as History['pushState'])(null, '', to);
  }
  back(): void {
    const to = this.#past.pop();
    if (to) this.#move(to);
    this.dispatch('popstate');
  }
  /** Reports performance entries of a type to the script. */
  measure(type: string, ...entries: readonly object[]): void {
    this.#observers.get(type)?.(entries.map((entry) => ({ name: '', duration: 0, startTime: 0, ...entry })));
  }

  setVisibility(visibility: 'visible' | 'hidden'): void {
    this.visibility = visibility;
    this.dispatch('visibilitychange');
  }
  activate(): void {
    this.visibility = 'visible';
    this.dispatch('visibilitychange');
    this.prerendering = false;
    this.dispatch('prerenderingchange');
  }
  leaveAndRestore(): void {
    this.dispatch('pagehide', { persisted: true });
    this.setVisibility('hidden');
    this.setVisibility('visible');
    this.dispatch('pageshow', { persisted: true });
  }
  focus(focused: boolean): void {
    this.focused = focused;
    this.dispatch(focused ? 'focus' : 'blur');
  }
  dispatch(type: string, fields: object = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) this.#call(listener, { type, ...fields });
  }

  #call(listener: (event: unknown) => void, event: unknown): void {
    try {
      listener(event);
    } catch (error) {
      this.errors.push(error);
    }
  }
  #move(to: string): void {
    this.#href = new URL(to, this.#href);
    for (const listener of this.#navigationListeners) this.#call(listener, {});
  }

  #makeWindow(): Record<string, unknown> {
    const page = this;
    const faults = this.#faults;
    const history = {
      pushState: (_state: unknown, _title: string, to: string) => {
        page.#past.push(page.#href.href);
        page.#move(to);
      },
      replaceState: (_state: unknown, _title: string, to: string) => page.#move(to),
    };
    this.#original = { ...history };
    if (faults.frozenHistory) Object.freeze(history);
    const navigator: Record<string, unknown> = { onLine: true, webdriver: false };
    if (faults.beacon !== 'missing')
      navigator['sendBeacon'] = (to: unknown, body: string) => {
        if (faults.beacon === 'throws') throw new Error('no beacons');
        if (faults.beacon === 'false') return false;
        page.sent.push({ body, by: 'beacon', to: `${to}` });
        return true;
      };
    Object.assign(navigator, this.#start.navigator);
    const root = { scrollHeight: 4000 };
    const window: Record<string, unknown> = {
      URL,
      console,
      navigator,
      history,
      innerWidth: 1280,
      innerHeight: 800,
      scrollY: 0,
      location: {
        get href() {
          return page.#href.href;
        },
        get pathname() {
          return page.#href.pathname;
        },
        get search() {
          return page.#href.search;
        },
        get hash() {
          return page.#href.hash;
        },
        get host() {
          return page.#href.host;
        },
      },
      document: {
        currentScript: null,
        documentElement: root,
        referrer: this.#start.referrer ?? '',
        hasFocus: () => page.focused,
        querySelector: () => null,
        get visibilityState() {
          return page.visibility;
        },
        get prerendering() {
          return page.prerendering;
        },
      },
      performance: {
        now: () => page.now,
        getEntriesByType: () => [
          { type: page.#start.navigation ?? 'navigate', responseStart: page.#start.responseStart },
        ],
        interactionCount: page.#start.interactionCount,
      },
      ResizeObserver: class {
        readonly #report: (entries: unknown[], observer: unknown) => void;
        constructor(report: (entries: unknown[], observer: unknown) => void) {
          this.#report = report;
        }
        observe() {
          queueMicrotask(() => page.#call(() => this.#report([{}], this), undefined));
        }
        disconnect() {}
      },
      PerformanceObserver: class {
        readonly #report: (list: unknown) => void;
        constructor(report: (list: unknown) => void) {
          this.#report = report;
        }
        observe({ type }: { type: string }) {
          page.#observers.set(type, (entries) =>
            page.#call(() => this.#report({ getEntries: () => entries }), undefined),
          );
        }
      },
      addEventListener: (type: string, listener: (event: unknown) => void) => {
        page.#listeners.set(type, [...(page.#listeners.get(type) ?? []), listener]);
      },
      fetch: (to: unknown, { body, keepalive }: { body: string; keepalive?: boolean }) => {
        if (faults.fetch === 'throws') throw new Error('no fetch');
        if (faults.fetch === 'rejects' || (keepalive && faults.fetch === 'rejects keepalive'))
          return Promise.reject(new Error('no network'));
        page.sent.push({ body, by: keepalive ? 'keepalive fetch' : 'fetch', to: `${to}` });
        return Promise.resolve({
          ok: true,
          status: 202,
          headers: new Headers({ 'x-attractos-outcome': 'stored' }),
        });
      },
      alert: () => {},
    };
    if (this.#start.layoutShifts) window['LayoutShift'] = class {};
    window['self'] = window['window'] = window['top'] = window;
    if (!faults.noNavigationApi)
      window['navigation'] = {
        navigate: () => {},
        addEventListener: (_type: string, listener: (event: unknown) => void) =>
          page.#navigationListeners.push(listener),
      };
    const storage = this.#start.storage ?? {};
    Object.defineProperty(window, 'localStorage', {
      get() {
        if (faults.storageDenied) throw new Error('denied');
        return storage;
      },
    });
    Object.assign(window, this.#start.globals);
    for (const part of faults.missing ?? []) this.#without(window, part);
    for (const part of faults.broken ?? []) this.#broken(window, part);
    return window;
  }

  /** Removes a part of the window. It is set to undefined, because a deleted `Intl` would reappear from the context. */
  #without(window: Record<string, unknown>, part: Part): void {
    if (part === 'hasFocus') delete (window['document'] as Record<string, unknown>)[part];
    else window[part] = undefined;
  }

  #broken(window: Record<string, unknown>, part: Part): void {
    const breaks = (): never => {
      throw new Error(`no ${part}`);
    };
    if (part === 'hasFocus') (window['document'] as Record<string, unknown>)[part] = breaks;
    // Throws when it is called, constructed or read.
    else window[part] = new Proxy(() => {}, { apply: breaks, construct: breaks, get: breaks });
  }
}
