import type { Channel } from '../../domain/channels.ts';
import type { BotEntry } from '../../store/contract/store.ts';

/** The data of the demo: a small maker of note-taking software, and its visitors. */

type Weighted<T> = readonly (readonly [T, number])[];

export const DAYS = 90;
/** The number of the launch day, counted from the first day. */
export const LAUNCH_DAY = 58;
/** The number of the day on which a deployment lost the tag for several hours. */
export const BROKEN_DAY = 76;
export const BROKEN_HOURS = { from: 9, to: 21 };

/** The relative number of visits by weekday, from Sunday. */
export const WEEKDAYS = [0.62, 1.15, 1.22, 1.2, 1.14, 1.02, 0.65];
/** The relative number of visits by hour of the day, UTC. */
export const HOURS = [1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 10, 9, 9, 11, 12, 12, 11, 9, 8, 8, 7, 5, 3, 2];

export interface Origin {
  source: string | null;
  channel: Channel;
  referrer: string | null;
  campaign: string | null;
}

const from = (
  source: string | null,
  channel: Channel,
  referrer: string | null,
  campaign: string | null = null,
): Origin => ({
  source,
  channel,
  referrer,
  campaign,
});

export const ORIGINS: Weighted<Origin> = [
  [from(null, 'direct', null), 34],
  [from('Google', 'search', 'www.google.com'), 30],
  [from('DuckDuckGo', 'search', 'duckduckgo.com'), 5],
  [from('Bing', 'search', 'www.bing.com'), 4],
  [from('GitHub', 'referral', 'github.com'), 5],
  [from('Reddit', 'social', 'www.reddit.com/r/selfhosted'), 3],
  [from('LinkedIn', 'social', 'www.linkedin.com'), 2],
  [from('newsletter', 'email', null, 'autumn-letter'), 4],
  [from('partner.example', 'campaign', null, 'bundle'), 2],
];
/** Sources whose visits grow from week to week. */
export const ASSISTANTS: Weighted<Origin> = [
  [from('ChatGPT', 'ai', 'chatgpt.com'), 10],
  [from('Claude', 'ai', 'claude.ai'), 6],
  [from('Perplexity', 'ai', 'www.perplexity.ai'), 4],
  [from('Gemini', 'ai', 'gemini.google.com'), 3],
];
export const LAUNCH_ORIGINS: Weighted<Origin> = [
  [from('Hacker News', 'social', 'news.ycombinator.com'), 8],
  [from('Product Hunt', 'referral', 'www.producthunt.com', 'launch'), 3],
];

export const ENTRIES: Weighted<string> = [
  ['/', 40],
  ['/blog/notes-that-stay-yours', 16],
  ['/pricing', 8],
  ['/docs/start', 10],
  ['/blog/plain-text-for-ten-years', 9],
  ['/features', 7],
  ['/compare/others', 6],
  ['/docs/import', 4],
];
export const NEXT: Weighted<string> = [
  ['/pricing', 22],
  ['/features', 18],
  ['/', 12],
  ['/docs/start', 16],
  ['/docs/import', 8],
  ['/download', 14],
  ['/blog', 6],
  ['/about', 4],
  ['/compare/others', 6],
];

export interface Device {
  device: string;
  browser: string;
  os: string;
  width: number;
}

const device = (kind: string, browser: string, os: string, width: number): Device => ({
  device: kind,
  browser,
  os,
  width,
});

export const DEVICES: Weighted<Device> = [
  [device('desktop', 'Chrome', 'Windows', 1536), 26],
  [device('desktop', 'Chrome', 'macOS', 1440), 14],
  [device('desktop', 'Safari', 'macOS', 1440), 10],
  [device('desktop', 'Firefox', 'Linux', 1920), 8],
  [device('desktop', 'Firefox', 'Windows', 1920), 5],
  [device('desktop', 'Edge', 'Windows', 1536), 7],
  [device('phone', 'Safari', 'iOS', 390), 16],
  [device('phone', 'Chrome', 'Android', 412), 14],
  [device('tablet', 'Safari', 'iPadOS', 820), 3],
];

export const COUNTRIES: Weighted<string> = [
  ['US', 28],
  ['DE', 16],
  ['GB', 10],
  ['FR', 7],
  ['IN', 8],
  ['NL', 5],
  ['CA', 5],
  ['PL', 4],
  ['BR', 4],
  ['JP', 3],
  ['SE', 3],
  ['AU', 3],
];

export type Crawler = Pick<BotEntry, 'bot' | 'company' | 'botClass'>;

const crawler = (bot: string, company: string, botClass: string): Crawler => ({ bot, company, botClass });

export const CRAWLERS: Weighted<Crawler> = [
  [crawler('GPTBot', 'OpenAI', 'ai-training'), 10],
  [crawler('OAI-SearchBot', 'OpenAI', 'ai-search'), 6],
  [crawler('ClaudeBot', 'Anthropic', 'ai-training'), 8],
  [crawler('PerplexityBot', 'Perplexity', 'ai-search'), 4],
  [crawler('Googlebot', 'Google', 'search'), 12],
  [crawler('Bingbot', 'Microsoft', 'search'), 6],
  [crawler('AhrefsBot', 'Ahrefs', 'seo'), 7],
];
