let choice: string | undefined;

/**
 * A link to `#attractos-off` (or `-on`) anywhere on the site switches counting off (or on) for this browser, and says
 * on screen what it did: a phone has no other console. Throws where storage is denied: there it can do nothing.
 */
export const obeyOptOutLink = (): void => {
  choice = /#attractos-(on|off)$/.exec(location.hash)?.[1];
  if (choice && localStorage['attractos'] !== choice) {
    localStorage['attractos'] = choice;
    alert(`AttractOS: ${choice}`);
  }
};
