import type { ExclusionsDryRun } from '../../app/exclusions.ts';
import type { HostsDryRun } from '../../app/host-rules.ts';
import { shownDomain, shownHost } from '../../domain/hosts.ts';
import { dateTime, isolated, plural, whole } from '../kit/format.ts';

/** The texts of a site’s settings. */
export const SETTINGS_TEXT = {
  sections: {
    counting: 'Counting',
    goals: 'Goals',
    sharing: 'Public links',
    team: 'Team',
    data: 'Time zone and data',
  },
  sectionsLabel: 'Sections of the settings',
  title: 'Settings',
  save: 'Save',
  preview: 'Preview on last week’s data',
  link: 'the link',
  remove: 'Remove',
  domains: 'Allowed domains',
  domainsHint: (domain: string) =>
    `${domain} is always allowed, with and without www. Events from any other host are rejected and listed under “Not counted”.`,
  subdomains: (domain: string) => `Include all subdomains of ${domain}`,
  hosts: 'Additional hosts (one per line)',
  hostsHint: 'For example, shop.example.net, or *.example.net for all of its subdomains.',
  keys: 'Site keys',
  keysHint:
    'Public: visible in your page source. To replace it without losing events, rotate the key, update your pages, and retire the old key once it is no longer in use.',
  created: (date: string) => `Created ${date}`,
  expires: (date: string) => `Expires ${date}`,
  keyState: { current: 'current', live: 'active', retired: 'retired' },
  /** The words before the time of the last use. */
  keyUse: (events: number) => `${plural(events, 'event')}, last used`,
  neverUsed: 'Never used',
  retire: 'Retire',
  rotate: 'Rotate key',
  zone: 'Time zone',
  reportingZone: 'Reporting time zone',
  accountZone: (zone: string) => `Account default (${zone})`,
  zoneHint:
    'Applies to this site’s report and API for everyone. Billing months and “Not counted” always use UTC.',
  pagesTitle: 'Pages',
  mergeSlashes: 'Count /a/ and /a as one page',
  mergeSlashesHint:
    'New events are shown without the slash; in tables, earlier events keep their page. Filters, goals and exclusions treat both as one page.',
  retention: 'Retention',
  retentionDays: 'Delete events after (days)',
  retentionHint: (defaultDays: number | null) =>
    `Leave blank for the server default (${defaultDays === null ? 'keep forever' : plural(defaultDays, 'day')}). Counts of past months never change.`,
  exclusions: 'Exclusions',
  exclusionsHint:
    'Excluded events are not counted; they are listed under “Not counted” with the reason. Events that were already counted stay counted.',
  excluded: {
    pages: {
      label: 'Pages (one per line)',
      hint: 'Use * for any text: /admin/*, /preview*, *.pdf. A path excludes the page with every query and hash; /search?q=* or /app#/admin* excludes only those, if your tag keeps them.',
    },
    hosts: {
      label: 'Hosts of your pages (one per line)',
      hint: 'For example, staging.example.com, or *.preview.example.com for its subdomains.',
    },
    addresses: {
      label: 'IP addresses (one address or network per line)',
      hint: 'For example, 203.0.113.9, 198.51.100.0/24 or 2001:db8:1:2::/64. Visitors’ addresses are compared in memory, never stored.',
    },
    agents: {
      label: 'User agents (one per line)',
      hint: 'A part of the user agent, ignoring case, such as MyMonitor. Use * for any text.',
    },
    referrers: {
      label: 'Referrers (one host per line)',
      hint: 'For example, spam.example, which includes its subdomains. Use * for any text: *casino*. Only the page view that comes from there is excluded, not what the visitor opens next.',
    },
  },
  referrerSpam: 'Exclude known referrer spam: sites that fake visits in order to be seen in reports',
  dataCenters: 'Exclude visitors from data centers.',
  dataCentersHint: 'This includes some people who use a VPN. Crawlers are listed as before.',
  noNetworks: 'This has no effect, because the server has no ASN database (ASN_DATABASE).',
  countries: 'Countries (two-letter codes)',
  countriesExample: 'For example, DE US.',
  unknownCountries: 'Visitors whose country is unknown are counted.',
  ownVisits: 'Exclude my visits',
  ownAddress: (address: string) => `Your current IP address is ${address}.`,
  excludeOwn: (network: string) => `Exclude ${network}`,
  ownAddressExcluded: 'It is excluded.',
  ownAddressHint:
    'This excludes everyone on your network, until your provider gives you another address. You can remove it again under Exclusions.',
  ownAddressOfProxy: 'It may be the address of a proxy, and so be shared by all visitors.',
  whatServerSees: 'What the server sees',
  ownQr: 'QR code of the link that excludes a browser',
  ownHow:
    'Open this link in each browser you want to exclude, or scan the code with a phone. The page shows “AttractOS: off”, and that browser sends nothing from this host from then on.',
  ownScript:
    "The link needs the full script (a.full.js). With a.js, run localStorage.attractos = 'off' in the browser’s console on your site.",
  ownOff: 'the link that excludes a browser',
  ownUndo:
    'The setting is stored only in that browser. To count its visits again, clear the browser’s data or open this link:',
  ownOn: 'the link that counts a browser again',
  goals: 'Goals',
  goalsHint:
    'What you want visitors to do: trigger an event or reach a page (use * for any text). The report shows how many visitors converted.',
  goalType: 'Type',
  goalKinds: { event: 'Event', page: 'Page' },
  goalPattern: 'Event name or page path',
  goalExample: 'signup or /thanks*',
  addGoal: 'Add goal',
  shares: 'Public links',
  sharesHint: 'Anyone with the link can view this report. Read-only.',
  shareReady: (name: string) => `“${name}” is ready.`,
  shareOnce: 'Copy the link now. It won’t be shown again.',
  withPassword: 'password',
  shareName: 'Name',
  shareExample: 'Board report',
  sharePassword: 'Password (optional)',
  shareExpires: 'Expires',
  embedHosts: 'Embed on hosts (optional)',
  embeddedOn: (hosts: string) => `embedded on ${hosts}`,
  embedCode: 'code',
  embedHint: (parts: readonly string[]) =>
    `Paste this where the report should appear. Choose theme=light or theme=dark, or leave it out to follow the browser. The period is range=7d, or from and to. To show only some parts, add parts= with any of ${parts.join(', ')}.`,
  never: 'Never',
  days7: 'In 7 days',
  days30: 'In 30 days',
  year: 'In a year',
  createLink: 'Create link',
  team: 'Team',
  teamHint:
    'Viewers see reports; admins can also edit settings. Only the owner can change the team or delete the site.',
  invited: (email: string) => `Invitation sent to ${email}.`,
  sendLink: (email: string) => `Send this link to ${email}.`,
  notSent: (email: string, why: string) => `The email to ${email} was not sent. ${why}`,
  invitationOnce: (role: string) =>
    `It invites them as ${role === 'admin' ? 'an admin' : 'a viewer'}. Single use, expires in seven days. It won’t be shown again.`,
  invitedAs: (role: string | null) => `invited as ${role}`,
  withdraw: 'Withdraw',
  role: 'Role',
  viewer: 'Viewer',
  admin: 'Admin',
  invite: 'Send invitation',
  export: 'Export',
  exportHint: 'Download every stored event, newest first.',
  csv: 'Download CSV',
  ndjson: 'Download NDJSON',
  delete: 'Delete site',
  deleteHint:
    'This permanently deletes the site’s events, keys, goals and links. Pages still using its key will get an error.',
  typeToConfirm: (domain: string) => `Type ${domain} to confirm`,
  deleteSite: (domain: string) => `Delete ${domain}`,
} as const;

/** The confirmations of changes, by the value of `done` in the URL. */
export const SETTINGS_DONE: Readonly<Record<string, string>> = {
  hosts: 'Allowed domains saved. They take effect within a second.',
  rotated: 'New key created. Update your pages; the previous key keeps working until you retire it.',
  retired: 'Key retired. Events that still use it are listed under “Not counted”.',
  exclusions:
    'Exclusions saved. They take effect within a second. Excluded events are listed under “Not counted”.',
  'own-address': 'Your IP address is excluded. This takes effect within a second.',
  'time-zone': 'Time zone saved.',
  pages: 'Page setting saved. It takes effect within a second.',
  retention: 'Retention saved. Counts of past months stay the same.',
  goal: 'Goals saved.',
  share: 'Link removed.',
  member: 'Team updated.',
};

/** Describes what new host rules would have done to the events of the last days. */
export function hostsPreview({ accepted, days, lost, gained }: HostsDryRun): string {
  const rejected =
    lost.events > 0
      ? `${whole(lost.events)} would have been rejected, from ${Object.keys(lost.hosts).map(shownDomain).join(', ')}.`
      : lost.unknown > 0
        ? 'none from a known host would have been rejected.'
        : 'all would have been counted with these rules.';
  const counted =
    gained.events > 0
      ? ` ${plural(gained.events, 'rejected event')} would have been counted, from ${Object.keys(gained.hosts).map(shownHost).join(', ')}.`
      : '';
  const unknown = lost.unknown + gained.unknown;
  const rest =
    unknown > 0
      ? ` The hosts of another ${whole(unknown)} are unknown because there were too many to list separately.`
      : '';
  return `Not saved yet. Of ${plural(accepted, 'event')} counted in the last ${days} days, ${rejected}${counted}${rest}`;
}

/** The maximum number of excluded pages, countries and hosts that are listed by name. */
const NAMED = 10;

/** Describes what new exclusions would have done to the events of the last days. */
export function exclusionsPreview(run: ExclusionsDryRun): string {
  const { days, counted, leftOut, values, sinceMs } = run;
  const more = values.length > NAMED ? ` and ${whole(values.length - NAMED)} more` : '';
  const lost =
    leftOut === 0
      ? 'all would have been counted with these exclusions.'
      : `${whole(leftOut)} would have been excluded: ${values.slice(0, NAMED).map(isolated).join(', ')}${more}.`;
  const span =
    sinceMs === null
      ? `counted in the last ${days} days`
      : `counted since ${dateTime(sinceMs, 'UTC')} UTC (earlier ones were too many to check)`;
  return [`Not saved yet. Of ${plural(counted, 'event')} ${span}, ${lost}`, ...unknownSentences(run)].join(
    ' ',
  );
}

/** Says which rules cannot be tested, because nothing about them is stored, and what can be known instead. */
function unknownSentences({ unknown, own }: ExclusionsDryRun): string[] {
  const sentences: string[] = [];
  if (unknown.includes('addresses'))
    sentences.push(
      'IP addresses are never stored, so rules about them can’t be tested on past events.',
      ...(own === null
        ? []
        : [
            own.address
              ? 'Your current address would be excluded.'
              : 'Your current address would be counted.',
          ]),
    );
  if (unknown.includes('user_agents'))
    sentences.push(
      'User agents are never stored, so rules about them can’t be tested on past events.',
      ...(own === null
        ? []
        : [own.agent ? 'This browser would be excluded.' : 'This browser would be counted.']),
    );
  if (unknown.includes('data_centers'))
    sentences.push(
      'Networks are never stored, so the rule about data centers can’t be tested on past events.',
    );
  return sentences;
}
