import { look } from './view.ts';

/**
 * Notices another address in the same document: `pushState`, `replaceState`, back, forward, hash links, in whatever
 * way a router did it. Every engine has the Navigation API since January 2026. In older ones we stand in the place of
 * the two methods, and `popstate` tells the rest. Where the page has frozen its history, assigning does nothing.
 */
export const watchAddress = (): void => {
  if (self.navigation) navigation.addEventListener('currententrychange', look as () => void);
  else {
    // biome-ignore lint/suspicious/useIterableCallbackReturn: `forEach` and `for` are longer.
    (['pushState', 'replaceState'] as const).map((method) => {
      const original = history[method];
      // The methods answer nothing, and `look` may be told nothing.
      history[method] = (...given) => look(original.apply(history, given) as undefined);
    });
  }
};
