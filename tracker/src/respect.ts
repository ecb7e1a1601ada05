import { FULL } from './build.ts';
import { automation, dnt, frames, gpc } from './tag.ts';

/**
 * Whether this browser, or this place, is not to be counted. Asked before every beacon, so that an opt-out holds at
 * once. Throws where the page may not touch storage: nobody can have opted out there.
 */
export const isRefused = (): unknown =>
  (navigator.webdriver && !automation) ||
  // https://www.w3.org/TR/gpc/
  (navigator.globalPrivacyControl && !gpc) ||
  // "1", "0", null, or "unspecified", which is no number.
  ((navigator.doNotTrack as unknown as number) > 0 && dnt) ||
  (FULL && !frames && self !== top) ||
  localStorage['attractos'] === 'off';
