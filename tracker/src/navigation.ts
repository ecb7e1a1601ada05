import { look } from './view.ts';

/**
 * Notices another address in the same document: `pushState`, `replaceState`, back, forward, hash links, in whatever
 * way a router did it. Every engine has the Navigation API since January 2026. In older ones the address is compared
 * ten times a second: standing in the place of `pushState` would be prompter, but it costs 60 bytes, and it changes the
 * page's own objects.
 */
export const watchAddress = (): unknown =>
  self.navigation
    ? navigation.addEventListener('currententrychange', look as () => void)
    : setInterval(look, 100);
