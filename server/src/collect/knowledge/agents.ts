import Bowser from 'bowser';
import { isbot } from 'isbot';
import { entryOf } from '../../entry-of.ts';
import { CRAWLERS, type Crawler } from '../lists/bots.ts';
import { BROWSERS, SYSTEMS } from '../lists/browsers.ts';
import { IN_APP_BROWSERS } from '../lists/in-app-browsers.ts';
import { Memo } from './memo.ts';

/** What a user agent tells. Nothing of its own words is in here: every name is from a list. */
export type Agent = { crawler: Crawler } | Person;

/** A person's. */
export interface Person {
  crawler: null;
  browser: string | null;
  os: string | null;
  device: Device | null;
}

export type Device = 'phone' | 'tablet' | 'desktop';

/** Longer user agents are nobody's; cut before patterns run over them. */
const USER_AGENT_MAX_CHARS = 512;
/** Different user agents remembered, in memory only: reading one costs as much as a commit. */
const AGENTS_HELD = 2_000;

const NO_USER_AGENT: Agent = { crawler: { name: 'no user agent', company: null, botClass: 'other' } };
const OTHER_BOT: Crawler = { name: 'other', company: null, botClass: 'other' };

const LISTED_CRAWLERS = CRAWLERS.map((crawler) => ({ crawler, word: crawler.name.toLowerCase() }));

/** Reads a user agent. An empty one is no person's. */
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
      entryOf(BROWSERS, browser.name ?? '') ??
      null,
    os: entryOf(SYSTEMS, os.name ?? '') ?? null,
    // Bowser names no device for some systems that are on desktops only.
    device: deviceOf(userAgent, os.name === 'Chrome OS' ? 'desktop' : platform.type),
  };
}

/** Televisions and consoles are none of ours; Bowser takes some for tablets. */
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

/** A user agent without its version numbers, so that an update overnight does not make a new visitor. */
function familyOf(userAgent: string): string {
  return userAgent.replace(/[\d._]+/g, '');
}

/** What a user agent tells, and what it is without the numbers that change with every version. */
export type KnownAgent = Agent & { family: string };

/** Reads user agents, and remembers those that came lately. */
export class Agents {
  readonly #known = new Memo(AGENTS_HELD, read);

  of(userAgent: string): KnownAgent {
    return this.#known.of(
      userAgent.length > USER_AGENT_MAX_CHARS ? userAgent.slice(0, USER_AGENT_MAX_CHARS) : userAgent,
    );
  }
}

function read(userAgent: string): KnownAgent {
  return { ...readAgent(userAgent), family: familyOf(userAgent) };
}

/**
 * Viewport widths of iPads, whose Safari says it runs on a Mac. Portrait and landscape, CSS pixels.
 * https://developer.apple.com/design/human-interface-guidelines/layout#Specifications, November 2026
 */
const IPAD_WIDTHS: readonly number[] = [
  744, 768, 810, 820, 834, 1024, 1032, 1080, 1112, 1133, 1180, 1194, 1210, 1366, 1376,
];
/** Narrower than this is a phone, narrower than the next a tablet, where the user agent says nothing. */
const TABLET_FROM_PX = 600;
const DESKTOP_FROM_PX = 1024;

/** The class of a device by its user agent, and by the width of its viewport where that says more. */
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
