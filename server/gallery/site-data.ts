import { spanOf } from '../src/app/reports/spans.ts';
import { readChoice } from '../src/dashboard/install/choice.ts';
import { LINES_MAX, type LiveLine } from '../src/dashboard/live/lines.ts';
import type { LiveData } from '../src/dashboard/live/view.tsx';
import type { NotCountedData } from '../src/dashboard/not-counted/view.tsx';
import type { InstallData } from '../src/dashboard/report/view.tsx';
import type { Overview } from '../src/dashboard/sites/overview.ts';
import type { SiteCard, SitesData } from '../src/dashboard/sites/view.tsx';
import type { WhoamiData } from '../src/dashboard/whoami/view.tsx';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { NO_MEASURES } from '../src/domain/measures.ts';
import { explanationOf } from '../src/domain/outcomes.ts';
import { LONG, NOW_MS, SITE } from './frames.ts';

/** Sample data for each state of the pages about sites. */

const CARD: SiteCard = {
  id: SITE.id,
  domain: SITE.domain,
  month: 21_180,
  period: {
    now: { ...NO_MEASURES, visitors: 8_140, pageviews: 17_420, events: 18_010 },
    before: { ...NO_MEASURES, visitors: 7_270, pageviews: 18_020, events: 18_400 },
  },
  days: Array.from({ length: 30 }, (_, i) => 400 + ((i * 137) % 350)),
  firstDayMs: NOW_MS - 29 * DAY_MS,
  lastEventAtMs: NOW_MS - 20_000,
  live: 7,
  refusedRecently: 174,
  quiet: false,
  isOwn: true,
};

const OVERVIEW: Overview = {
  span: spanOf(
    { range: '30d', from: null, to: null, interval: null },
    {
      zone: 'Europe/Berlin',
      nowMs: NOW_MS,
      createdAtMs: NOW_MS,
    },
  ),
  zone: 'Europe/Berlin',
  daysBefore: { firstDay: utcDay(NOW_MS) - 59, lastDay: utcDay(NOW_MS) - 30 },
  all: {
    now: { ...NO_MEASURES, visitors: 16_280, pageviews: 34_840, events: 36_020 },
    before: { ...NO_MEASURES, visitors: 14_540, pageviews: 36_040, events: 36_800 },
  },
  series: Array.from({ length: 30 }, (_, i) => ({ ...NO_MEASURES, visitors: 400 + ((i * 211) % 310) })),
  bySite: new Map(),
};

export const SITES: SitesData = {
  cards: [
    CARD,
    {
      ...CARD,
      id: 'site_quiet',
      domain: LONG,
      month: 95_000,
      live: 0,
      quiet: true,
      lastEventAtMs: NOW_MS - 13 * HOUR_MS,
      isOwn: false,
    },
    {
      ...CARD,
      id: 'site_new',
      period: { now: NO_MEASURES, before: null },
      domain: 'new.example',
      month: 0,
      days: Array.from({ length: 30 }, () => 0),
      live: 0,
      lastEventAtMs: null,
      refusedRecently: 0,
    },
  ],
  nowMs: NOW_MS,
  sites: 3,
  overview: OVERVIEW,
  range: '30d',
  problem: null,
  month: 21_180,
  allowance: 100_000,
  monthEndsDay: utcDay(NOW_MS) + 17,
  earlier: null,
  later: null,
};

const LINES: readonly Omit<LiveLine, 'atMs' | 'time' | 'group'>[] = [
  { what: 'view', kind: 'View', title: '/pricing', detail: 'from ChatGPT · Germany · Desktop' },
  { what: 'conversion', kind: 'Event', title: 'signup', detail: 'on /pricing · Germany · Desktop' },
  { what: 'refused', kind: 'Rejected', title: LONG, detail: 'Domain not allowed' },
  { what: 'bot', kind: 'Crawler', title: '/docs/start', detail: 'GPTBot · OpenAI' },
  { what: 'duplicate', kind: 'Duplicate', title: '/', detail: 'from Google · Phone' },
  { what: 'script', kind: 'Script', title: SITE.domain, detail: 'loaded the script · 12 times' },
];

export const HAPPENING: LiveData = {
  lines: LINES.map((line, i) => ({
    ...{ ...line, group: null },
    ...{ atMs: NOW_MS - i * MINUTE_MS, time: `14:${30 - i}:00` },
  })),
  linesMax: LINES_MAX,
  ...{ older: 'older', morePages: 3, isLive: true },
  visitors: 7,
  pages: [
    { path: '/pricing', visitors: 5 },
    { path: `/blog/${LONG}`, visitors: 2 },
  ],
  zone: 'Europe/Berlin',
  sinceId: 0,
};

const INTEGRITY = `sha384-${'A'.repeat(64)}`;

export const INSTALL: InstallData = {
  baseUrl: 'https://stats.example',
  tracker: {
    core: { path: 'a.js', pinned: { script: 'a.0123456789ab.js', integrity: INTEGRITY } },
    full: { path: 'a.full.js', pinned: { script: 'a.full.0123456789ab.js', integrity: INTEGRITY } },
    collect: null,
  },
  choice: readChoice(new URLSearchParams()),
  check: {
    ...{ siteId: SITE.id, domain: SITE.domain, sinceId: 0, mayConfigure: true, silentHost: SITE.domain },
    scriptUrl: 'https://stats.example/a.js',
    policy: 'script-src https://stats.example; connect-src https://stats.example',
  },
  missingKey: { events: 12, hosts: [SITE.domain] },
  allowed: null,
};

const REFUSALS = [
  { outcome: 'wrong-domain', host: LONG, field: '', canAllow: true, isAllowed: false },
  { outcome: 'wrong-domain', host: 'staging.notes.example', field: '', canAllow: false, isAllowed: true },
  { outcome: 'local-host', host: 'localhost', field: '', canAllow: true, isAllowed: false },
  { outcome: 'malformed', host: '', field: 'props.items', canAllow: false, isAllowed: false },
  { outcome: 'too-large', host: 'other', field: '', canAllow: false, isAllowed: false },
  { outcome: 'shortened', host: 'notes.example', field: '', canAllow: false, isAllowed: false },
];

export const NOT_COUNTED: NotCountedData = {
  days: 7,
  spans: [1, 7, 30, 90],
  nowMs: NOW_MS,
  fromMs: NOW_MS - 6 * DAY_MS,
  balance: {
    ...{ received: 6_897, accepted: 6_223, duplicate: 10, shortened: 12 },
    refused: { bot: 490, 'wrong-domain': 174 },
  },
  outage: { sinceMs: NOW_MS - HOUR_MS, events: 1_208 },
  silent: null,
  refused: REFUSALS.map(({ outcome, host, ...line }, i) => ({
    ...line,
    hosts: [host],
    reason: explanationOf(outcome),
    count: 162 - i * 25,
    firstAtMs: NOW_MS - 5 * DAY_MS,
    lastAtMs: NOW_MS - i * HOUR_MS,
  })),
  mayConfigure: true,
  allowed: 'staging.notes.example',
};

export const YOU: WhoamiData = {
  peerAddress: '10.0.0.2',
  client: { address: '192.0.2.7', isReadable: true, isFromProxy: true, header: 'x-forwarded-for' },
  forwarded: [{ name: 'x-forwarded-for', value: '198.51.100.9, 192.0.2.7' }],
  unreadable: 0,
  trusted: ['10.0.0.0/8'],
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  dryRun: { outcome: 'bot', entry: null },
};
