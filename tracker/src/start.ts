import { retryWhenOnline, send } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { startCapture } from './capture.ts';
import { attractos } from './tag.ts';
import { checkPage, pageview, path, track } from './view.ts';

/**
 * Watches for a new URL in the same document, from any router: `pushState`, `replaceState`, back, forward and hash links. Every
 * engine has had the Navigation API since January 2026. In older engines, it wraps the two methods, and `popstate` reports the
 * rest. If the page has frozen its history, the assignment has no effect.
 *
 * `navigation` may not be the API, but a variable of the page or, in an older engine, an element with that id.
 */
const watchUrl = (): void => {
  if ((self.navigation as Partial<Navigation> | undefined)?.navigate)
    self.navigation.addEventListener('currententrychange', checkPage as () => void);
  else {
    // biome-ignore lint/suspicious/useIterableCallbackReturn: `forEach` and `for` are longer.
    (['replaceState', 'pushState'] as const).map((method) => {
      const original = history[method];
      // Both methods return undefined, which `checkPage` accepts as "no event".
      history[method] = (...given) => checkPage(original.apply(history, given) as undefined);
    });
  }
};

/** Installs `window.attractos`, checks the page once and starts to listen. Returns a truthy value: the tag has started. */
export const start = (): unknown => {
  attractos.track = CORE ? track : (name, options) => path && send({ name, ...options });
  if (FULL) {
    attractos.pageview = pageview;
    startCapture();
    retryWhenOnline();
  }
  checkPage();
  watchUrl();
  // Listening in the capture phase also gets events that do not bubble.
  return ['visibilitychange', 'pageshow', 'popstate', ...(CORE ? ['scroll', 'focus', 'blur'] : [])].map(
    (type) => addEventListener(type, checkPage as () => void, true),
  );
};
