/**
 * A link to `#attractos-off` (or `-on`) anywhere on the site switches counting off (or on) for this browser, and says
 * on screen what it did: a phone has no other console. Where storage is denied it can do nothing, and says nothing.
 */
const choose = (): void => {
  try {
    const choice = /^#attractos-(on|off)$/.exec(location.hash);
    if (!choice) return;
    localStorage['attractos'] = choice[1];
    alert(`AttractOS: ${choice[1]}`);
  } catch {}
};

/** Listens for the link, also on a page that is already open. */
export const watchOptOut = (): void => {
  addEventListener('hashchange', choose);
  choose();
};
