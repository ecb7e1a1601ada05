import type { EventOptions, Props, Result } from '../npm/index.d.ts';
import type { Beacon } from '../wire/beacon.ts';

type Wire = { [Name in keyof Beacon]?: Beacon[Name] | undefined };

/** What all beacons of one view say. */
export type Common = Pick<Wire, 'key' | 'keep' | 'url' | 'view' | 'tz'>;

/** What a beacon says besides. */
export type Fields = Omit<Wire, keyof Common | 'id'>;

export type { EventOptions, Props, Result };

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
export type Call = readonly [name: string, options?: EventOptions | Props | undefined];

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
