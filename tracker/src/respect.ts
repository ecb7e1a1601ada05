import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/**
 * Whether this browser, or this place, is not to be counted. Asked before every beacon, so that an opt-out holds at
 * once. Throws where the page may not touch storage: nobody can have opted out there.
 */
export const isRefused = (): unknown =>
  (navigator.webdriver && dataset.automation !== 'on') ||
  // https://www.w3.org/TR/gpc/
  (navigator.globalPrivacyControl && dataset.gpc !== 'off') ||
  // "1", "0", null, or "unspecified", which is no number.
  ((navigator.doNotTrack as unknown as number) > 0 && dataset.dnt === 'on') ||
  (FULL && self !== top && dataset.frames !== 'on') ||
  localStorage['attractos'] === 'off';
