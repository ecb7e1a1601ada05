import { percentile } from './stats.ts';

/** Simulates owners who view dashboards while the server is busy: a report's requests, repeated through the API. */

/** The requests of one report: totals, a series and six top-ten lists. */
const LOOK = [
  'stats?',
  'timeseries?granularity=day&',
  ...['page', 'source', 'country', 'device', 'browser', 'channel'].map(
    (by) => `breakdown?by=${by}&limit=10&`,
  ),
];
/** One in this many requests has a filter. */
const FILTERED_EVERY = 5;
const FILTER = 'filter=channel%3Adirect&';
const PERIOD_DAYS = 29;
const DAY_MS = 86_400_000;

export interface Viewer {
  apiKey: string;
  siteId: string;
}

export interface Looks {
  count: number;
  /** Time from the first request to the last response, in milliseconds. */
  p50: number;
  p99: number;
}

/** Requests one dashboard after another at a fixed rate until stopped. Throws if a response is not 200. */
export class Dashboards {
  readonly #url: string;
  readonly #viewers: readonly Viewer[];
  readonly #everyMs: number;

  constructor({ url, viewers, perSecond }: { url: string; viewers: readonly Viewer[]; perSecond: number }) {
    this.#url = url;
    this.#viewers = viewers;
    this.#everyMs = 1_000 / perSecond;
  }

  /** Views dashboards while some work runs. @returns the result of the work, and the timings of the views */
  async during<Result>(work: Promise<Result>): Promise<{ result: Result; looks: Looks }> {
    let working = true;
    const done = work.finally(() => {
      working = false;
    });
    const times: number[] = [];
    const looks: Promise<void>[] = [];
    for (let number = 0; working; number++) {
      looks.push(this.#look(number).then((ms) => void times.push(ms)));
      await new Promise((resolve) => setTimeout(resolve, this.#everyMs));
    }
    const result = await done;
    await Promise.all(looks);
    times.sort((a, b) => a - b);
    return {
      result,
      looks: { count: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
    };
  }

  async #look(number: number): Promise<number> {
    const viewer = this.#viewers[number % this.#viewers.length];
    if (viewer === undefined) throw new Error('there is no viewer');
    const date = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
    const filter = number % FILTERED_EVERY === FILTERED_EVERY - 1 ? FILTER : '';
    const query = `${filter}start=${date(PERIOD_DAYS)}&end=${date(0)}`;
    const startMs = performance.now();
    await Promise.all(
      LOOK.map(async (question) => {
        const response = await fetch(`${this.#url}/api/v1/sites/${viewer.siteId}/${question}${query}`, {
          headers: { authorization: `Bearer ${viewer.apiKey}` },
        });
        const text = await response.text();
        if (response.status !== 200) throw new Error(`${question} was answered ${response.status}: ${text}`);
      }),
    );
    return performance.now() - startMs;
  }
}
