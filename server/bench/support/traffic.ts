import { type Gap, ID_CHARS, type Template } from './burst.ts';
import { Random, zipf } from './random.ts';

/** Requests as browsers send them: pages, referrers, user agents and sizes, with the distribution of real traffic. */

export interface Page {
  domain: string;
  key: string;
}

/** A page view, without its id. */
export interface View {
  host: string;
  path: string;
  referrer: string | null;
  nav: string;
  width: number;
  timeZone: string;
  userAgent: string;
  /** The visitor's address, as a proxy in front of the server reports it. */
  address: string;
}

const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0',
];
const REFERRERS = [
  'https://www.google.com/',
  'https://duckduckgo.com/',
  'https://www.bing.com/',
  'https://chatgpt.com/',
  'https://news.ycombinator.com/item',
  'https://www.linkedin.com/feed/',
  'https://t.co/Ab3dE5gH1j',
  'https://old.reddit.com/r/webdev/comments/1abcd2/',
];
const SECTIONS = ['blog', 'docs', 'shop', 'guides', 'news', 'help', 'products', 'team'];
const WORDS = [
  'durable',
  'privacy',
  'simple',
  'counting',
  'visitors',
  'without',
  'cookies',
  'open',
  'source',
  'fast',
];
const NAVS = ['load', 'load', 'load', 'soft', 'back', 'reload'];
const WIDTHS = [360, 390, 393, 412, 768, 1280, 1366, 1440, 1536, 1920, 2560];
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Europe/London',
  'America/Sao_Paulo',
  'Asia/Tokyo',
];

/** Number of distinct paths of one site. */
const PATHS = 2_000;
/** Number of other sites that link to it. */
const OTHER_REFERRERS = 500;
/** Number of distinct visitors of one site. */
const VISITORS = 2_000;
/** Share of views without a referrer from another site. */
const DIRECT = 0.6;

function pathOf(number: number): string {
  if (number === 0) return '/';
  const random = new Random(number * 7919 + 17);
  for (let i = 0; i < 3; i++) random.next();
  const title = Array.from({ length: 2 + random.below(3) }, () => random.of(WORDS)).join('-');
  return `/${random.of(SECTIONS)}/${title}-${number}`;
}

/** Returns the properties of a visitor that stay the same. */
function visitor(number: number): Pick<View, 'width' | 'timeZone' | 'userAgent' | 'address'> {
  const random = new Random(number * 104_729 + 7);
  for (let i = 0; i < 3; i++) random.next();
  return {
    width: random.of(WIDTHS),
    timeZone: random.of(ZONES),
    userAgent: random.of(BROWSERS),
    address: `198.${18 + (number >> 8)}.${number & 255}.${random.below(256)}`,
  };
}

/** Returns a function that draws views of one site. */
function viewsOf(domain: string, random: Random): () => View {
  const path = zipf(PATHS, random);
  const referrer = zipf(OTHER_REFERRERS, random);
  return () => {
    const from = referrer();
    return {
      host: domain,
      path: pathOf(path()),
      referrer:
        random.next() < DIRECT
          ? null
          : (REFERRERS[from] ?? `https://weblog-${from}.example/links/${from % 7}`),
      nav: random.of(NAVS),
      ...visitor(random.below(VISITORS)),
    };
  };
}

/** Formats a beacon as a request, with a gap for its id. */
export function beaconRequest({ domain, key }: Page, view: View): Template {
  return template(pageview({ domain, key }, view), { ...view, domain, gaps: [{ idOf: 0 }] });
}

function pageview({ key }: Page, view: View): object {
  return {
    key,
    id: GAP,
    url: `https://${view.host}${view.path}`,
    ...(view.referrer === null ? {} : { ref: view.referrer }),
    nav: view.nav,
    width: view.width,
    tz: view.timeZone,
  };
}

/** A placeholder for an id, of the same length. */
const GAP = '~'.repeat(ID_CHARS);
/** A placeholder for an address. */
const ADDRESS_GAP = '~address~';

interface Sender {
  /** The host of the page, or null if the request does not state it. */
  domain: string | null;
  userAgent: string;
  address: string;
  /** The content of each gap, in the order of the request: headers come before the body. */
  gaps: Gap[];
}

function template(beacon: object, { domain, userAgent, address, gaps }: Sender): Template {
  const body = JSON.stringify(beacon);
  const head = [
    'POST /e HTTP/1.1',
    'Host: stats.example.com',
    'Connection: keep-alive',
    `Content-Length: ${body.length}`,
    `User-Agent: ${userAgent}`,
    'Content-Type: text/plain;charset=UTF-8',
    'Accept: */*',
    ...(domain === null ? [] : [`Origin: https://${domain}`, `Referer: https://${domain}/`]),
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Mode: no-cors',
    'Sec-Fetch-Dest: empty',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    `X-Forwarded-For: ${address}`,
  ];
  const request = `${head.join('\r\n')}\r\n\r\n${body}`;
  return { parts: request.split(new RegExp(`${GAP}|${ADDRESS_GAP}`)), gaps };
}

/** Returns beacons of several sites, the first site's most often. */
export function beacons(pages: readonly Page[], count: number, seed = 1): Template[] {
  const random = new Random(seed);
  const site = zipf(pages.length, random);
  const views = pages.map(({ domain }) => viewsOf(domain, random));
  return Array.from({ length: count }, () => {
    const number = site();
    const [page, view] = [pages[number], views[number]];
    if (page === undefined || view === undefined) throw new Error('there are no pages');
    return beaconRequest(page, view());
  });
}

/** Number of visitors who view pages at the same time, over all sites. */
const BROWSING = 400;
const MOST_VIEWS = 6;
const MOST_ENGAGED_MS = 60_000;

/**
 * Returns beacons of visitors who are all new. Each comes to one of several sites, the first site most often, views one to six
 * pages, and leaves each of them after a while.
 */
export function newcomers(pages: readonly Page[], count: number, seed = 1): Template[] {
  const random = new Random(seed);
  const site = zipf(pages.length, random);
  const views = pages.map(({ domain }) => viewsOf(domain, random));
  const begin = (number: number) => {
    const at = site();
    const [page, next] = [pages[at], views[at]];
    if (page === undefined || next === undefined) throw new Error('there are no pages');
    return {
      page,
      next,
      number,
      first: next(),
      left: 1 + random.below(MOST_VIEWS),
      open: null as Open | null,
    };
  };
  let visitors = 0;
  const browsing = Array.from({ length: BROWSING }, () => begin(visitors++));
  return Array.from({ length: count }, (_, i) => {
    const who = random.below(BROWSING);
    const visit = browsing[who] as (typeof browsing)[number]; // always in range
    const { page, number, first, open } = visit;
    const sender = { domain: page.domain, userAgent: first.userAgent, address: ADDRESS_GAP };
    if (open !== null) {
      visit.open = null;
      if (visit.left === 0) browsing[who] = begin(visitors++);
      const engaged = random.below(MOST_ENGAGED_MS);
      const leave = {
        key: page.key,
        id: GAP,
        url: open.url,
        view: GAP,
        name: 'leave',
        engaged,
        scroll: random.below(100),
      };
      return template(leave, { ...sender, gaps: [{ visitor: number }, { idOf: 0 }, { idOf: i - open.at }] });
    }
    visit.left -= 1;
    const view = { ...visit.next(), width: first.width, timeZone: first.timeZone };
    visit.open = { at: i, url: `https://${view.host}${view.path}` };
    return template(pageview(page, view), { ...sender, gaps: [{ visitor: number }, { idOf: 0 }] });
  });
}

/** A page view that has not ended: the number of its beacon, and its URL. */
interface Open {
  at: number;
  url: string;
}

/** Formats a `GET /api/v1/sites` as a request. */
export function sitesRequest(apiKey: string, entityTag: string | null = null): Template {
  const lines = [
    'GET /api/v1/sites HTTP/1.1',
    'Host: stats.example.com',
    'Connection: keep-alive',
    `Authorization: Bearer ${apiKey}`,
    'User-Agent: curl/8.14.1',
    'Accept: */*',
    ...(entityTag === null ? [] : [`If-None-Match: ${entityTag}`]),
  ];
  return { parts: [`${lines.join('\r\n')}\r\n\r\n`], gaps: [] };
}
