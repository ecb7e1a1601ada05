import { look } from './view.ts';

/**
 * Notices another address in the same document: `pushState`, `replaceState`, back, forward, hash links, in whatever
 * way a router did it. Every engine has the Navigation API since January 2026. In older ones we stand in the place of
 * the two methods, and `popstate` tells the rest. Where the page has frozen its history, assigning does nothing.
 *
 * What goes by the name of `navigation` may be the page's: its own variable or, in an older engine, an element with that id.
 */
export const watchAddress = (): void => {
  if ((self.navigation as Partial<Navigation> | undefined)?.navigate)
    self.navigation.addEventListener('currententrychange', look as () => void);
  else {
    // biome-ignore lint/suspicious/useIterableCallbackReturn: `forEach` and `for` are longer.
    (['replaceState', 'pushState'] as const).map((method) => {
      const original = history[method];
      // The methods answer nothing, and `look` may be told nothing.
      history[method] = (...given) => look(original.apply(history, given) as undefined);
    });
  }
};
