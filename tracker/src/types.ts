import type { EventOptions, Props, Result } from '../npm/index.d.ts';
import type { Beacon } from '../wire/beacon.ts';

/** What a beacon says besides the key, the ids and the address. */
export type Fields = {
  [Name in keyof Omit<Beacon, 'key' | 'id' | 'url' | 'view' | 'name'>]?: Beacon[Name] | undefined;
};

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
