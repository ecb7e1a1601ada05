/** The pages that tests load, and the few lines that run in them before anything else. */

/** The collector as pages know it, on another host than any of them. */
export const COLLECTOR = 'http://stats.example.net';

/** What a test can say to its pages; `window.lab` in the page. */
export interface PageLab {
  /** The browser's own, whatever the page does to it afterwards. */
  sendBeacon: typeof navigator.sendBeacon;
  /** Milliseconds added to the page's monotonic clock. */
  skewMs: number;
  /** Pretends that the tab was hidden or shown. A driven tab never is. */
  show(visible: boolean): void;
  /** Pretends that the window got or lost the focus. */
  focus(focused: boolean): void;
}

/** What the tracker leaves on a page, as far as tests call it. */
export interface Attractos {
  track(name: string, details?: object): void;
  /** In the full script. */
  pageview(): void;
}

declare global {
  interface Window {
    lab: PageLab;
    attractos: Attractos;
  }
}

/** How a page begins. */
export interface Prelude {
  /** The tab is in the background at first. */
  hidden?: boolean;
  /** Leaves `navigator.webdriver` as the driver set it. */
  webdriver?: boolean;
  /** Using `localStorage` or `sessionStorage` throws, as where a visitor has blocked them. */
  storageDenied?: boolean;
}

export interface PageParts {
  /** Tags of the tracker, see `tag`. */
  tags?: string;
  head?: string;
  body?: string;
  prelude?: Prelude;
}

export interface TagParts {
  key: string;
  script?: string;
  /** Further attributes, such as `{'data-hash': ''}`. */
  attributes?: Readonly<Record<string, string>>;
}

/** The snippet that owners paste. */
export function tag({ key, script = 'a.js', attributes = {} }: TagParts): string {
  const more = Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${value.replaceAll('"', '&quot;')}"`)
    .join('');
  return `<script defer src="${COLLECTOR}/${script}" data-key="${key}"${more}></script>`;
}

/** A page. Its first script makes the driven browser look like a visitor's. */
export function page({ tags = '', head = '', body = '', prelude = {} }: PageParts): string {
  const query = Object.entries(prelude)
    .filter(([, on]) => on)
    .map(([name]) => name)
    .join('&amp;');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A page</title>
<link rel="icon" href="data:,">
<script src="/prelude.js?${query}"></script>
${tags}
${head}
</head>
<body>
<h1>A page</h1>
${body}
</body>
</html>
`;
}

/** The text of `/prelude.js`. */
export function preludeScript(query: URLSearchParams): string {
  const options: Required<Prelude> = {
    hidden: query.has('hidden'),
    webdriver: query.has('webdriver'),
    storageDenied: query.has('storageDenied'),
  };
  return `(${prelude.toString()})(${JSON.stringify(options)});`;
}

/** Runs in the page, in every engine: uses nothing from outside itself. */
function prelude(options: Required<Prelude>): void {
  const report = (text: string) => lab.sendBeacon('/page-error', text);
  const overwrite = (target: object, name: string, get: () => unknown) =>
    Object.defineProperty(target, name, { get, configurable: true });

  const now = performance.now.bind(performance);
  const lab: PageLab = {
    sendBeacon: navigator.sendBeacon.bind(navigator),
    skewMs: 0,
    show(visible) {
      overwrite(document, 'visibilityState', () => (visible ? 'visible' : 'hidden'));
      overwrite(document, 'hidden', () => !visible);
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    },
    focus(focused) {
      document.hasFocus = () => focused;
      window.dispatchEvent(new Event(focused ? 'focus' : 'blur'));
    },
  };
  window.lab = lab;
  performance.now = () => now() + lab.skewMs;
  document.hasFocus = () => true;

  addEventListener('error', (event) => report(`${event.message} (${event.filename}:${event.lineno})`));
  addEventListener('unhandledrejection', (event) => report(`unhandled rejection: ${event.reason}`));

  if (!options.webdriver) overwrite(Navigator.prototype, 'webdriver', () => false);
  if (options.hidden) {
    overwrite(document, 'visibilityState', () => 'hidden');
    overwrite(document, 'hidden', () => true);
  }
  if (options.storageDenied) {
    for (const name of ['localStorage', 'sessionStorage']) {
      overwrite(window, name, () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      });
    }
  }
}
