import { isVisible } from './attention.ts';
import type { Fields } from './types.ts';

/** What the five types of entries have and have not tells them apart. */
type Entry = PerformanceEntry & {
  readonly responseStart?: number;
  readonly value?: number;
  readonly hadRecentInput?: boolean;
  readonly interactionId?: number;
  readonly size?: number;
};

/** The five, as https://web.dev/articles/vitals defines them, of the document's first view. */
export const vitals: NonNullable<Fields['vitals']> = {};

let burst = 0;
let last = 0;

const note = (entry: Entry): void => {
  if (entry.responseStart) vitals.ttfb = entry.responseStart;
  else if (entry.value) {
    if (entry.hadRecentInput) return;
    // The worst burst of shifts at most a second apart. The definition also ends a burst after five seconds.
    burst = entry.startTime - last < 1e3 ? burst + entry.value : entry.value;
    last = entry.startTime;
    vitals.cls = Math.max(vitals.cls || 0, burst);
  } else if (entry.duration) {
    // The slowest interaction. The definition forgives one in fifty; few visits have fifty.
    if (entry.interactionId) vitals.inp = Math.max(vitals.inp || 0, entry.duration);
  } else if (entry.size) vitals.lcp = entry.startTime;
  // `first-paint` comes before `first-contentful-paint`, which therefore stays.
  else vitals.fcp = entry.startTime;
};

/** Starts to watch, everything since the document began included. */
export const watchVitals = (): void => {
  // Nobody waited for a prerendered page, and whoever opened a tab in the background was elsewhere.
  if (!isVisible()) return;
  const observer = new PerformanceObserver((list) => (list.getEntries() as Entry[]).map(note));
  // An engine that does not know a type ignores it. Interactions shorter than 40 ms are not worth knowing.
  ['navigation', 'paint', 'largest-contentful-paint', 'layout-shift', 'event'].map((type) =>
    observer.observe({ type, buffered: true, durationThreshold: 40 } as PerformanceObserverInit),
  );
};
