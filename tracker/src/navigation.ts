/**
 * Calls back when the page has another address in the same document: `pushState`, `replaceState`, back, forward and
 * hash links. The caller compares addresses; nothing is said about what changed.
 */
export const onNavigate = (callback: () => void): void => {
  const { navigation } = self as { navigation?: EventTarget };
  if (navigation) {
    navigation.addEventListener('currententrychange', callback);
    return;
  }
  // No Navigation API: the only way to hear of a `pushState` is to stand in its place.
  for (const method of ['pushState', 'replaceState'] as const) {
    const original = history[method];
    history[method] = function (...args) {
      original.apply(this, args);
      callback();
    };
  }
  addEventListener('popstate', callback);
};
