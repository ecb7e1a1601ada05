import { Option } from 'commander';
import { findAccount } from '../app/accounts.ts';
import { changedExclusions, dryRunExclusions, setExclusions } from '../app/exclusions.ts';
import { changedHostRules, dryRunHostRules, setHostRules } from '../app/host-rules.ts';
import { readDays } from '../app/inputs.ts';
import { balance } from '../app/ledger.ts';
import { retireSiteKey, rotateSiteKey, siteKeysOf, type UsedSiteKey } from '../app/site-keys.ts';
import { setMergeTrailingSlashes, setRetention, setSiteTimeZone } from '../app/site-settings.ts';
import { addSite, findSite, listSites, type SiteItem } from '../app/sites.ts';
import { writeDate } from '../domain/calendar.ts';
import { utcDay } from '../domain/clock.ts';
import { allExclusions, type Exclusions, type TypedExclusions } from '../domain/exclusions.ts';
import type { HostRules } from '../store/contract/store.ts';
import { type Answer, CommandError, type Commands, type Options } from './command.ts';

const account = new Option('--account <address>', 'Email address of the account.');
const siteId = new Option('--site <id>', 'ID of the site, as "site list" prints it.');

export const siteCommands: Commands = {
  'site add': {
    description: 'Add a site to an account.',
    required: [account, new Option('--domain <domain>', 'Domain of the site, such as example.com.')],
    async run(context, { account: email = '', domain: typed = '' }) {
      const site = await addSite(context, await findAccount(context, email), typed);
      const { id, domain, key, createdAtMs } = site;
      return { id, domain, key, created_at: new Date(createdAtMs).toISOString() };
    },
    say: ({ domain, id, key }) => `Site ${domain} added.\n  id   ${id}\n  key  ${key}`,
  },

  'site list': {
    description: 'List the sites of an account and their events this month.',
    required: [account],
    async run(context, { account: email = '' }) {
      return listSites(context, await findAccount(context, email), context.clock);
    },
    say: ({ sites }) =>
      (sites as { sites: SiteItem[] }['sites'])
        .map(
          (site) => `${site.domain}: ${site.events_this_month} events this month  (${site.id}, ${site.key})`,
        )
        .join('\n') || 'No sites yet.',
  },

  'site rules': {
    description: 'Show or change the allowed domains of a site. *.HOST allows every subdomain of HOST.',
    required: [siteId],
    optional: [
      new Option('--subdomains <on|off>', 'Whether to include all subdomains.').choices(['on', 'off']),
      new Option('--allow <hosts>', 'Hosts to allow, separated by commas.'),
      new Option('--forbid <hosts>', 'Additional hosts to remove, separated by commas.'),
      new Option(
        '--dry-run [yes]',
        'Change nothing; show which events of last week would have been refused or counted.',
      )
        .preset('yes')
        .choices(['yes']),
    ],
    async run(context, { site: id = '', subdomains, allow, forbid, dryRun }) {
      const site = await findSite(context, id);
      const allowSubdomains = subdomains === undefined ? undefined : subdomains === 'on';
      const rules = changedHostRules(site, { allowSubdomains, allow, forbid });
      if (dryRun === undefined) return shown(id, await setHostRules(context, id, rules));
      const { days, accepted, lost, gained } = await dryRunHostRules(context, site, rules);
      return {
        ...shown(id, rules),
        ...{ days, accepted },
        ...{ would_be_refused: lost.events, hosts: lost.hosts, hosts_not_kept: lost.unknown },
        ...{
          would_be_counted: gained.events,
          counted_hosts: gained.hosts,
          refused_hosts_not_kept: gained.unknown,
        },
      };
    },
    say: ({ allow_subdomains, extra_hosts, days, ...run }) =>
      `Include all subdomains: ${allow_subdomains ? 'yes' : 'no'}. Additional hosts: ${(extra_hosts as string[]).join(', ') || 'none'}.${
        days === undefined
          ? ''
          : `\nDry run: nothing was changed. Of ${run.accepted} events accepted in the last ${days} days, ${run.would_be_refused} would have been refused${named(run.hosts)} Of the refused events, ${run.would_be_counted} would have been counted${named(run.counted_hosts)}${
              run.hosts_not_kept === 0 && run.refused_hosts_not_kept === 0
                ? ''
                : ` The hosts of ${run.hosts_not_kept} more accepted and ${run.refused_hosts_not_kept} more refused events were not recorded: there were too many different ones.`
            }`
      }`,
  },

  'site exclude': {
    description:
      'Show or change what a site does not count. Each option replaces a list; "none" empties it. * matches any text.',
    required: [siteId],
    optional: [
      new Option('--pages <paths>', 'Pages, separated by commas, such as /admin/*.'),
      new Option('--countries <codes>', 'Countries, as two-letter codes, separated by commas.'),
      new Option('--addresses <addresses>', 'IP addresses and CIDR networks, separated by commas.'),
      new Option('--referrers <hosts>', 'Hosts of referrers with their subdomains, separated by commas.'),
      new Option('--hosts <hosts>', 'Hosts of pages, separated by commas.'),
      new Option('--agents <parts>', 'Parts of user agents, separated by commas; write * for a comma.'),
      new Option('--referrer-spam <on|off>', 'Whether to exclude known referrer spam.').choices([
        'on',
        'off',
      ]),
      new Option(
        '--data-centers <on|off>',
        'Whether to exclude networks of hosting providers. Requires ASN_DATABASE.',
      ).choices(['on', 'off']),
      new Option('--dry-run [yes]', 'Change nothing; show which events of last week would have been refused.')
        .preset('yes')
        .choices(['yes']),
    ],
    async run(context, options) {
      const { site: id = '', dryRun } = options;
      const site = await findSite(context, id);
      const typed = changedExclusions(site, typedExclusions(options));
      if (dryRun === undefined)
        return shownExclusions(id, (await setExclusions(context, id, typed)).exclusions);
      const { exclusions, run } = await dryRunExclusions(context, site, typed, null);
      const { days, counted, leftOut, reasons, unknown, sinceMs } = run;
      return {
        ...shownExclusions(id, exclusions),
        ...{ days, counted, would_be_excluded: leftOut, reasons, not_testable: unknown },
        since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
      };
    },
    say: (answer) => [...saidExclusions(answer), ...saidDryRun(answer)].join('\n'),
  },

  'site pages': {
    description:
      'Set whether a site counts /a/ as the page /a. Events that were already counted keep their page.',
    required: [
      siteId,
      new Option('--merge-trailing-slashes <on|off>', 'Whether to merge trailing slashes.').choices([
        'on',
        'off',
      ]),
    ],
    async run(context, { site: id = '', mergeTrailingSlashes = '' }) {
      const site = await setMergeTrailingSlashes(context, id, mergeTrailingSlashes === 'on');
      return { id: site.id, merge_trailing_slashes: site.mergeTrailingSlashes };
    },
    say: ({ merge_trailing_slashes }) =>
      merge_trailing_slashes ? '/a/ and /a count as one page.' : '/a/ and /a count as two pages.',
  },

  'site retention': {
    description: 'Set how long to keep events of a site. Deleting events never changes counts.',
    required: [siteId, new Option('--days <days>', 'Days to keep events, or "default" for RETENTION_DAYS.')],
    async run(context, { site: id = '', days = '' }) {
      const site = await setRetention(context, id, days === 'default' ? null : days);
      return { id: site.id, retention_days: site.retentionDays };
    },
    say: ({ retention_days }) =>
      retention_days === null
        ? 'Events are kept for the server default (RETENTION_DAYS).'
        : `Events are deleted after ${retention_days} days.`,
  },

  'site ledger': {
    description: 'Show what happened to every event of a site: counted, duplicate, or refused and why.',
    required: [siteId],
    optional: [new Option('--days <days>', 'Number of days to show, up to today. Default: 30.')],
    async run(context, { site: id = '', days: text = '30' }) {
      const days = readDays(text);
      const site = await findSite(context, id);
      const today = utcDay(context.clock.now());
      const lines = await context.events.ledger(site.id, { firstDay: today - days + 1, lastDay: today });
      return {
        id: site.id,
        days,
        ...balance(lines),
        lines: lines.map((line) => ({
          day: writeDate(line.day),
          outcome: line.outcome,
          host: line.host,
          field: line.field === '' ? null : line.field,
          count: line.count,
          first_at: new Date(line.firstAtMs).toISOString(),
          last_at: new Date(line.lastAtMs).toISOString(),
        })),
      };
    },
    say: ({ received, accepted, duplicate, refused, shortened }) =>
      [
        `received   ${received}`,
        `counted    ${accepted}${shortened === 0 ? '' : ` (shortened: ${shortened})`}`,
        `duplicate  ${duplicate}`,
        ...Object.entries(refused as object).map(([reason, count]) => `${reason}  ${count}`),
      ].join('\n'),
  },

  'site time-zone': {
    description: 'Set the reporting time zone of a site.',
    required: [
      siteId,
      new Option(
        '--zone <zone>',
        'Time zone, such as Europe/Berlin, or "account" for the default of the account.',
      ),
    ],
    async run(context, { site: id = '', zone = '' }) {
      const site = await setSiteTimeZone(context, id, zone === 'account' ? null : zone);
      return { id, time_zone: site.timeZone };
    },
    say: ({ time_zone: zone }) => `Reporting time zone: ${zone ?? 'the default of the account'}.`,
  },

  'site keys': {
    description: 'List the keys of a site, with the events of each and when it was last seen.',
    required: [siteId],
    async run(context, { site: id = '' }) {
      const site = await findSite(context, id);
      return { id, keys: (await siteKeysOf(context, site)).map(shownKey) };
    },
    say: ({ keys }) =>
      (keys as ReturnType<typeof shownKey>[])
        .map(
          ({ key, state, current, events, last_seen_at }) =>
            `${key}  ${current ? 'current' : state}  ${events} events, last seen ${last_seen_at ?? 'never'}`,
        )
        .join('\n'),
  },

  'site rotate-key': {
    description: 'Give a site a new key. Old keys keep counting until you retire them.',
    required: [siteId],
    async run(context, { site: id = '' }) {
      const { key } = await rotateSiteKey(context, id);
      return { id, key };
    },
    say: ({ key }) =>
      `New key: ${key}\nPut it in your pages, then retire the old key with: site retire-key --key …`,
  },

  'site retire-key': {
    description: 'Stop counting an old site key. Pages that still use it show up in the ledger.',
    required: [new Option('--key <key>', 'The site key to retire.')],
    async run(context, { key: typed = '' }) {
      const { siteId, key, state } = await retireSiteKey(context, typed);
      return { id: siteId, key, state };
    },
    say: ({ key }) => `${key} is retired: events with it no longer count.`,
  },
};

function shown(id: string, { allowSubdomains, extraHosts }: HostRules) {
  return { id, allow_subdomains: allowSubdomains, extra_hosts: extraHosts };
}

function typedExclusions(options: Options): TypedExclusions {
  const typed: TypedExclusions = {};
  for (const list of ['pages', 'countries', 'addresses', 'referrers', 'hosts', 'agents'] as const) {
    const text = options[list];
    if (text === undefined) continue;
    // Probably an unset variable in a script, which must not empty the list.
    if (text.trim() === '')
      throw new CommandError('USAGE', `--${list} is empty. Write "none" to empty the list.`);
    typed[list] = text === 'none' ? [] : text.split(',');
  }
  const { referrerSpam, dataCenters } = options;
  if (referrerSpam !== undefined) typed.referrerSpam = referrerSpam === 'on';
  if (dataCenters !== undefined) typed.dataCenters = dataCenters === 'on';
  return typed;
}

function shownExclusions(id: string, stored: Exclusions | null) {
  const { agents, referrerSpam, dataCenters, ...lists } = allExclusions(stored);
  return { id, ...lists, user_agents: agents, referrer_spam: referrerSpam, data_centers: dataCenters };
}

function saidExclusions(answer: Answer): string[] {
  const { pages, countries, addresses, referrers, hosts, user_agents: agents } = answer;
  const list = (name: string, entries: unknown) =>
    `${name.padEnd(14)}${(entries as string[]).join(', ') || 'none'}`;
  return [
    ...[list('pages', pages), list('countries', countries), list('addresses', addresses)],
    ...[list('referrers', referrers), list('hosts', hosts), list('user agents', agents)],
    `${'referrer spam'.padEnd(14)}${answer.referrer_spam === true ? 'excluded' : 'counted'}`,
    `${'data centers'.padEnd(14)}${answer.data_centers === true ? 'excluded' : 'counted'}`,
  ];
}

function saidDryRun(answer: Answer): string[] {
  const { days, counted, would_be_excluded: excluded, reasons, not_testable: unknown, since } = answer;
  if (days === undefined) return [];
  const span =
    since === null ? `in the last ${days} days` : `since ${since} (earlier ones were too many to check)`;
  const byReason = Object.entries(reasons as object).map(([reason, count]) => `${reason} ${count}`);
  return [
    `Dry run: nothing was changed. Of ${counted} events counted ${span}, ${excluded} would have been excluded${
      byReason.length === 0 ? '' : ` (${byReason.join(', ')})`
    }.`,
    ...((unknown as string[]).length === 0
      ? []
      : [
          'IP addresses, networks and user agents are never stored, so rules about them cannot be tested on past events.',
        ]),
  ];
}

function shownKey({ key, state, createdAtMs, isCurrent, use }: UsedSiteKey) {
  return {
    key,
    state,
    created_at: new Date(createdAtMs).toISOString(),
    events: use?.events ?? 0,
    last_seen_at: use === null ? null : new Date(use.lastSeenAtMs).toISOString(),
    current: isCurrent,
  };
}

/** Ends a sentence about events with their hosts, if there are any. */
function named(hosts: unknown): string {
  const names = Object.keys(hosts as object);
  return names.length === 0 ? '.' : `, from ${names.join(', ')}.`;
}
