import { Option } from 'commander';
import { findAccount } from '../app/accounts.ts';
import { changedHostRules, dryRunHostRules, setHostRules } from '../app/host-rules.ts';
import { readDays } from '../app/inputs.ts';
import { balance } from '../app/ledger.ts';
import { retireSiteKey, rotateSiteKey, siteKeysOf, type UsedSiteKey } from '../app/site-keys.ts';
import { setRetention, setSiteTimeZone } from '../app/site-settings.ts';
import { addSite, findSite, listSites, type SiteItem } from '../app/sites.ts';
import { writeDate } from '../domain/calendar.ts';
import { utcDay } from '../domain/clock.ts';
import type { HostRules } from '../store/contract/store.ts';
import type { Commands } from './command.ts';

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
      new Option('--dry-run [yes]', 'Change nothing; show which events of last week would have been refused.')
        .preset('yes')
        .choices(['yes']),
    ],
    async run(context, { site: id = '', subdomains, allow, forbid, dryRun }) {
      const site = await findSite(context, id);
      const allowSubdomains = subdomains === undefined ? undefined : subdomains === 'on';
      const rules = changedHostRules(site, { allowSubdomains, allow, forbid });
      if (dryRun === undefined) return shown(id, await setHostRules(context, id, rules));
      const { days, accepted, refused, hosts, unknown } = await dryRunHostRules(context, site, rules);
      return {
        ...shown(id, rules),
        ...{ days, accepted, would_be_refused: refused, hosts, hosts_not_kept: unknown },
      };
    },
    say: ({ allow_subdomains, extra_hosts, days, accepted, would_be_refused, hosts, hosts_not_kept }) =>
      `Include all subdomains: ${allow_subdomains ? 'yes' : 'no'}. Additional hosts: ${(extra_hosts as string[]).join(', ') || 'none'}.${
        days === undefined
          ? ''
          : `\nDry run: nothing was changed. Of ${accepted} events accepted in the last ${days} days, ${would_be_refused} would have been refused${
              would_be_refused === 0 ? '.' : `, from ${Object.keys(hosts as object).join(', ')}.`
            }${hosts_not_kept === 0 ? '' : ` The hosts of ${hosts_not_kept} more events were not recorded: there were too many different ones.`}`
      }`,
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
          count: line.count,
          first_at: new Date(line.firstAtMs).toISOString(),
          last_at: new Date(line.lastAtMs).toISOString(),
        })),
      };
    },
    say: ({ received, accepted, duplicate, refused }) =>
      [
        `received   ${received}`,
        `counted    ${accepted}`,
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
