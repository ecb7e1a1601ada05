import type { Fields } from './types.ts';

/** A performance entry of any of the five observed types, each of which has only some of these fields. */
interface Entry extends PerformanceEntry {
  readonly responseStart?: number;
  readonly value?: number;
  readonly hadRecentInput?: boolean;
  readonly interactionId?: number;
  readonly size?: number;
}

/** The web vitals of the document's first view, as https://web.dev/articles/vitals defines them. */
export const vitals: NonNullable<Fields['vitals']> = {};

/** The sum of layout shifts that are at most a second apart. */
let shiftSum = 0;
let lastShift = 0;

/**
 * Returns how the document was loaded, in the words of the wire format. The browser's words are `navigate`, `reload`,
 * `back_forward` and `prerender`. Throws if the engine does not report it.
 * https://w3c.github.io/navigation-timing/#dom-performancenavigationtiming-type
 */
export const navigationType = (): Fields['nav'] => {
  const [entry] = performance.getEntriesByType('navigation') as [PerformanceNavigationTiming];
  const [word] = /reload|back/.exec(entry.type) ?? ['load'];
  return document.prerendering ? 'prerender' : (word as Fields['nav']);
};

/** Stores a figure if it is the worst so far. */
const keepWorst = (name: 'cls' | 'inp', figure: number): void => {
  vitals[name] = Math.max(vitals[name] || 0, figure);
};

const record = ({
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
    // The definition also ends a session window after five seconds. This omits that rule.
    shiftSum = startTime - lastShift < 1e3 ? shiftSum + value : value;
    lastShift = startTime;
    keepWorst('cls', shiftSum);
  } else if (duration) {
    // The definition ignores one slow interaction in fifty. This does not, because few visits have fifty.
    if (interactionId) keepWorst('inp', duration);
  }
  // `first-paint` comes before `first-contentful-paint`, so the latter remains.
  else vitals[size ? 'lcp' : 'fcp'] = startTime;
};

/** Starts to record web vitals, including those since the document's start. Throws if the engine cannot observe them. */
export const watchVitals = (): unknown =>
  // An engine ignores a type that it does not know. Interactions shorter than 40 ms are not slow.
  ['navigation', 'paint', 'largest-contentful-paint', 'layout-shift', 'event'].map((type) =>
    new PerformanceObserver((list) => (list.getEntries() as Entry[]).map(record)).observe({
      type,
      buffered: true,
      durationThreshold: 40,
    } as PerformanceObserverInit),
  );
