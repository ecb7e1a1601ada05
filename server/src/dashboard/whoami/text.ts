/** The texts of the page that shows what the server sees. */
export const WHOAMI_TEXT = {
  title: 'What the server sees',
  lead: (domain: string) =>
    `What the server sees of your browser, and what it would store for a page view on ${domain}.`,
  seen: 'Seen, never stored',
  peer: 'Connecting IP address',
  none: 'none',
  proxies: 'Trusted proxies',
  noProxies: 'none (TRUST_PROXY is empty)',
  resolved: 'Resolved IP address',
  agent: 'User agent',
  row: 'What would be stored',
  noRow: (outcome: string) => `No event would be stored. Outcome: ${outcome}.`,
  rowHint:
    'The visitor is a hash made with today’s salt, which is deleted after midnight. Opening this page stored nothing. A real page view also sends the window width and the time zone, which determine device and country.',
  noHeader: 'There is no X-Forwarded-For header, so the connecting address is used.',
  noTrust:
    'There is an X-Forwarded-For header, but no proxy is trusted, so it is ignored. If the server is behind your own proxy, set TRUST_PROXY to the proxy’s network. Until then all visitors appear to come from the proxy.',
  notFromProxy: 'The connection is not from a trusted proxy, so X-Forwarded-For is ignored.',
  fromHeader:
    'This is the rightmost address in X-Forwarded-For that is not a trusted proxy. Addresses to its left can be forged.',
} as const;
