import Bowser from 'bowser';
import { isbot } from 'isbot';
import { memoize } from '../memoize.ts';
import { ownValue } from '../own-value.ts';
import { CRAWLERS, type Crawler, PEOPLE } from './bots.ts';
import { BROWSERS, SYSTEMS } from './browsers.ts';
import { IN_APP_BROWSERS } from './in-app-browsers.ts';
import { appleSystem, systemVersion } from './systems.ts';

/** What a user agent reveals. Every name is from a list, never from the user agent itself; versions are short numbers. */
export type Agent = { crawler: Crawler } | HumanAgent;

/** The user agent of a person. */
export interface HumanAgent {
  crawler: null;
  browser: string | null;
  /** The browser with its major version, such as `Firefox 128`. */
  browserVersion: string | null;
  os: string | null;
  /** The system with its major version, such as `iOS 17`. */
  osVersion: string | null;
  device: Device | null;
}

export type Device = 'phone' | 'tablet' | 'desktop';

/** The longest user agent that is parsed; longer ones are cut off. */
const USER_AGENT_MAX_CHARS = 512;
/** The maximum number of cached user agents, in memory only. Parsing one costs as much as a commit. */
const MAX_CACHED_AGENTS = 2_000;

const NO_USER_AGENT: Agent = { crawler: { name: 'no user agent', company: null, botClass: 'other' } };
const OTHER_BOT: Crawler = { name: 'other', company: null, botClass: 'other' };

const LISTED_CRAWLERS = CRAWLERS.map((crawler) => ({ crawler, word: crawler.name.toLowerCase() }));

/** Matches a listed name on its own, but not those that are also the names of apps. */
const LISTED_NAME = new RegExp(
  `(?<![a-z\\d])(?:${CRAWLERS.filter(({ isApp }) => isApp !== true)
    .map(({ name }) => name.replaceAll('.', '\\.'))
    .join('|')})(?![a-z])`,
  'i',
);

/** Parses a user agent. An empty one counts as a crawler. */
export function readAgent(whole: string): Agent {
  if (whole === '') return NO_USER_AGENT;
  const userAgent = whole.slice(0, USER_AGENT_MAX_CHARS);
  const crawler = crawlerIn(userAgent);
  return crawler === null ? readHuman(userAgent) : { crawler };
}

/**
 * Returns the crawler of a user agent; null if it is a person's. A listed name is enough: the library knows other patterns, but
 * trusts most user agents that look like a browser's.
 */
function crawlerIn(userAgent: string): Crawler | null {
  if (PEOPLE.test(userAgent)) return null;
  if (!LISTED_NAME.test(userAgent) && !isbot(userAgent)) return null;
  const lowerCase = userAgent.toLowerCase();
  const { name, company, botClass } =
    LISTED_CRAWLERS.find(({ word }) => lowerCase.includes(word))?.crawler ?? OTHER_BOT;
  return { name, company, botClass };
}

function readHuman(userAgent: string): HumanAgent {
  const { browser: found, os: system, platform } = Bowser.parse(userAgent);
  const inApp = IN_APP_BROWSERS.find(({ pattern }) => pattern.test(userAgent))?.name;
  const browser = inApp ?? ownValue(BROWSERS, found.name ?? '') ?? null;
  const listed = ownValue(SYSTEMS, system.name ?? '') ?? null;
  const os = listed === 'iOS' || listed === 'macOS' ? appleSystem(userAgent, listed) : listed;
  // Bowser returns no device for some systems that exist only on desktops.
  const platformType = os === 'ChromeOS' ? 'desktop' : platform.type;
  return {
    crawler: null,
    browser,
    // The number of an app is not that of a browser.
    browserVersion: inApp === undefined ? versioned(browser, majorOf(found.version)) : null,
    os,
    osVersion: os === null ? null : versioned(os, systemVersion(userAgent, os)),
    device: os === 'iPadOS' ? 'tablet' : deviceOf(userAgent, platformType),
  };
}

function versioned(name: string | null, version: string | null): string | null {
  return name === null || version === null ? null : `${name} ${version}`;
}

/** Returns the major version; null if it is not the short number that browsers have. */
function majorOf(version: string | undefined): string | null {
  return /^[1-9]\d{0,2}(?=\.|$)/.exec(version ?? '')?.[0] ?? null;
}

/** Matches televisions and consoles, which have no device type here. Bowser mistakes some for tablets. */
const TELEVISION =
  /\b(Smart-?TV|GoogleTV|Android TV|BRAVIA|AFT[A-Z]|AppleTV|Web0S|Roku|CrKey|PlayStation|Xbox|Nintendo)\b|\bTV\b/i;

function deviceOf(userAgent: string, platform: string | undefined): Device | null {
  if (TELEVISION.test(userAgent)) return null;
  switch (platform) {
    case 'mobile':
      return 'phone';
    case 'tablet':
    case 'desktop':
      return platform;
    default:
      return null;
  }
}

/** Parses user agents, and caches the most recently used ones. */
export class Agents {
  readonly #read = memoize(MAX_CACHED_AGENTS, readAgent);

  of(userAgent: string): Agent {
    return this.#read(
      userAgent.length > USER_AGENT_MAX_CHARS ? userAgent.slice(0, USER_AGENT_MAX_CHARS) : userAgent,
    );
  }
}

/**
 * Viewport widths of iPads in CSS pixels, portrait and landscape. Their Safari claims to run on a Mac.
 * https://developer.apple.com/design/human-interface-guidelines/layout#Specifications, November 2026
 */
const IPAD_WIDTHS: readonly number[] = [
  744, 768, 810, 820, 834, 1024, 1032, 1080, 1112, 1133, 1180, 1194, 1210, 1366, 1376,
];
/** The width below which a device is a phone, if the user agent does not say. */
const TABLET_FROM_PX = 600;
/** The width from which a device is a desktop, if the user agent does not say. */
const DESKTOP_FROM_PX = 1024;

/**
 * Returns the agent of a page with the width of its window, which is more precise where the user agent says little: the device,
 * and whether a Mac is an iPad.
 */
export function withWidth(agent: HumanAgent, userAgent: string, width: number | null): HumanAgent {
  if (width === null) return agent;
  if (agent.os === 'macOS' && agent.browser === 'Safari' && IPAD_WIDTHS.includes(width)) {
    // Safari has had the version of the system for as long as iPadOS exists.
    const osVersion = agent.browserVersion?.replace('Safari', 'iPadOS') ?? null;
    return { ...agent, os: 'iPadOS', osVersion, device: 'tablet' };
  }
  if (agent.device !== null || TELEVISION.test(userAgent)) return agent;
  if (width < TABLET_FROM_PX) return { ...agent, device: 'phone' };
  return { ...agent, device: width < DESKTOP_FROM_PX ? 'tablet' : 'desktop' };
}
