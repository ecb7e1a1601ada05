import type { Site } from '../../store/contract/store.ts';
import type { Random } from './random.ts';
import { ENTRIES, NEXT } from './scene.ts';

/** Simulates live visitors while the demo runs, by sending beacons as pages do. */

export interface PassersBy {
  /** The URL of the collector. */
  collector: string;
  site: Pick<Site, 'domain' | 'key'>;
  random: Random;
  /** The average interval between page views. */
  pauseMs: number;
  /** Called if a page view cannot be sent, which ends the simulation. */
  onError(error: unknown): void;
}

/** The visitors' browsers, which alone distinguish them, because all visitors come from this machine. */
const BROWSERS: readonly (readonly [string, number])[] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    5,
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 3],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
    3,
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    2,
  ],
];
const ZONES: readonly (readonly [string, number])[] = [
  ['America/New_York', 4],
  ['Europe/Berlin', 3],
  ['Europe/London', 2],
  ['Asia/Kolkata', 1],
];
const REFERRERS: readonly (readonly [string | null, number])[] = [
  [null, 4],
  ['https://www.google.com/', 4],
  ['https://chatgpt.com/', 2],
  ['https://news.ycombinator.com/', 1],
];
const WIDTHS: readonly (readonly [number, number])[] = [
  [1536, 3],
  [1920, 2],
  [390, 2],
];

/** Starts the simulation. @returns a function that stops it */
export function startPassersBy({ collector, site, random, pauseMs, onError }: PassersBy): () => void {
  const ended = new AbortController();
  let timer: NodeJS.Timeout;
  const comeBy = async () => {
    try {
      await fetch(collector, {
        method: 'POST',
        headers: {
          'content-type': 'text/plain',
          origin: `https://${site.domain}`,
          'user-agent': random.pick(BROWSERS),
        },
        body: JSON.stringify(view(site, random)),
        signal: ended.signal,
      });
      if (!ended.signal.aborted) timer = setTimeout(comeBy, random.around(pauseMs));
    } catch (error) {
      if (!ended.signal.aborted) onError(error);
    }
  };
  timer = setTimeout(comeBy, pauseMs);
  return () => {
    clearTimeout(timer);
    ended.abort();
  };
}

function view({ domain, key }: PassersBy['site'], random: Random): object {
  const referrer = random.pick(REFERRERS);
  return {
    key,
    id: `p${random.bits().toString(36).replace('-', '')}`,
    url: `https://${domain}${random.pick(referrer === null ? NEXT : ENTRIES)}`,
    nav: referrer === null ? 'soft' : 'load',
    ...(referrer === null ? {} : { ref: referrer }),
    width: random.pick(WIDTHS),
    tz: random.pick(ZONES),
  };
}
