import type { Fields } from './types.ts';

/** The interface of layout shifts, which exists in engines that measure them. */
interface Shifting {
  readonly LayoutShift?: unknown;
}

/** What newer engines count: the interactions with the document. */
interface Counted extends Performance {
  readonly interactionCount: number;
}

/** The navigation of this document. */
type Navigation = [PerformanceNavigationTiming];

/** A performance entry of any of the five observed types, each of which has only some of these fields. */
interface Entry extends PerformanceEntry {
  readonly value?: number;
  readonly hadRecentInput?: boolean;
  readonly interactionId?: number;
}

/** The web vitals of the document's first view, as https://web.dev/articles/vitals defines them. */
export const vitals: NonNullable<Fields['vitals']> = {};

/** The layout shifts of the current session window: their sum, and when the last and the first happened. */
let shiftSum: number;
let lastShift: number;
let firstShift: number;
/** The longest duration of each interaction that was noticed, by its id. */
const interactions: Record<number, number> = {};

/**
 * Returns how the document was loaded, in the words of the wire format. The browser's words are `navigate`, `reload`,
 * `back_forward` and `prerender`. Throws if the engine does not report it.
 * https://w3c.github.io/navigation-timing/#dom-performancenavigationtiming-type
 */
export const navigationType = (): Fields['nav'] =>
  (document.prerendering
    ? 'prerender'
    : ((performance.getEntriesByType('navigation') as Navigation)[0].type.match(/back|reload/)?.[0] ??
      'load')) as Fields['nav'];

/** Starts to record web vitals, including those since the document's start. Throws if the engine cannot observe them. */
export const watchVitals = (): void => {
  // The collector ignores 0, which means that the engine does not report it.
  vitals.ttfb = (performance.getEntriesByType('navigation') as Navigation)[0].responseStart;
  // A page on which nothing moves has a layout shift of 0, if the engine measures it.
  if ((self as Shifting).LayoutShift) vitals.cls = 0;
  // An engine ignores a type that it does not know. Of interactions shorter than 40 ms, the first stands for all.
  ['paint', 'first-input', 'layout-shift', 'largest-contentful-paint', 'event'].map((type) =>
    new PerformanceObserver((list) =>
      // biome-ignore lint/suspicious/useIterableCallbackReturn: `forEach` and `for` are longer.
      (list.getEntries() as Entry[]).map(
        ({ name, value, hadRecentInput, interactionId, duration, startTime }) => {
          if (value && !hadRecentInput) {
            // Shifts less than a second apart, for at most five seconds.
            if (!(startTime - firstShift < 5e3 && startTime - lastShift < 1e3)) {
              firstShift = startTime;
              shiftSum = 0;
            }
            lastShift = startTime;
            shiftSum += value;
            vitals.cls = Math.max(shiftSum, vitals.cls as number);
          } else if (interactionId) {
            // An interaction has several events. The comparison with undefined is false.
            if (!((interactions[interactionId] as number) > duration)) interactions[interactionId] = duration;
            // Of each fifty interactions, one may be slower. An engine that does not count them tells the slowest of all.
            vitals.inp = Object.values(interactions)
              .sort((a, b) => b - a)
              .slice(0, (performance as Counted).interactionCount / 50 + 1 || 1)
              .pop() as number;
          }
          // Only the largest content and layout shifts have no name.
          else if (name) {
            if (/contentful/.test(name)) vitals.fcp = startTime;
          } else if (!value) vitals.lcp = startTime;
        },
      ),
    ).observe({ buffered: true, type, durationThreshold: 40 } as PerformanceObserverInit),
  );
};
