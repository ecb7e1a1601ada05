/** The texts of the live check: those of the initial page, and those with which its script replaces them. */
export const CHECK_TEXT = {
  listening: (domain: string) => `Listening. Open a page on ${domain} that has the snippet.`,
  closed: 'Connection closed. Reload the page to listen again.',
  done: 'Done.',
  from: (host: string, path: string) => `From ${host}${path}`,
  allow: (host: string) => `Allow ${host}`,
  script: {
    name: 'Script loaded',
    waiting: 'Open a page that has the snippet.',
    loaded: (host: string) => `Loaded by a page on ${host}.`,
    state: 'The script was loaded. Waiting for an event.',
  },
  event: { name: 'Event received', waiting: 'Sent as soon as the page is visible.' },
  counted: {
    name: 'Event counted',
    waiting: 'Saved, deduplicated and counted.',
    saved: 'Saved.',
    month: (count: number) => `${count} ${count === 1 ? 'event' : 'events'} this month.`,
    state: 'It works: an event was counted.',
  },
  duplicate: { state: 'A duplicate of an event that was already counted.' },
  bot: {
    counted: 'Self-identified crawler: recorded as a bot visit.',
    state: 'A crawler visited. It was recorded, but not counted as an event.',
  },
  refused: {
    counted: 'Not counted. See below.',
    state: 'An event was received but not counted.',
  },
} as const;

/** The texts of the snippets, and of the help beside the live check. */
export const INSTALL_TEXT = {
  platform: 'Platform',
  csp: 'Content Security Policy and integrity',
  cspHint: 'If your pages send a Content-Security-Policy header, add this to it:',
  cspLabel: 'the policy',
  sriHint: 'To pin the script to its current version (it then no longer updates automatically):',
  sriLabel: 'the snippet with integrity',
  snippetLabel: 'the snippet',
  html: 'Paste this into the <head> of every page.',
  next: 'Add this to app/layout.tsx (or pages/_app.tsx). Route changes are counted automatically.',
  nuxt: 'Add this to nuxt.config.ts.',
  svelte: 'Paste this into the <head> in src/app.html.',
  astro: 'Paste this into the <head> of your layout. is:inline keeps Astro from bundling it.',
  npm: 'Run this once when your app starts. No package is needed.',
  wordpress:
    'Add this to your theme’s functions.php or to a code snippets plugin. The key is also in the URL because optimizer plugins drop attributes.',
  gtm: 'Create a Custom HTML tag that fires on All Pages. The key is in the URL because Tag Manager drops data- attributes.',
  check: 'Live check',
  allowHost: 'Allow host',
  openReport: 'Open report',
  noScript:
    'This list updates live if JavaScript is on. If it is off, open a page on your site, then reload this page.',
  notWorking: 'Not working?',
  helpSnippet: 'Check that the page contains the snippet: view its source and search for “data-key”.',
  helpBlocker: 'An ad blocker in your browser may block the script. Try a private window without extensions.',
  helpCsp:
    'If the browser’s console mentions a Content Security Policy, add the lines shown with the snippet.',
  helpAutomated: 'Automated browsers aren’t counted.',
  whoami: 'See what the server sees of this browser',
} as const;
