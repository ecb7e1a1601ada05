/** What the owner may say in the tag, one `data-` attribute each. README.md explains them; a test compares. */
export interface Settings {
  /** The public site key; may also stand in the script's address, as `?key=`. */
  key?: string;
  /** Where beacons go. Default: `/e` at the script's own origin. */
  api?: string | URL;
  /** `on`: count although a program drives the browser (`navigator.webdriver`). */
  automation?: string;
  /** `off`: count visitors who send Global Privacy Control. */
  gpc?: string;
  /** `on`: do not count visitors who send Do Not Track. */
  dnt?: string;

  // From here on, the full build only.

  /** `on`: count pages that are shown in a frame of another page. */
  frames?: string;
  /** `off`: no page views but those the page asks for with `attractos.pageview()`. */
  auto?: string;
  /** `on`: the part after `#` is part of the path. */
  hash?: string;
  /** Regular expression of paths to say nothing about. */
  exclude?: string;
  /** Query parameters to keep besides `utm_*`, `ref` and `source`, separated by `|`. */
  query?: string;
  /** `on`: report the address in the page's `<link rel="canonical">`. */
  canonical?: string;
  /** `fetch`: use keepalive `fetch` instead of `sendBeacon`. */
  transport?: string;
  /** `on`: tell the console what was sent, and what the collector answered. */
  debug?: string;
  /** `on`: an `Outbound` event for each click on a link to another host. */
  outbound?: string;
  /** `on`: a `Download` event for each click on a link to a file. */
  downloads?: string;
  /** `on`: a `Form` event for each form that is sent. */
  forms?: string;
}
