import type { Fields, Global } from './types.ts';

/** The settings of the tag, one `data-` attribute each. README.md lists them, and a test compares the two. */
export interface Settings {
  /** The public site key. It may also be in the script's URL, as `?key=`. */
  key?: string;
  /** The URL that beacons are sent to. Default: `/e` at the script's own origin. */
  api?: string | URL;
  /** `on`: count even if a program drives the browser (`navigator.webdriver`). */
  automation?: string;
  /** `off`: count visitors who send Global Privacy Control. */
  gpc?: string;
  /** `on`: do not count visitors who send Do Not Track. */
  dnt?: string;

  // The settings below are for the full build only.

  /** `on`: count pages that are shown in a frame of another page. */
  frames?: string;
  /** `off`: count only the page views that the page requests with `attractos.pageview()`. */
  auto?: string;
  /** `on`: count the part after `#` as part of the page. */
  hash?: string;
  /** The pages to exclude, as a regular expression of path, kept query and kept hash. */
  exclude?: string;
  /** Query parameters that are part of the page, separated by `|`. */
  query?: string;
  /** `on`: report the URL in the page's `<link rel="canonical">`. */
  canonical?: string;
  /** `fetch`: use keepalive `fetch` instead of `sendBeacon`. */
  transport?: string;
  /** `on`: log each beacon and the collector's response to the console. */
  debug?: string;
  /** `on`: send an `Outbound` event for each click on a link to another host. */
  outbound?: string;
  /** Send a `Download` event for each click on a link to a file. `on` or empty: of the usual types; else: of the types listed. */
  downloads?: string;
  /** `on`: send a `Form` event for each form that is submitted. */
  forms?: string;
}

type Tag = HTMLScriptElement & { readonly dataset: DOMStringMap & Settings };

/** The tag of this script. Its other `data-` attributes are read when they are needed. */
export const {
  src,
  dataset,
  // The key may also be the first parameter of the script's URL, because optimizer plugins and tag managers rebuild tags
  // and drop their `data-` attributes. `URL` cannot be used: many pages replace it.
  // biome-ignore lint/style/useTemplate: the server replaces this exact string when the collector has another path.
  dataset: { key = src.split(/[=&]/)[1], api = src.split(/\b[/]/)[0] + '/e' },
} = document.currentScript as Tag;

/** `window.attractos`, the only global. The page may have created it before this script loaded, to queue calls. */
// biome-ignore lint/suspicious/noAssignInExpressions: six bytes shorter, and a common idiom for globals.
export const attractos: Global = ((self as { attractos?: Global }).attractos ||= {});

/** Events that wait for their page view. */
export const queue: Fields[] = attractos.q || [];
