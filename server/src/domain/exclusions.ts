import { countryName } from './countries.ts';
import { asciiHost, HOST_MAX_CHARS, readDomain } from './hosts.ts';
import { REFERRER_SPAM } from './lists/referrer-spam.ts';
import { canonicalNetwork, NetworkSet } from './networks.ts';
import type { RefusalReason } from './outcomes.ts';
import { matchesPage, pageLength, slashPatterns, storedPage } from './page-path.ts';
import { matchesPattern } from './patterns.ts';

/**
 * The exclusions of a site: rules for traffic that its owner does not want to count. They are stored with the site, and the
 * collector checks every beacon against them. Visitors' addresses and user agents are only compared, never stored.
 */

/** The most entries of one list of a site. */
const ENTRIES_MAX = 100;
/** The longest pattern of a page or a user agent. */
const PATTERN_MAX_CHARS = 200;
/** The longest part of a user agent that is compared. */
const AGENT_MAX_CHARS = 512;
/** The longest part of an entry that is repeated in an error. */
const SHOWN_MAX_CHARS = 100;

/** The lists of entries that a site can exclude. */
export const EXCLUSION_LISTS = ['pages', 'countries', 'addresses', 'referrers', 'hosts', 'agents'] as const;
export type ExclusionList = (typeof EXCLUSION_LISTS)[number];

/** What a site excludes, as it is stored. The optional parts are newer than the others, and absent if they are empty. */
export interface Exclusions {
  /** Patterns of pages, in the stored spelling; `*` stands for any text. */
  pages: readonly string[];
  /** ISO 3166-1 alpha-2 country codes. */
  countries: readonly string[];
  /** Addresses and networks of visitors, canonical (see `networks.ts`). */
  addresses?: readonly string[];
  /** Hosts of referrers, with their subdomains. One with `*`, which stands for any text, must match as a whole. */
  referrers?: readonly string[];
  /** Hosts of pages; `*` stands for any text. */
  hosts?: readonly string[];
  /** Parts of user agents, ignoring case; `*` stands for any text. */
  agents?: readonly string[];
  /** False if the built-in list of referrer spam is not used. */
  referrerSpam?: false;
  /** True if visitors from networks of hosting providers are excluded. */
  dataCenters?: true;
}

/** All exclusions of a site, including what is left out when they are stored. */
export type AllExclusions = Record<ExclusionList, readonly string[]> & {
  referrerSpam: boolean;
  dataCenters: boolean;
};

/** Returns all exclusions of a site. @param stored null if nothing differs from the default */
export function allExclusions(stored: Exclusions | null): AllExclusions {
  const {
    pages = [],
    countries = [],
    addresses = [],
    referrers = [],
    hosts = [],
    agents = [],
  } = stored ?? {};
  return {
    ...{ pages, countries, addresses, referrers, hosts, agents },
    referrerSpam: stored?.referrerSpam ?? true,
    dataCenters: stored?.dataCenters ?? false,
  };
}

/** Parses stored exclusions. The spelling of their pages was not normalized in earlier versions. */
export function parseExclusions(json: string): Exclusions {
  const { pages, ...others } = JSON.parse(json) as Exclusions;
  return { ...others, pages: pages.map(storedPage) };
}

/** Whether a page is excluded. A pattern without a query or hash excludes the page with all of them. */
export function isPageExcluded({ pages }: Pick<Exclusions, 'pages'>, page: string): boolean {
  return pages.some((pattern) => matchesPage(pattern, page));
}

/** Whether a normalized host, or a parent of it, is in a set. */
function isWithinDomain(domains: ReadonlySet<string>, host: string): boolean {
  if (domains.has(host)) return true;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
    if (domains.has(host.slice(dot + 1))) return true;
  return false;
}

/** Whether a host is on the built-in list of referrer spam, or a subdomain of one that is. */
export function isReferrerSpam(host: string): boolean {
  return isWithinDomain(REFERRER_SPAM, host);
}

/** The fields of an event that exclusions are checked against, and that are stored with it. Addresses and user agents are not. */
export interface Judged {
  /** The normalized host of the page. */
  host: string;
  path: string;
  /** The normalized host of an external referrer; null if there is none. */
  referrerHost: string | null;
}

/** The exclusions of a site, prepared for checking many events. */
export class ExclusionRules {
  readonly dataCenters: boolean;
  readonly #pages: readonly string[];
  readonly #countries: readonly string[];
  readonly #hosts: readonly string[];
  readonly #agents: readonly string[];
  readonly #addresses: NetworkSet | null;
  readonly #referrers: ReadonlySet<string>;
  readonly #referrerPatterns: readonly string[];
  readonly #referrerSpam: boolean;

  /** @param mergeTrailingSlashes whether the site counts `/a/` as the page `/a` */
  constructor(stored: Exclusions | null, { mergeTrailingSlashes = false } = {}) {
    const all = allExclusions(stored);
    this.dataCenters = all.dataCenters;
    this.#pages = mergeTrailingSlashes ? all.pages.flatMap(slashPatterns) : all.pages;
    this.#countries = all.countries;
    this.#hosts = all.hosts;
    this.#agents = all.agents.map((part) => `*${part.toLowerCase()}*`);
    this.#addresses = all.addresses.length === 0 ? null : new NetworkSet(all.addresses);
    this.#referrers = new Set(all.referrers.filter((host) => !host.includes('*')));
    this.#referrerPatterns = all.referrers.filter((host) => host.includes('*'));
    this.#referrerSpam = all.referrerSpam;
  }

  /** Returns why an event is excluded by what is stored with it; null if it is not. */
  reasonFor({ host, path, referrerHost }: Judged): RefusalReason | null {
    if (this.#hosts.some((pattern) => matchesPattern(pattern, host))) return 'excluded-host';
    if (this.#pages.length > 0 && isPageExcluded({ pages: this.#pages }, path)) return 'excluded-page';
    if (referrerHost === null) return null;
    if (this.#excludesReferrer(referrerHost)) return 'excluded-referrer';
    return this.#referrerSpam && isReferrerSpam(referrerHost) ? 'referrer-spam' : null;
  }

  /** Whether a visitor's address is excluded. */
  excludesAddress(address: string): boolean {
    return this.#addresses?.has(address) ?? false;
  }

  /** Whether a user agent is excluded. */
  excludesAgent(userAgent: string): boolean {
    if (this.#agents.length === 0) return false;
    const text = userAgent.slice(0, AGENT_MAX_CHARS).toLowerCase();
    return this.#agents.some((pattern) => matchesPattern(pattern, text));
  }

  /** Whether the exclusions depend on countries. */
  get usesCountries(): boolean {
    return this.#countries.length > 0;
  }

  /** Whether a country is excluded. An unknown country never is. */
  excludesCountry(country: string | null): boolean {
    return country !== null && this.#countries.includes(country);
  }

  #excludesReferrer(host: string): boolean {
    return (
      isWithinDomain(this.#referrers, host) ||
      this.#referrerPatterns.some((pattern) => matchesPattern(pattern, host))
    );
  }
}

/** Exclusions as typed: text with several entries, or a list of entries. Absent lists are empty, absent switches the default. */
export type TypedExclusions = { [List in ExclusionList]?: string | readonly string[] } & {
  referrerSpam?: boolean;
  dataCenters?: boolean;
};

/**
 * Parses exclusions as typed. Text is split at line breaks, commas and spaces; user agents, which contain commas and spaces, only at
 * line breaks.
 *
 * @returns null if nothing differs from the default; an error sentence if an entry is invalid
 */
export function readExclusions(typed: TypedExclusions): Exclusions | null | string {
  const lists: Partial<Record<ExclusionList, readonly string[]>> = {};
  for (const list of EXCLUSION_LISTS) {
    const entries = readList(list, typed[list] ?? []);
    if (typeof entries === 'string') return entries;
    if (entries.length > 0) lists[list] = entries;
  }
  const switches = {
    ...(typed.referrerSpam === false ? ({ referrerSpam: false } as const) : {}),
    ...(typed.dataCenters === true ? ({ dataCenters: true } as const) : {}),
  };
  if (Object.keys(lists).length + Object.keys(switches).length === 0) return null;
  return { pages: [], countries: [], ...lists, ...switches };
}

/** The nouns of the lists, for errors. */
const NOUNS: Readonly<Record<ExclusionList, string>> = {
  pages: 'pages',
  countries: 'countries',
  addresses: 'IP addresses',
  referrers: 'referrers',
  hosts: 'hosts',
  agents: 'user agents',
};

/** Reads one list. @returns an error sentence if an entry is invalid, or there are too many */
function readList(list: ExclusionList, typed: string | readonly string[]): readonly string[] | string {
  const separator = list === 'agents' ? /[\r\n]+/ : /[\s,]+/;
  const words = (typeof typed === 'string' ? typed.split(separator) : typed)
    .map((word) => (list === 'countries' ? word.toUpperCase() : word).trim().toWellFormed())
    .filter((word) => word !== '');
  const entries = new Set<string>();
  for (const word of words) {
    const entry = READERS[list](word);
    if ('problem' in entry) return `“${shown(word)}” ${entry.problem}`;
    entries.add(entry.text);
    if (entries.size > ENTRIES_MAX) return `A site can exclude at most ${ENTRIES_MAX} ${NOUNS[list]}.`;
  }
  return [...entries];
}

type Entry = { text: string } | { problem: string };

const READERS: Readonly<Record<ExclusionList, (word: string) => Entry>> = {
  pages: readPath,
  countries: readCountry,
  addresses: readAddressOrNetwork,
  referrers: readHostPattern,
  hosts: readHostPattern,
  agents: readAgentPattern,
};

function readPath(word: string): Entry {
  if (!word.startsWith('/') && !word.startsWith('*'))
    return { problem: 'is not a path. A path starts with a slash, such as /admin/*.' };
  const text = storedPage(word);
  // Not the length as typed: the stored spelling, which has more escapes, must be accepted, too.
  return pageLength(text) > PATTERN_MAX_CHARS ? tooLong(PATTERN_MAX_CHARS) : { text };
}

function readCountry(word: string): Entry {
  const code = current(word);
  return countryName(code) === null
    ? { problem: 'is not a country code. Use two letters, such as DE or US.' }
    : { text: code };
}

function readAddressOrNetwork(word: string): Entry {
  const network = canonicalNetwork(word);
  return network === null
    ? {
        problem:
          'is not an IP address or network. Enter one such as 203.0.113.9, 203.0.113.0/24 or 2001:db8::/64.',
      }
    : { text: network };
}

const NOT_A_HOST: Entry = {
  problem: 'is not a host. Enter one such as example.com, without a path; * matches any text.',
};

/** Reads a host, or a pattern of hosts, also as a URL without a path. */
function readHostPattern(word: string): Entry {
  const bare = word.replace(/^https?:\/\//i, '').replace(/\/$/, '');
  if (/[/?#@\\]/.test(bare)) return NOT_A_HOST;
  if (!bare.includes('*')) {
    const host = readDomain(bare);
    return host === null ? NOT_A_HOST : { text: host };
  }
  // The ASCII form of a label has its other letters at the end, so a star in it would not match what it seems to.
  if (bare.split('.').some((label) => label.includes('*') && /[^\0-\x7f]/.test(label)))
    return {
      problem: 'has a star next to letters beyond ASCII. Put it in another label, such as *.münchen.de.',
    };
  // A pattern of stars and dots alone would match every host.
  const pattern = asciiHost(bare).replace(/\.$/, '');
  return /^[a-z0-9_.*-]{2,}$/.test(pattern) && /[a-z0-9]/.test(pattern) && pattern.length <= HOST_MAX_CHARS
    ? { text: pattern }
    : NOT_A_HOST;
}

function readAgentPattern(word: string): Entry {
  if (word.length > PATTERN_MAX_CHARS) return tooLong(PATTERN_MAX_CHARS);
  return /[^*\s]/.test(word)
    ? { text: word }
    : { problem: 'matches every browser. Enter a part of the user agent, such as MyMonitor/*.' };
}

function tooLong(maxChars: number): Entry {
  return { problem: `is longer than ${maxChars} characters.` };
}

function shown(word: string): string {
  return word.length > SHOWN_MAX_CHARS ? `${word.slice(0, SHOWN_MAX_CHARS)}…` : word;
}

/** Returns the current code of a country: `GB` for `UK`. */
function current(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (new Intl.Locale(`und-${code}`).region ?? code) : code;
}
