import type { EventOptions } from '../npm/index.d.ts';
import type { Beacon } from '../wire/beacon.ts';

type Wire = { [Name in keyof Beacon]?: Beacon[Name] | undefined };

/** The fields that all beacons of one view share. */
export type View = Pick<Wire, 'key' | 'keep' | 'url' | 'view' | 'tz'>;

/** The other fields of a beacon. JSON omits what is undefined, and functions, so a callback can be in the same object. */
export type Fields = Omit<Wire, keyof View | 'id' | 'props'> & Pick<EventOptions, 'props' | 'callback'>;

export type { EventOptions };

/** What `checkPage` and `pageview` read of an event: whether the page returned from the back/forward cache. */
export interface PageEvent {
  readonly persisted?: boolean;
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

/** The type of `window.attractos`. */
export interface Global {
  /** The events queued before the script loaded. */
  q?: Fields[];
  track?: (name: string, options?: EventOptions) => void;
  /** Full build: called with each beacon before it is sent. It may change the beacon, or return nothing to drop it. */
  beforeSend?: (beacon: object) => object | null | undefined;
  /** Full build: begins a view manually. */
  pageview?: () => void;
  /** The site keys whose tags have started on this page. */
  [siteKey: `ak_${string}`]: unknown;
}
