/** How long the live check waits for the script, or for an event after it, before it lists likely causes. */
export const CHECK_WAIT_MS = 30_000;

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
  notWorking: 'Not working?',
  nothing: 'Nothing after 30 seconds. The likely causes, most likely first:',
  silent: (host: string) =>
    `A page on ${host} loaded the script, but no event followed. The likely causes, most likely first:`,
} as const;

/** Why neither script nor event arrives, most likely cause first, each with its test. Only the server's silence is known. */
export const CAUSES = [
  {
    id: 'csp',
    name: 'A Content Security Policy blocks the script (script-src) or its events (connect-src).',
    test: 'Open your page, press F12 and reload. If the console mentions a Content Security Policy, add this to it:',
  },
  {
    id: 'blocker',
    name: 'An ad blocker or the browser’s tracking protection blocks it.',
    test: 'Open your page in a private window without extensions, or in another browser. If that counts, visitors with a blocker stay uncounted.',
  },
  {
    id: 'path',
    name: 'The snippet is not in the page, its address is wrong, or an old copy of the page is cached.',
    test: 'View your page’s source and search for the address below. If it is missing, empty the caches of your server, plugins and CDN. Then open the address in a new tab: it must show JavaScript code.',
  },
  {
    id: 'gpc',
    name: 'Your browser sends Global Privacy Control, which is respected.',
    test: 'Type navigator.globalPrivacyControl into the console of your page. If it says true, test with another browser.',
    here: 'This browser sends it.',
  },
  {
    id: 'automation',
    name: 'The browser is automated. Automated browsers aren’t counted.',
    test: 'Type navigator.webdriver into the console of your page. If it says true, open the page in an ordinary browser.',
    here: 'This browser is automated.',
  },
  {
    id: 'off',
    name: 'You excluded your own visits in this browser.',
    test: 'Open your page with #attractos-on at the end of its address.',
  },
  {
    id: 'file',
    name: 'The page was opened from a file.',
    test: 'If its address begins with file: instead of https:, open it through a web server. Files aren’t counted.',
  },
] as const;

/** The texts of the snippets, and of the help beside the live check. */
export const INSTALL_TEXT = {
  platform: 'Platform',
  csp: 'Content Security Policy and integrity',
  cspHint: 'If your pages send a Content-Security-Policy header, add this to it:',
  cspLabel: 'the policy',
  sriHint: 'To pin the script to its current version (it then no longer updates automatically):',
  sriLabel: 'the snippet with integrity',
  snippetLabel: 'the snippet',
  options: 'Options',
  script: 'Script',
  core: 'Core, 0.8 kB',
  coreHint: 'Page views, engaged time, scroll depth and the events that you send.',
  full: 'Full, 2.1 kB',
  fullHint:
    'Also web vitals, window width and the options below. It removes private query parameters in the page.',
  count: 'Count automatically',
  onOff: {
    outbound: {
      label: 'Outbound links',
      hint: 'Sends an Outbound event for each click on a link to another site.',
    },
    downloads: { label: 'Downloads', hint: 'Sends a Download event for each click on a link to a file.' },
    forms: { label: 'Forms', hint: 'Sends a Form event for each form that is submitted.' },
    hash: {
      label: 'Hash routing',
      hint: 'Counts /#/about as a page of its own. Leave it off if the hash may contain a token.',
    },
  },
  lists: {
    files: {
      label: 'File types',
      hint: 'Separated by commas. Empty: csv, doc, docx, dmg, mp3, mp4, pdf, xls, xlsx, zip.',
    },
    query: {
      label: 'Query parameters',
      hint: 'Parameters that make another page, separated by commas, such as page, q.',
    },
  },
  filesProblem: (entry: string) => `A file type may contain letters and digits only; got “${entry}”.`,
  queryProblem: (entry: string) =>
    `A parameter may contain letters, digits and . _ ~ - % [ ] only; got “${entry}”.`,
  tooLong: (chars: number) => `The list must have at most ${chars} characters.`,
  update: 'Update snippet',
  updated: 'Snippet updated.',
  check: 'Live check',
  allowHost: 'Allow host',
  openReport: 'Open report',
  noScript:
    'This list updates live if JavaScript is on. If it is off, open a page on your site, wait 30 seconds, then reload this page.',
  localScript: (host: string, domain: string) =>
    `This snippet does not work on ${domain}: it loads the script from ${host}, which only your own machine or network can reach. Open this page at the server’s public address, or set PUBLIC_URL.`,
  insecureScript:
    'The script’s address begins with http:. Pages on https: can’t load it. Open this page over https:, or set PUBLIC_URL.',
  missingKey: (count: number, hosts: string) =>
    `In the last 7 days, ${count} ${count === 1 ? 'event' : 'events'} had no site key${hosts === '' ? '' : ` (from ${hosts})`}. An optimizer plugin or a tag manager removes data-key from your tag, or a template puts something else there. Use this tag, which has the key in its address:`,
  otherHosts: 'other hosts',
  missingKeyLabel: 'the snippet with the key in its address',
  whoami: 'See what the server sees of this browser',
} as const;
