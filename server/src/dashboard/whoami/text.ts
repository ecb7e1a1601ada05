/** The texts of the page that shows what the server sees. */
export const WHOAMI_TEXT = {
  title: 'What the server sees',
  lead: (domain: string) =>
    `What the server sees of your browser, and what it would store for a page view on ${domain}.`,
  seen: 'Seen, never stored',
  peer: 'Connecting IP address',
  socket: 'none (Unix socket)',
  proxyOnSocket: 'the peer at the Unix socket',
  none: 'none',
  proxies: 'Trusted proxies',
  noProxies: 'none (TRUST_PROXY is empty)',
  resolved: 'Resolved IP address',
  resolvedName: 'Resolved client',
  unreadable: 'Requests without a readable address',
  unreadableSince: (count: number) => `${count.toLocaleString('en')} since the server started`,
  agent: 'User agent',
  row: 'What would be stored',
  noRow: (outcome: string) => `No event would be stored. Outcome: ${outcome}.`,
  rowHint:
    'The visitor is a hash made with today’s salt, which is deleted after midnight. Opening this page stored nothing. With the full script, a page view also sends the window width, which can determine the device.',
  noHeader: (names: string) => `There is no ${names} header, so the connecting address is used.`,
  noHeaderOnSocket: (names: string) =>
    `There is no ${names} header, so all visitors look like one. Let the proxy send it.`,
  noTrust: (names: string) =>
    `The request has a proxy’s header (${names}), but no proxy is trusted, so it is ignored. If the server is behind your own proxy, set TRUST_PROXY to the proxy’s network. Until then all visitors appear to come from the proxy.`,
  notFromProxy: (names: string) => `The connection is not from a trusted proxy, so ${names} is ignored.`,
  fromHeader: (name: string) =>
    `This is the rightmost address in ${name} that is not a trusted proxy. Addresses to its left can be forged.`,
  notAnAddress: (name: string) =>
    `The proxy’s entry in ${name} is not an IP address. This text distinguishes visitors, and their country is unknown. Have the proxy send the address, or set CLIENT_IP_HEADER to the header that has it.`,
} as const;
