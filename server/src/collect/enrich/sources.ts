import type { Channel } from '../../domain/channels.ts';
import { readDomain } from '../../domain/hosts.ts';
import { memoize } from '../../domain/memoize.ts';
import { ownValue } from '../../domain/own-value.ts';
import type { EventEntry } from '../../store/contract/store.ts';
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
import { externalReferrer } from '../page.ts';

/** The `utm_*` tags of a page's URL. */
type CampaignTags = Pick<EventEntry, 'utmSource' | 'utmMedium' | 'campaign' | 'utmContent' | 'utmTerm'>;

/** The source of a page view. */
export interface Origin extends CampaignTags {
  source: string | null;
  channel: Channel;
}

interface KnownSource {
  name: string;
  channel: Channel;
}

/** The longest `utm_*` tag. Longer ones are cut. */
const TAG_MAX_CHARS = 128;
/** The longest name of a source that is not known. */
const SOURCE_MAX_CHARS = 64;
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
  return (host === hostAndPath ? null : knownPath(host, hostAndPath)) ?? cachedKnownHost(host);
}

function knownPath(host: string, hostAndPath: string): KnownSource | null {
  for (const place of [host, everyCountry(host)]) {
    if (!divided.has(place)) continue;
    const [, first, second] = hostAndPath.split('/');
    const found = byHost.get(`${place}/${first}/${second}`) ?? byHost.get(`${place}/${first}`);
    if (found !== undefined) return found;
  }
  return null;
}

function withoutWww(host: string): string {
  return host.startsWith('www.') ? host.slice(4) : host;
}

function hostPart(hostAndPath: string): string {
  const slash = hostAndPath.indexOf('/');
  return slash === -1 ? hostAndPath : hostAndPath.slice(0, slash);
}

/** Finds the known source of a host alone, of it with its subdomains, or of its parent domains. */
function knownHost(host: string): KnownSource | null {
  const alone = byHost.get(`=${host}`) ?? byHost.get(`=${everyCountry(host)}`);
  if (alone !== undefined) return alone;
  for (let domain = host; domain.includes('.'); domain = domain.slice(domain.indexOf('.') + 1)) {
    const known = byHost.get(domain) ?? byHost.get(everyCountry(domain));
    if (known !== undefined) return known;
  }
  return WEBMAIL.test(host) ? { name: host, channel: 'email' } : null;
}

/** Hosts of mail in a browser, at whatever provider. `mail.` alone may also be the archive of a mailing list. */
const WEBMAIL = /^(?:webmail\d*|roundcube|squirrelmail|rainloop|zimbra|owa)\./;

/** Returns `google.*` for `google.co.uk` and `google.de`, given a host without subdomains. */
function everyCountry(domain: string): string {
  return domain.replace(/\.(com?|org|net)?\.?[a-z]{2,3}$/, '.*');
}

/**
 * Finds the source of a page view by the tags in the page's URL and by the referrer. An AI assistant takes precedence over all
 * tags, because its visits count as referrals.
 *
 * @param referrer the host and path of an external referrer; null if there is none
 * @param isOwn whether a host belongs to the site; `ref` and `source` may name it, which is not a source either
 */
export function originOf(
  query: string,
  referrer: string | null,
  isOwn: (host: string) => boolean = () => false,
): Origin {
  const referring = referrer === null ? null : knownSource(withoutWww(referrer));
  if (query.length <= 1) return { ...NO_TAGS, ...untagged(referrer, referring) };
  const parameters = new URLSearchParams(query);
  const tags = tagsOf(parameters);
  return { ...tags, ...tagged(parameters, tags, { referrer, referring, isOwn }) };
}

const NO_TAGS: CampaignTags = {
  utmSource: null,
  utmMedium: null,
  campaign: null,
  utmContent: null,
  utmTerm: null,
};

/** Reads the `utm_*` tags. Source and medium are compared without case, so they are in lower case. */
function tagsOf(parameters: URLSearchParams): CampaignTags {
  const tag = (name: string) => beginning(parameters.get(name)?.trim() ?? '', TAG_MAX_CHARS) || null;
  return {
    utmSource: tag('utm_source')?.toLowerCase() ?? null,
    utmMedium: tag('utm_medium')?.toLowerCase() ?? null,
    campaign: tag('utm_campaign'),
    utmContent: tag('utm_content'),
    utmTerm: tag('utm_term'),
  };
}

type Found = Pick<Origin, 'source' | 'channel'>;

/** Finds the source of a page view by the parameters of the page's URL, and by the referrer. */
function tagged(
  parameters: URLSearchParams,
  { utmSource, utmMedium, campaign }: CampaignTags,
  {
    referrer,
    referring,
    isOwn,
  }: { referrer: string | null; referring: KnownSource | null; isOwn: (host: string) => boolean },
): Found {
  const link = (name: string) => {
    const word = asHost(parameters.get(name)?.trim().toLowerCase() ?? '');
    return word === '' || isOwn(hostPart(word)) ? null : word;
  };
  const whole = utmSource === null ? (link('ref') ?? link('source')) : asHost(utmSource);
  const word = whole === null ? null : beginning(whole, SOURCE_MAX_CHARS);
  const named = word === null ? null : (byTag.get(word) ?? knownSource(withoutWww(word)));
  const name = named?.name ?? word ?? referring?.name ?? (referrer === null ? null : hostOf(referrer));

  for (const known of [named, referring]) {
    if (known?.channel === 'ai') return { source: known.name, channel: 'ai' };
  }
  const click = adClick(parameters);
  if (click !== null) return { source: word === null ? click : name, channel: 'campaign' };
  if (utmMedium !== null) return { source: name, channel: ownValue(MEDIUMS, utmMedium) ?? 'campaign' };
  if (word !== null && MAIL_TAGS.includes(word)) return { source: name, channel: 'email' };
  if (named !== null) return { source: name, channel: named.channel };
  if (utmSource !== null || campaign !== null) return { source: name, channel: 'campaign' };
  if (name === null) return { source: null, channel: 'direct' };
  return { source: name, channel: word === null ? (referring?.channel ?? 'referral') : 'referral' };
}

/** An http(s) URL and its path. */
const ADDRESS = /^https?:\/\/[^/?#]+([^?#]*)/;

/**
 * Returns a word that names a site as referrers do: `https://www.example.com/` and `example.com.` become `example.com`. The path of
 * a URL stays where it is a source of its own. Any other word is returned unchanged.
 */
function asHost(word: string): string {
  const path = ADDRESS.exec(word)?.[1];
  // A word such as `1.2` would be an address.
  if (path === undefined && (!word.includes('.') || word.includes('/') || /\.\d+$/.test(word))) return word;
  const found = readDomain(word);
  if (found === null) return word;
  const host = withoutWww(found);
  return knownPath(host, host + (path ?? '')) === null ? host : host + path;
}

/** Truncates a text without splitting a surrogate pair, because half a pair is invalid in UTF-8. */
function beginning(text: string, maxChars: number): string {
  return text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '');
}

/** Finds the source of a page view without tags, by the referrer alone. */
function untagged(referrer: string | null, known: KnownSource | null): Found {
  if (referrer === null) return { source: null, channel: 'direct' };
  return { source: known?.name ?? hostOf(referrer), channel: known?.channel ?? 'referral' };
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
  if (url?.protocol !== 'android-app:') return externalReferrer(url, isOwn);
  return url.host === '' ? null : url.host.toLowerCase();
}

/** Returns the host of an external referrer, or the name of an Android app; null if there is none, or it is of the same site. */
export function referrerHostOf(url: URL | null, isOwn: (host: string) => boolean): string | null {
  const referrer = referrerOf(url, isOwn);
  return referrer === null ? null : hostPart(referrer);
}
