import { FULL } from './build.ts';
import { dataset } from './tag.ts';

/**
 * Returns whether this browser or page must send nothing. It is called before every beacon, so that an opt-out takes effect at
 * once. Throws if the page cannot access storage, where no opt-out can be stored.
 */
export const isTrackingDisabled = (): unknown =>
  // https://www.w3.org/TR/gpc/
  (navigator.globalPrivacyControl && dataset.gpc !== 'off') ||
  (navigator.webdriver && dataset.automation !== 'on') ||
  // The value is "1", "0", null or "unspecified", which is not a number and so not above 0.
  ((navigator.doNotTrack as unknown as number) > 0 && dataset.dnt === 'on') ||
  (FULL && top !== self && dataset.frames !== 'on') ||
  localStorage['attractos'] === 'off';

/**
 * Turns counting off or on for this browser if the URL ends in `#attractos-off` or `#attractos-on`, and confirms it on screen,
 * because a phone has no console. Throws if storage is denied, because the choice cannot be stored.
 */
export const applyOptOutLink = (): void => {
  location.hash.replace(
    /#attractos-(on|off)$/,
    // It is called only if the hash matches, and what it returns is not used.
    (_link, choice) =>
      (localStorage['attractos'] === choice ||
        // biome-ignore lint/suspicious/noAssignInExpressions: shorter than a block with two statements.
        alert(`AttractOS: ${(localStorage['attractos'] = choice)}`)) as unknown as string,
  );
};
