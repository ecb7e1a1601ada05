import type { EventOptions, Result } from '../npm/index.d.ts';
import type { Beacon } from '../wire/beacon.ts';

type Wire = { [Name in keyof Beacon]?: Beacon[Name] | undefined };

/** What all beacons of one view say. */
export type View = Pick<Wire, 'key' | 'keep' | 'url' | 'view' | 'tz'>;

/** What a beacon says besides. A callback goes along in the same object, for JSON leaves functions out. */
export type Fields = Omit<Wire, keyof View | 'id'> & Pick<EventOptions, 'callback'>;

export type { EventOptions, Result };

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

/** `window.attractos`. */
export interface Global {
  /** Events from before the script arrived. */
  q?: Fields[];
  track?: (name: string, options?: EventOptions) => void;
  /** Full build: sees each beacon first; may change it, or return nothing to drop it. */
  beforeSend?: (beacon: object) => object | null | undefined;
  /** Full build: begins a view by hand. */
  pageview?: () => void;
  /** Site keys that a script on this page has taken. */
  [siteKey: `ak_${string}`]: unknown;
}
