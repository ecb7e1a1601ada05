/** The texts of the live page: those of the initial page, and those with which its script replaces them. */
export const LIVE_TEXT = {
  title: 'Live',
  now: 'Now',
  visitors: (count: number) => (count === 1 ? 'visitor' : 'visitors'),
  within: 'Active in the last five minutes.',
  pages: 'Active pages',
  noPages: 'No visitors right now.',
  activity: 'Recent activity',
  refresh: 'Refresh',
  updates: 'Updates automatically',
  closed: 'Connection closed. Reload the page to continue.',
  zone: (zone: string) => `Times are in ${zone}. Rejected events appear only since the last restart.`,
  noActivity: (domain: string) =>
    `No activity in the last 30 minutes. Open a page on ${domain} to see it here.`,
  kinds: {
    view: 'View',
    conversion: 'Event',
    bot: 'Crawler',
    duplicate: 'Duplicate',
    refused: 'Rejected',
    script: 'Script',
  },
  unknownHost: 'unknown host',
  loadedScript: 'loaded the script',
  from: (source: string) => `from ${source}`,
  on: (path: string) => `on ${path}`,
} as const;
