import { retryWhenOnline, send } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { startCapture } from './capture.ts';
import { attractos, key } from './tag.ts';
import { checkPage, pageview, path, track } from './view.ts';

/** Installs `window.attractos` and marks the site key as started. */
export const install = (): void => {
  attractos[key as `ak_${string}`] = attractos.track = CORE
    ? track
    : (name, options) => path && send({ name, ...options });
  if (FULL) {
    attractos.pageview = pageview;
    retryWhenOnline();
    startCapture();
  }
};

/**
 * Wraps the methods with which routers change the URL. If the page has frozen its history, the assignment has no effect, or
 * throws in a module.
 */
export const watchHistory = (): void => {
  // biome-ignore lint/suspicious/useIterableCallbackReturn: `forEach` and `for` are longer.
  (['replaceState', 'pushState'] as const).map((method) => {
    const original = history[method];
    // Both methods return undefined, which `checkPage` accepts as "no event".
    history[method] = (...given) => checkPage(original.call(history, ...given) as undefined);
  });
};

/**
 * Looks at the page whenever the visitor does something, leaves or returns. A router may have kept the original history methods:
 * without the Navigation API, its new path is found then. Listening in the bubbling phase, at the window, comes after the page's
 * own handlers, so the path that a click leads to is found by that click.
 */
export const listen = (): unknown =>
  [
    ...['visibilitychange', 'pageshow', 'popstate', 'click'],
    ...(CORE ? ['scroll', 'focus', 'blur', 'keyup'] : []),
  ].map((type) => addEventListener(type, checkPage as () => void));

/**
 * Watches for a new URL in the same document, however it came about. Every engine has had the Navigation API since January 2026.
 * Throws in an older engine, so it must come last. `navigation` may also be a variable of the page or an element with that id.
 */
export const watchNavigation = (): void =>
  navigation.addEventListener('currententrychange', checkPage as () => void);
