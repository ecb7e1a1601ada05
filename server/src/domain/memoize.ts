import QuickLRU from 'quick-lru';

/**
 * Caches the results of a function for the most recently used texts. Errors are not cached.
 *
 * @param maxCached the maximum number of cached texts; at least the most recently used half is kept
 */
export function memoize<Value>(maxCached: number, compute: (text: string) => Value): (text: string) => Value {
  // The library keeps two generations of this size, and drops the older one when the younger one is full.
  const cache = new QuickLRU<string, { value: Value }>({ maxSize: maxCached / 2 });
  return (text) => {
    const cached = cache.get(text);
    if (cached !== undefined) return cached.value;
    const value = compute(text);
    cache.set(text, { value });
    return value;
  };
}
