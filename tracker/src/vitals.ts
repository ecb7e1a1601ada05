import type { Fields } from './types.ts';

/** What the five types of entries have and have not tells them apart. */
interface Entry extends PerformanceEntry {
  readonly responseStart?: number;
  readonly value?: number;
  readonly hadRecentInput?: boolean;
  readonly interactionId?: number;
  readonly size?: number;
}

/** The five, as https://web.dev/articles/vitals defines them, of the document's first view. */
export const vitals: NonNullable<Fields['vitals']> = {};

let burst = 0;
let last = 0;

/** Keeps a figure if it is the worst so far. */
const worst = (name: 'cls' | 'inp', figure: number): void => {
  vitals[name] = Math.max(vitals[name] || 0, figure);
};

const note = ({
  responseStart,
  value,
  hadRecentInput,
  interactionId,
  duration,
  size,
  startTime,
}: Entry): void => {
  if (responseStart) vitals.ttfb = responseStart;
  else if (value) {
    if (hadRecentInput) return;
    // The worst burst of shifts at most a second apart. The definition also ends a burst after five seconds.
    burst = startTime - last < 1e3 ? burst + value : value;
    last = startTime;
    worst('cls', burst);
  } else if (duration) {
    // The slowest interaction. The definition forgives one in fifty; few visits have fifty.
    if (interactionId) worst('inp', duration);
  }
  // `first-paint` comes before `first-contentful-paint`, which therefore stays.
  else vitals[size ? 'lcp' : 'fcp'] = startTime;
};

/** Starts to watch, everything since the document began included. Throws where the engine cannot. */
export const watchVitals = (): unknown =>
  // An engine that does not know a type ignores it. Interactions shorter than 40 ms are not worth knowing.
  ['navigation', 'paint', 'largest-contentful-paint', 'layout-shift', 'event'].map((type) =>
    new PerformanceObserver((list) => (list.getEntries() as Entry[]).map(note)).observe({
      type,
      buffered: true,
      durationThreshold: 40,
    } as PerformanceObserverInit),
  );
