import type { Channel } from '../../domain/channels.ts';
import { hostOfUrl } from '../../domain/hosts.ts';
import { memoize } from '../../domain/memoize.ts';
import { ownValue } from '../../domain/own-value.ts';
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

/** The source of a page view. */
export interface Origin {
  source: string | null;
  channel: Channel;
  campaign: string | null;
}

interface KnownSource {
  name: string;
  channel: Channel;
}

const TAG_MAX_CHARS = 64;
const CAMPAIGN_MAX_CHARS = 128;
/** The most cached referring hosts. */
const MAX_CACHED_HOSTS = 2_000;

const byHost = new Map<string, KnownSource>();
const byTag = new Map<string, KnownSource>();
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

/** Hosts where some paths are sources of their own. */
const divided = new Set([...byHost.keys()].filter((key) => key.includes('/')).map(hostPart));
const cachedKnownHost = memoize(MAX_CACHED_HOSTS, knownHost);

/** Finds the known source of a referrer or tag, by the host with up to two path segments, else by the host alone. */
function knownSource(hostAndPath: string): KnownSource | null {
  const host = hostPart(hostAndPath);
  if (divided.has(host) && host !== hostAndPath) {
    const [, first, second] = hostAndPath.split('/');
    const deep = byHost.get(`${host}/${first}/${second}`) ?? byHost.get(`${host}/${first}`);
    if (deep !== undefined) return deep;
  }
  return cachedKnownHost(host);
}

function withoutWww(host: string): string {
  return host.startsWith('www.') ? host.slice(4) : host;
}

function hostPart(hostAndPath: string): string {
  const slash = hostAndPath.indexOf('/');
  return slash === -1 ? hostAndPath : hostAndPath.slice(0, slash);
}

/** Finds the known source of a host or its parent domains. */
function knownHost(host: string): KnownSource | null {
  for (let domain = host; domain.includes('.'); domain = domain.slice(domain.indexOf('.') + 1)) {
    const known = byHost.get(domain) ?? byHost.get(everyCountry(domain));
    if (known !== undefined) return known;
  }
  return null;
}

/** Returns `google.*` for `google.co.uk` and `google.de`, given a host without subdomains. */
function everyCountry(domain: string): string {
  return domain.replace(/\.(com?|org|net)?\.?[a-z]{2,3}$/, '.*');
}

/**
 * Finds the source of a page view by the tags in the page's URL and by the referrer. An AI assistant takes precedence over all
 * tags, because its visits count as referrals.
 *
 * @param referrer the host and path of an external referrer; null if there is none
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
  if (medium !== null) return { source: name, channel: ownValue(MEDIUMS, medium) ?? 'campaign', campaign };
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

/** Truncates a text without splitting a surrogate pair, because half a pair is invalid in UTF-8. */
function beginning(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '');
}

/** Finds the source of a page view without tags, by the referrer alone. */
function untagged(referrer: string | null, known: KnownSource | null): Origin {
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
 * Normalizes a referrer to the host and path of its URL, or to the name of an Android app. Returns null if there is no
 * referrer, or if it is a page of the same site.
 */
export function referrerOf(url: URL | null, isOwn: (host: string) => boolean): string | null {
  if (url === null) return null;
  if (url.protocol === 'android-app:') return url.host === '' ? null : url.host.toLowerCase();
  const host = hostOfUrl(url);
  if (host === null || isOwn(host)) return null;
  return url.pathname === '/' ? host : host + url.pathname;
}
