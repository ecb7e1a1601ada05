import type { Fields } from './types.ts';

/**
 * How the document came to be, in the words of the wire: of the browser's own words (`navigate`, `reload`,
 * `back_forward`, `prerender`) two begin as ours do. Throws where the engine does not tell.
 * https://w3c.github.io/navigation-timing/#dom-performancenavigationtiming-type
 */
export const entrance = (): Fields['nav'] => {
  const [entry] = performance.getEntriesByType('navigation') as [PerformanceNavigationTiming];
  const [word] = /reload|back/.exec(entry.type) ?? ['load'];
  return document.prerendering ? 'prerender' : (word as Fields['nav']);
};
