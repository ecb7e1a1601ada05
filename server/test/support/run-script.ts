import { runInNewContext } from 'node:vm';

/** Runs a script of the tracker as a page at `example.com` that loads it. @returns what it sends, and where */
export function runScript(
  text: string,
  { src, key }: { src: string; key: string },
): { to: string; body: string }[] {
  const sent: { to: string; body: string }[] = [];
  const ignored = () => undefined;
  const page = {
    document: {
      currentScript: { src, dataset: { key } },
      visibilityState: 'visible',
      referrer: '',
      hasFocus: () => true,
      documentElement: { scrollHeight: 0 },
      addEventListener: ignored,
      querySelector: () => null,
    },
    location: new URL('https://example.com/page'),
    navigator: {
      onLine: true,
      sendBeacon: (to: unknown, body: string) => sent.push({ to: String(to), body }) > 0,
    },
    navigation: { addEventListener: ignored },
    addEventListener: ignored,
    performance: { now: () => 0, getEntriesByType: () => [] },
    localStorage: {},
    ResizeObserver: class {
      observe = ignored;
    },
    PerformanceObserver: class {
      observe = ignored;
    },
    history: {},
    ...{ URL, setTimeout, innerHeight: 0, innerWidth: 0, scrollY: 0 },
  };
  const self = Object.assign(page, { self: page, top: page, window: page });
  runInNewContext(text, self);
  return sent;
}
