/**
 * What the owner may say in the tag, one `data-` attribute each; the npm package takes the same words as options.
 * README.md explains every one, and a test holds the two lists together.
 */
export interface Settings {
  /** The public site key; may also stand in the script's address, as `?key=`. */
  key?: string;
  /** Where beacons go. Default: `/e` at the script's own origin. */
  api?: string | URL;
  /** `on`: count although a program drives the browser (`navigator.webdriver`). */
  automation?: string;
  /** `off`: count visitors who send Global Privacy Control. */
  gpc?: string;

  // From here on, the full build and the npm package only.

  /** `on`: do not count visitors who send Do Not Track. */
  dnt?: string;
  /** `off`: do not send from `localhost` and its like; the collector refuses them anyway, and shows that it did. */
  local?: string;
  /** `on`: count pages that are shown in a frame of another page. */
  frames?: string;
  /** `off`: no page views but those the page asks for with `attractos.pageview()`. */
  auto?: string;
  /** `on`: the part after `#` is part of the path. */
  hash?: string;
  /** Count only these paths: comma-separated, `*` stands for anything. */
  include?: string;
  /** Count all but these paths. */
  exclude?: string;
  /** Query parameters to keep besides `utm_*`, `ref` and `source`: comma-separated. */
  query?: string;
  /** `on`: report the address in the page's `<link rel="canonical">`. */
  canonical?: string;
  /** `fetch`: try keepalive `fetch` before `sendBeacon`. */
  transport?: string;
  /** `on`: tell the console what was sent, and what the collector answered. */
  debug?: string;
  /** Name of a global function that sees each beacon first; it may change it, or return `null` to drop it. */
  beforeSend?: string;
  /** `on`: an `Outbound link` event for each click on a link to another host. */
  outbound?: string;
  /** `on`: a `Download` event for each click on a link to a file. Or the file extensions, comma-separated. */
  downloads?: string;
  /** `on`: a `Form` event for each form that is sent. */
  forms?: string;
  /** `on`: this page is the site's "not found" page; send a `404` event with its path. */
  notFound?: string;
  /** `off`: leave out the web vitals. */
  vitals?: string;
}
