import { entryOf } from '../../entry-of.ts';
import { hostOfUrl } from '../../hosts.ts';
import type { Channel } from '../../store/store.ts';
import { ASSISTANTS } from '../lists/assistants.ts';
import {
  AD_CLICKS,
  MAIL_SITES,
  MAIL_TAGS,
  MEDIUMS,
  NAMED_SITES,
  SEARCH_ENGINES,
  SOCIAL_SITES,
} from '../lists/sources.ts';
import { Memo } from './memo.ts';

/** Where a page view came from. */
export interface Origin {
  source: string | null;
  channel: Channel;
  campaign: string | null;
}

interface Known {
  name: string;
  channel: Channel;
}

const TAG_MAX_CHARS = 64;
const CAMPAIGN_MAX_CHARS = 128;
/** Hosts that visitors come from, remembered. */
const HOSTS_HELD = 2_000;

const byHost = new Map<string, Known>();
const byTag = new Map<string, Known>();
for (const [channel, sources] of [
  ['ai', ASSISTANTS],
  ['email', MAIL_SITES],
  ['search', SEARCH_ENGINES],
  ['social', SOCIAL_SITES],
  ['referral', NAMED_SITES],
] as const) {
  for (const [name, { hosts, tags = [] }] of Object.entries(sources)) {
    for (const host of hosts) if (!byHost.has(host)) byHost.set(host, { name, channel });
    for (const tag of tags) if (!byTag.has(tag)) byTag.set(tag, { name, channel });
  }
}

/** Hosts of which some pages are known as something else. */
const divided = new Set([...byHost.keys()].filter((key) => key.includes('/')).map(hostPart));
const knownHosts = new Memo(HOSTS_HELD, knownHost);

/** What a referrer or a tag is known as: by host and the first steps of the path, then by host. */
function knownSource(hostAndPath: string): Known | null {
  const host = hostPart(hostAndPath);
  if (divided.has(host) && host !== hostAndPath) {
    const [, first, second] = hostAndPath.split('/');
    const deep = byHost.get(`${host}/${first}/${second}`) ?? byHost.get(`${host}/${first}`);
    if (deep !== undefined) return deep;
  }
  return knownHosts.of(host);
}

function withoutWww(host: string): string {
  return host.startsWith('www.') ? host.slice(4) : host;
}

function hostPart(hostAndPath: string): string {
  const slash = hostAndPath.indexOf('/');
  return slash === -1 ? hostAndPath : hostAndPath.slice(0, slash);
}

/** What a host is known as, or what it is below. */
function knownHost(host: string): Known | null {
  for (let domain = host; domain.includes('.'); domain = domain.slice(domain.indexOf('.') + 1)) {
    const known = byHost.get(domain) ?? byHost.get(everyCountry(domain));
    if (known !== undefined) return known;
  }
  return null;
}

/** `google.co.uk` and `google.de` as `google.*`. Only for what is left of a host after its subdomains. */
function everyCountry(domain: string): string {
  return domain.replace(/\.(com?|org|net)?\.?[a-z]{2,3}$/, '.*');
}

/**
 * Where a page view came from, by the tags in the page's address and by the referrer. An assistant is an assistant whatever
 * else the address says, since its visits are the referrals that owners count.
 *
 * @param referrer another site's host and path, null for none
 */
export function originOf(query: string, referrer: string | null): Origin {
  const referring = referrer === null ? null : knownSource(withoutWww(referrer));
  if (query.length <= 1) return untagged(referrer, referring);
  const tags = new URLSearchParams(query);
  const tag = (name: string, max = TAG_MAX_CHARS) => beginning(tags.get(name)?.trim() ?? '', max) || null;
  const utmSource = tag('utm_source')?.toLowerCase() ?? null;
  const word = utmSource ?? tag('ref')?.toLowerCase() ?? tag('source')?.toLowerCase() ?? null;
  const medium = tag('utm_medium')?.toLowerCase() ?? null;
  const campaign = tag('utm_campaign', CAMPAIGN_MAX_CHARS);
  const tagged = word === null ? null : (byTag.get(word) ?? knownSource(withoutWww(word)));
  const name = tagged?.name ?? word ?? referring?.name ?? (referrer === null ? null : hostOf(referrer));

  for (const known of [tagged, referring]) {
    if (known?.channel === 'ai') return { source: known.name, channel: 'ai', campaign };
  }
  const click = adClick(tags);
  if (click !== null) return { source: word === null ? click : name, channel: 'campaign', campaign };
  if (medium !== null) return { source: name, channel: entryOf(MEDIUMS, medium) ?? 'campaign', campaign };
  if (word !== null && MAIL_TAGS.includes(word)) return { source: name, channel: 'email', campaign };
  if (tagged !== null) return { source: name, channel: tagged.channel, campaign };
  if (utmSource !== null || campaign !== null) return { source: name, channel: 'campaign', campaign };
  if (name !== null)
    return {
      source: name,
      channel: word === null ? (referring?.channel ?? 'referral') : 'referral',
      campaign,
    };
  return { source: null, channel: 'direct', campaign };
}

/** A text's beginning, and no half of a character at its end: half a character is none in UTF-8. */
function beginning(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '');
}

/** Where a page view came from whose address carries no tags: by the referrer alone. */
function untagged(referrer: string | null, known: Known | null): Origin {
  if (referrer === null) return { source: null, channel: 'direct', campaign: null };
  return { source: known?.name ?? hostOf(referrer), channel: known?.channel ?? 'referral', campaign: null };
}

function adClick(tags: URLSearchParams): string | null {
  for (const mark of Object.keys(AD_CLICKS)) if (tags.has(mark)) return AD_CLICKS[mark] ?? null;
  return null;
}

function hostOf(hostAndPath: string): string {
  return withoutWww(hostPart(hostAndPath));
}

/**
 * A referrer as it is compared with what is known: host and path of a web address, or the name of an Android app; null for
 * none, and for one of the site's own pages.
 */
export function referrerOf(url: URL | null, isOwn: (host: string) => boolean): string | null {
  if (url === null) return null;
  if (url.protocol === 'android-app:') return url.host === '' ? null : url.host.toLowerCase();
  const host = hostOfUrl(url);
  if (host === null || isOwn(host)) return null;
  return url.pathname === '/' ? host : host + url.pathname;
}
