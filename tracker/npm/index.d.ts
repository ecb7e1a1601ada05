/** Properties of an event: a flat object of plain values. */
export type Props = Readonly<Record<string, string | number | boolean>>;

/** What the collector said about an event. */
export interface Result {
  /** It is on disk. */
  readonly ok: boolean;
  /** HTTP status. */
  readonly status: number;
  /** `stored`, `duplicate`, `bot` or `refused; reason=…`; nothing where a proxy hides the header. */
  readonly reason: string | null;
}

/** What an event may say besides its name. */
export interface EventOptions {
  readonly props?: Props;
  /** What a conversion was worth, in units of `currency`. */
  readonly value?: number;
  /** ISO 4217, upper case. */
  readonly currency?: string;
  /** Told what the collector answered; never called where nothing is sent. */
  readonly callback?: (result: Result) => void;
}

/** How to start. */
export interface Options {
  /** The public site key, `ak_…`. */
  readonly key: string;
  /** Where beacons go, such as `https://stats.example/e`. */
  readonly api: string;
  /** Count although a program drives the browser. */
  readonly automation?: boolean;
  /** `false`: count visitors who send Global Privacy Control. */
  readonly gpc?: boolean;
  /** Do not count visitors who send Do Not Track. */
  readonly dnt?: boolean;
  /** Count pages that are shown in a frame of another page. */
  readonly frames?: boolean;
  /** `false`: no page views but those asked for with `pageview()`. */
  readonly auto?: boolean;
  /** The part after `#` is part of the path. */
  readonly hash?: boolean;
  /** Regular expression of paths to say nothing about. */
  readonly exclude?: string;
  /** Query parameters to keep besides `utm_*`, `ref` and `source`. */
  readonly query?: readonly string[];
  /** Report the address in the page's `<link rel="canonical">`. */
  readonly canonical?: boolean;
  /** `fetch`: use keepalive `fetch` instead of `sendBeacon`. */
  readonly transport?: 'beacon' | 'fetch';
  /** Tell the console what was sent, and what the collector answered. */
  readonly debug?: boolean;
  /** Send `Outbound` when a link to another host is clicked. */
  readonly outbound?: boolean;
  /** Send `Download` when a link to a file is clicked. */
  readonly downloads?: boolean;
  /** Send `Form` when a form is sent. */
  readonly forms?: boolean;
  /** Props that go with every page view and event. */
  readonly props?: Props;
  /** Sees each beacon first; may change it, or return nothing to drop it. One that throws drops it, too. */
  readonly beforeSend?: (beacon: object) => object | null | undefined;
}

/** Starts counting. The first call counts; on a server it does nothing. */
export function init(options: Options): void;

/** Sends an event; before `init` it waits, on a server it does nothing. */
export function track(name: string, options?: EventOptions): void;

/** Begins a view by hand, for `auto: false`. */
export function pageview(): void;
