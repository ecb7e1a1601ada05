/** The pages that tests load, and the code that runs in them first. */

/** The collector's address, on a different host from every page. */
export const COLLECTOR = 'http://stats.example.net';

/** What a test can control in its pages: `window.lab`. */
export interface PageLab {
  /** The browser's own `sendBeacon`, even if the page replaces it later. */
  sendBeacon: typeof navigator.sendBeacon;
  /** Milliseconds added to the page's monotonic clock. */
  skewMs: number;
  /** Simulates that the tab is hidden or shown, which does not happen in an automated browser. */
  show(visible: boolean): void;
  /** Simulates that the window gains or loses focus. */
  focus(focused: boolean): void;
}

/** The part of `window.attractos` that tests call. */
export interface Attractos {
  track(name: string, details?: object): void;
  /** Full script only. */
  pageview(): void;
}

declare global {
  interface Window {
    lab: PageLab;
    attractos: Attractos;
  }
}

/** The initial state of a page. */
export interface Prelude {
  /** The tab starts in the background. */
  hidden?: boolean;
  /** Leaves `navigator.webdriver` as the driver set it. */
  webdriver?: boolean;
  /** `localStorage` and `sessionStorage` throw, as if the visitor had blocked them. */
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
  /** Additional attributes, such as `{'data-hash': ''}`. */
  attributes?: Readonly<Record<string, string>>;
}

/** Returns the snippet that owners paste. */
export function tag({ key, script = 'a.js', attributes = {} }: TagParts): string {
  const more = Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${value.replaceAll('"', '&quot;')}"`)
    .join('');
  return `<script defer src="${COLLECTOR}/${script}" data-key="${key}"${more}></script>`;
}

/** Returns the HTML of a page. Its first script makes the automated browser look like a visitor's. */
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

/** Returns the text of `/prelude.js`. */
export function preludeScript(query: URLSearchParams): string {
  const options: Required<Prelude> = {
    hidden: query.has('hidden'),
    webdriver: query.has('webdriver'),
    storageDenied: query.has('storageDenied'),
  };
  return `(${prelude.toString()})(${JSON.stringify(options)});`;
}

/** Sets the initial state. Runs in the page, in every engine, so it uses nothing from outside. */
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
