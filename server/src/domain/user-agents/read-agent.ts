import Bowser from 'bowser';
import { isbot } from 'isbot';
import { memoize } from '../memoize.ts';
import { ownValue } from '../own-value.ts';
import { CRAWLERS, type Crawler } from './bots.ts';
import { BROWSERS, SYSTEMS } from './browsers.ts';
import { IN_APP_BROWSERS } from './in-app-browsers.ts';

/** What a user agent reveals. Every name is from a list, never from the user agent itself. */
export type Agent = { crawler: Crawler } | HumanAgent;

/** The user agent of a person. */
export interface HumanAgent {
  crawler: null;
  browser: string | null;
  os: string | null;
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

/** Parses a user agent. An empty one counts as a crawler. */
export function readAgent(whole: string): Agent {
  if (whole === '') return NO_USER_AGENT;
  const userAgent = whole.slice(0, USER_AGENT_MAX_CHARS);
  if (isbot(userAgent)) {
    const lowerCase = userAgent.toLowerCase();
    return {
      crawler: LISTED_CRAWLERS.find(({ word }) => lowerCase.includes(word))?.crawler ?? OTHER_BOT,
    };
  }
  const { browser, os, platform } = Bowser.parse(userAgent);
  return {
    crawler: null,
    browser:
      IN_APP_BROWSERS.find(({ pattern }) => pattern.test(userAgent))?.name ??
      ownValue(BROWSERS, browser.name ?? '') ??
      null,
    os: ownValue(SYSTEMS, os.name ?? '') ?? null,
    // Bowser returns no device for some systems that exist only on desktops.
    device: deviceOf(userAgent, os.name === 'Chrome OS' ? 'desktop' : platform.type),
  };
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

/** Removes version numbers from a user agent, so that a browser update does not make a new visitor. */
function familyOf(userAgent: string): string {
  return userAgent.replace(/[\d._]+/g, '');
}

/** What a user agent reveals, and its family: the user agent without version numbers. */
export type KnownAgent = Agent & { family: string };

/** Parses user agents, and caches the most recently used ones. */
export class Agents {
  readonly #read = memoize(MAX_CACHED_AGENTS, read);

  of(userAgent: string): KnownAgent {
    return this.#read(
      userAgent.length > USER_AGENT_MAX_CHARS ? userAgent.slice(0, USER_AGENT_MAX_CHARS) : userAgent,
    );
  }
}

function read(userAgent: string): KnownAgent {
  return { ...readAgent(userAgent), family: familyOf(userAgent) };
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

/** Returns the device type from the user agent, or from the viewport width if that is more precise. */
export function deviceClass(
  agent: { browser: string | null; os: string | null; device: Device | null },
  userAgent: string,
  width: number | null,
): Device | null {
  if (agent.os === 'macOS' && agent.browser === 'Safari' && width !== null && IPAD_WIDTHS.includes(width))
    return 'tablet';
  if (agent.device !== null || width === null || TELEVISION.test(userAgent)) return agent.device;
  if (width < TABLET_FROM_PX) return 'phone';
  return width < DESKTOP_FROM_PX ? 'tablet' : 'desktop';
}
