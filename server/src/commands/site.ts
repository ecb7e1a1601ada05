import { listSites, type SiteList } from '../api/sites.ts';
import { isTimeZone } from '../calendar.ts';
import { DAY_MS, systemClock, utcDay } from '../clock.ts';
import { readDomain } from '../hosts.ts';
import { newSiteId, newSiteKey } from '../keys.ts';
import { balance, tryHosts } from '../ledger.ts';
import { PLANS } from '../plans.ts';
import type { HostRules, KeyUse, SiteKey } from '../store/store.ts';
import {
  accountByEmail,
  CommandError,
  type Commands,
  type Options,
  readDays,
  siteById,
  siteNotFound,
} from './command.ts';

/** Days of accepted events that a dry run judges. */
const DRY_RUN_DAYS = 7;
const EXTRA_HOSTS_MAX = 100;

export const siteCommands: Commands = {
  'site add': {
    usage: 'site add --account E --domain D',
    sentence: 'Add a site to an account.',
    required: ['account', 'domain'],
    optional: [],
    async run({ registry }, { account: email = '', domain: typed = '' }) {
      const account = await accountByEmail({ registry }, email);
      const domain = readDomain(typed);
      if (domain === null) throw new CommandError('INVALID_DOMAIN', `"${typed}" is no domain.`);
      const site = await registry.createSite(
        { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs: systemClock.now() },
        PLANS[account.plan].sites,
      );
      return {
        id: site.id,
        domain: site.domain,
        key: site.key,
        created_at: new Date(site.createdAtMs).toISOString(),
      };
    },
    say: ({ domain, id, key }) => `Site ${domain} added.\n  id   ${id}\n  key  ${key}`,
  },

  'site list': {
    usage: 'site list --account E',
    sentence: 'List the sites of an account with the events of this month.',
    required: ['account'],
    optional: [],
    async run(store, { account: email = '' }) {
      return listSites(store, await accountByEmail(store, email), systemClock);
    },
    say: ({ sites }) =>
      (sites as SiteList['sites'])
        .map(
          (site) => `${site.domain}: ${site.events_this_month} events this month  (${site.id}, ${site.key})`,
        )
        .join('\n') || 'No sites yet.',
  },

  'site rules': {
    usage: 'site rules --site I [--subdomains on|off] [--allow H,H] [--forbid H,H] [--dry-run yes]',
    sentence:
      'Show or change which hosts count besides the domain and its www twin. *.H allows what is below H.',
    required: ['site'],
    optional: ['subdomains', 'allow', 'forbid', 'dry-run'],
    async run(store, options) {
      if (options['dry-run'] !== undefined && options['dry-run'] !== 'yes') {
        throw new CommandError('USAGE', `--dry-run is "${options['dry-run']}": yes, or left out.`);
      }
      const site = await siteById(store, options.site ?? '');
      const rules = changedRules(site, options);
      const policy = { domain: site.domain, ...rules };
      if (options['dry-run'] !== undefined) {
        const today = utcDay(systemClock.now());
        const lines = await store.events.ledger(site.id, {
          firstDay: today - DRY_RUN_DAYS + 1,
          lastDay: today,
        });
        const { accepted, refused, hosts, unknown } = tryHosts(lines, policy);
        return {
          ...shown(site.id, rules),
          days: DRY_RUN_DAYS,
          accepted,
          would_be_refused: refused,
          hosts,
          hosts_not_kept: unknown,
        };
      }
      const changed = await store.registry.setHostRules(site.id, rules);
      if (changed === null) throw siteNotFound(site.id);
      return shown(site.id, changed);
    },
    say: ({ allow_subdomains, extra_hosts, days, accepted, would_be_refused, hosts, hosts_not_kept }) =>
      `Subdomains count: ${allow_subdomains ? 'yes' : 'no'}. Further hosts: ${(extra_hosts as string[]).join(', ') || 'none'}.${
        days === undefined
          ? ''
          : `\nDry run, nothing was changed: of ${accepted} events accepted in the last ${days} days ${would_be_refused} would have been refused${
              would_be_refused === 0 ? '.' : `, from ${Object.keys(hosts as object).join(', ')}.`
            }${hosts_not_kept === 0 ? '' : ` Of ${hosts_not_kept} more the host is not known: there were too many to keep apart.`}`
      }`,
  },

  'site retention': {
    usage: 'site retention --site I --days N|default',
    sentence: 'Delete events of a site after N days. What was counted stays counted.',
    required: ['site', 'days'],
    optional: [],
    async run({ registry }, { site: id = '', days: text = '' }) {
      const days = text === 'default' ? null : readDays(text, ', or "default"');
      const site = await registry.setRetention(id, days);
      if (site === null) throw siteNotFound(id);
      return { id: site.id, retention_days: site.retentionDays };
    },
    say: ({ retention_days }) =>
      retention_days === null
        ? 'Events are kept as RETENTION_DAYS says.'
        : `Events are deleted after ${retention_days} days.`,
  },

  'site ledger': {
    usage: 'site ledger --site I [--days N]',
    sentence: 'What became of everything received for a site: counted, duplicate, or refused and why.',
    required: ['site'],
    optional: ['days'],
    async run(store, { site: id = '', days: text = '30' }) {
      const days = readDays(text);
      const site = await siteById(store, id);
      const today = utcDay(systemClock.now());
      const lines = await store.events.ledger(site.id, { firstDay: today - days + 1, lastDay: today });
      return {
        id: site.id,
        days,
        ...balance(lines),
        lines: lines.map((line) => ({
          day: new Date(line.day * DAY_MS).toISOString().slice(0, 10),
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
    usage: 'site time-zone --site I --zone Z',
    sentence: 'The time zone in which the days of a site begin; “account” for that of its account.',
    required: ['site', 'zone'],
    optional: [],
    async run({ registry }, { site: id = '', zone = '' }) {
      if (zone !== 'account' && !isTimeZone(zone))
        throw new CommandError('INVALID_TIME_ZONE', `There is no time zone "${zone}".`);
      const site = await registry.setSiteTimeZone(id, zone === 'account' ? null : zone);
      if (site === null) throw siteNotFound(id);
      return { id, time_zone: site.timeZone };
    },
    say: ({ time_zone: zone }) => `Days of the site begin in ${zone ?? 'the time zone of its account'}.`,
  },

  'site keys': {
    usage: 'site keys --site I',
    sentence: 'List the keys of a site, what each brought and when it was last seen.',
    required: ['site'],
    optional: [],
    async run(store, { site: id = '' }) {
      const site = await siteById(store, id);
      const [keys, uses] = await Promise.all([
        store.registry.siteKeysOf(site.id),
        store.events.keyUse(site.id),
      ]);
      const useOf = new Map(uses.map((use) => [use.key, use]));
      return {
        id: site.id,
        keys: keys.map((key) => ({ ...shownKey(key, useOf.get(key.key)), current: key.key === site.key })),
      };
    },
    say: ({ keys }) =>
      (keys as (ReturnType<typeof shownKey> & { current: boolean })[])
        .map(
          ({ key, state, current, events, last_seen_at }) =>
            `${key}  ${current ? 'current' : state}  ${events} events, last seen ${last_seen_at ?? 'never'}`,
        )
        .join('\n'),
  },

  'site rotate-key': {
    usage: 'site rotate-key --site I',
    sentence: 'Give a site a new key. The old ones count until they are retired.',
    required: ['site'],
    optional: [],
    async run({ registry }, { site: id = '' }) {
      const key = await registry.addSiteKey(id, newSiteKey(), systemClock.now());
      if (key === null) throw siteNotFound(id);
      return { id, key: key.key };
    },
    say: ({ key }) =>
      `New key: ${key}\nPut it into the pages, then retire the old one with: site retire-key --key …`,
  },

  'site retire-key': {
    usage: 'site retire-key --key K',
    sentence: 'Stop counting an old key of a site. Pages that still carry it show up in the ledger.',
    required: ['key'],
    optional: [],
    async run({ registry }, { key: text = '' }) {
      const key = await registry.retireSiteKey(text);
      if (key === null) throw new CommandError('KEY_NOT_FOUND', `There is no site key "${text}".`);
      return { id: key.siteId, key: key.key, state: key.state };
    },
    say: ({ key }) => `${key} no longer counts.`,
  },
};

function shown(id: string, { allowSubdomains, extraHosts }: HostRules) {
  return { id, allow_subdomains: allowSubdomains, extra_hosts: extraHosts };
}

function shownKey({ key, state, createdAtMs }: SiteKey, use: KeyUse | undefined) {
  return {
    key,
    state,
    created_at: new Date(createdAtMs).toISOString(),
    events: use?.events ?? 0,
    last_seen_at: use === undefined ? null : new Date(use.lastSeenAtMs).toISOString(),
  };
}

function changedRules(rules: HostRules, { subdomains, allow, forbid }: Options): HostRules {
  if (subdomains !== undefined && subdomains !== 'on' && subdomains !== 'off') {
    throw new CommandError('USAGE', `--subdomains is "${subdomains}": on or off.`);
  }
  const forbidden = new Set(readHosts(forbid));
  const extraHosts = [...new Set([...rules.extraHosts, ...readHosts(allow)])].filter(
    (host) => !forbidden.has(host),
  );
  if (extraHosts.length > EXTRA_HOSTS_MAX)
    throw new CommandError('TOO_MANY_HOSTS', `At most ${EXTRA_HOSTS_MAX} hosts.`);
  return {
    allowSubdomains: subdomains === undefined ? rules.allowSubdomains : subdomains === 'on',
    extraHosts,
  };
}

function readHosts(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .filter((typed) => typed.trim() !== '')
    .map((typed) => {
      const wildcard = typed.trim().startsWith('*.');
      const host = readDomain(wildcard ? typed.trim().slice(2) : typed);
      if (host === null) throw new CommandError('INVALID_DOMAIN', `"${typed}" is no host.`);
      return wildcard ? `*.${host}` : host;
    });
}
