import type { Beacon } from '../wire/beacon.ts';

/** What a beacon says besides the key, the ids and the address. */
export type Fields = {
  [Name in keyof Omit<Beacon, 'key' | 'id' | 'url' | 'view' | 'name'>]?: Beacon[Name] | undefined;
};

/** Properties of an event: a flat object of plain values. */
export type Props = Readonly<Record<string, string | number | boolean>>;

/** What became of an event. */
export interface Result {
  /** The collector has it on disk. */
  readonly ok: boolean;
  /** HTTP status; 0 when nothing was sent. */
  readonly status?: number;
  /** In words: `stored`, `duplicate`, the collector's reason for refusing, or why nothing was sent. */
  readonly reason: string | null;
}

/** Second argument of `track`. The full build also takes the props alone. */
export interface EventOptions {
  readonly props?: Props;
  /** What a conversion was worth, in units of `currency`. */
  readonly value?: number;
  /** ISO 4217, upper case. */
  readonly currency?: string;
  /** Full build: told what became of the event. */
  readonly callback?: (result: Result) => void;
}

declare global {
  interface Document {
    /** https://wicg.github.io/nav-speculation/prerendering.html */
    readonly prerendering?: boolean;
  }
  interface Navigator {
    /** https://www.w3.org/TR/gpc/ */
    readonly globalPrivacyControl?: boolean;
  }
}

/** Arguments of `track`. */
export type Call = readonly [name: string, options?: EventOptions | Props];

/** `window.attractos`. */
export interface Global {
  /** Calls made before the script arrived. */
  q?: Call[];
  track?: (...call: Call) => void;
  /** Full build: sees each beacon first; may change it, or return nothing to drop it. */
  beforeSend?: (beacon: object) => object | null | undefined;
  /** Full build: begins a view by hand. */
  pageview?: () => void;
  /** Site keys that a script on this page has taken. */
  [siteKey: `ak_${string}`]: unknown;
}
