/** Properties of an event: a flat object of plain values. Those that are null or undefined are left out. */
export type Props = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The collector's response to an event. */
export interface Result {
  /** Whether the event is on disk. */
  readonly ok: boolean;
  /** HTTP status. */
  readonly status: number;
  /** `stored`, `duplicate`, `bot` or `refused; reason=…`; null if a proxy hides the header. */
  readonly reason: string | null;
}

/** What an event may carry in addition to its name. */
export interface EventOptions {
  readonly props?: Props;
  /** The value of a conversion, in units of `currency`: a number, or a decimal string such as `'49.90'`. */
  readonly value?: number | string;
  /** ISO 4217, in any case. */
  readonly currency?: string;
  /** `false`: the visitor did not trigger the event, so it does not end a bounce. Default: `true`. */
  readonly interactive?: boolean;
  /** Called with the collector's response; never called if nothing is sent. */
  readonly callback?: (result: Result) => void;
}

/** The options of `init`. */
export interface Options {
  /** The public site key, `ak_…`. */
  readonly key: string;
  /** Where beacons go, such as `https://stats.example/e`. */
  readonly api: string;
  /** Count even if a program drives the browser. */
  readonly automation?: boolean;
  /** `false`: count visitors who send Global Privacy Control. */
  readonly gpc?: boolean;
  /** Do not count visitors who send Do Not Track. */
  readonly dnt?: boolean;
  /** Count pages that are shown in a frame of another page. */
  readonly frames?: boolean;
  /** `false`: count only the page views that are requested with `pageview()`. */
  readonly auto?: boolean;
  /** The part after `#` is part of the page: another hash is another page. */
  readonly hash?: boolean;
  /** Regular expression of pages to exclude, tested on the path with the kept query and hash. */
  readonly exclude?: string;
  /** Query parameters that are part of the page: another value is another page. */
  readonly query?: readonly string[];
  /** Report the URL in the page's `<link rel="canonical">`. */
  readonly canonical?: boolean;
  /** `fetch`: use keepalive `fetch` instead of `sendBeacon`. */
  readonly transport?: 'beacon' | 'fetch';
  /** Log each beacon and the collector's response to the console. */
  readonly debug?: boolean;
  /** Send `Outbound` when a link to another host is clicked. */
  readonly outbound?: boolean;
  /** Send `Download` when a link to a file is clicked. A list replaces the usual types: `['pdf', 'epub']`. */
  readonly downloads?: boolean | readonly string[];
  /** Send `Form` when a form is submitted. */
  readonly forms?: boolean;
  /** Properties that are added to every page view and event. */
  readonly props?: Props;
  /** Called with each beacon before it is sent. It may change the beacon. If it returns nothing or throws, the beacon is dropped. */
  readonly beforeSend?: (beacon: object) => object | null | undefined;
}

/** Starts counting. Only the first call has an effect. On a server, it does nothing. */
export function init(options: Options): void;

/** Sends an event. Before `init`, the event waits. On a server, it does nothing. */
export function track(name: string, options?: EventOptions): void;

/** Begins a view manually, for `auto: false`. */
export function pageview(): void;
