import { AI_VISITS } from '../src/app/reports/filters.ts';
import { Random } from '../src/commands/demo/random.ts';
import type { ReportAsk, SiteAsk } from '../src/dashboard/report/data.ts';
import { rollUpOf } from '../src/dashboard/report/subject.ts';
import type { Dimension } from '../src/domain/dimensions.ts';
import { readDomain } from '../src/domain/hosts.ts';
import type { Measures } from '../src/domain/measures.ts';
import type { Money } from '../src/domain/money.ts';
import { arePages } from '../src/domain/value-names.ts';
import { VITALS, type ViewFigures } from '../src/domain/vitals.ts';
import {
  type AskedReports,
  type BreakdownRow,
  type Goal,
  type NamedSite,
  type Site,
  sitesIn,
  type ViewsRow,
} from '../src/store/contract/store.ts';
import { NO_REPORTS, NOW_MS, SITE } from './frames.ts';

/** A report store that responds immediately, with figures generated from a seed. */

const VALUES: Readonly<Record<string, readonly (string | null)[]>> = {
  page: [
    '/',
    '/pricing',
    '/docs/start',
    `/blog/${'a-title-without-an-end-'.repeat(6)}`,
    '/features',
    '/download',
  ],
  host: ['notes.example', 'staging.notes.example'],
  source: [null, 'Google', 'ChatGPT', 'Claude', 'Perplexity', 'Hacker News', 'newsletter'],
  channel: ['direct', 'search', 'ai', 'social', 'email'],
  campaign: [null, 'autumn-letter', 'launch'],
  country: ['DE', 'US', 'GB', 'FR', 'IN', null, 'BR', 'SG', 'JP', 'ZA'],
  device: ['desktop', 'phone', 'tablet'],
  browser: ['Chrome', 'Safari', 'Firefox', 'Edge'],
  os: ['Windows', 'macOS', 'iOS', 'Android', 'Linux'],
  event: ['download', 'signup'],
  bot: ['GPTBot', 'Googlebot', 'ClaudeBot', 'PerplexityBot'],
};
const COMPANIES = ['OpenAI', 'Google', 'Anthropic', 'Perplexity'];
const GOALS: readonly Goal[] = [
  { id: 'goal_1', siteId: SITE.id, kind: 'event', pattern: 'signup' },
  { id: 'goal_2', siteId: SITE.id, kind: 'page', pattern: '/docs/start' },
];

const REVENUE: readonly Money[] = [
  { currency: 'EUR', amount: 29 },
  { currency: 'USD', amount: 310.5 },
];

/** Generates consistent sample figures for about this many visitors. */
function measuresAround(visitors: number, random: Random): Measures {
  const some = Math.round(visitors * (0.7 + 0.6 * random.next()));
  const pageviews = Math.round(some * 2.1);
  const conversions = Math.round(some * 0.09);
  return {
    visitors: some,
    visits: Math.round(some * 1.1),
    pageviews,
    events: pageviews + conversions,
    conversions,
    referrals: Math.round(some * 0.1),
    bounces: Math.round(some * 0.4),
    engagedMs: some * 74_000,
    botVisits: Math.round(some * 0.3),
  };
}

/** Generates sample figures for about this many views that ended. */
function viewsAround(views: number, random: Random): ViewFigures {
  const some = Math.round(views * (0.7 + 0.6 * random.next()));
  const vitals = VITALS.map(({ name, unit, poor }) => {
    const samples = Math.round(some * 0.9);
    const [good, bad] = [Math.round(samples * 0.7), Math.round(samples * 0.1)];
    const p75 = poor * (0.2 + 1.1 * random.next());
    const figures = { p75: unit === null ? p75 : Math.round(p75), samples };
    return [name, { ...figures, good, needsImprovement: samples - good - bad, poor: bad }];
  });
  return {
    ...{ views: some, scrolled: some, scrollSum: Math.round(some * (40 + 50 * random.next())) },
    vitals: Object.fromEntries(vitals) as ViewFigures['vitals'],
  };
}

/** Puts names of sites before pages, if there are several sites. */
function withSites<Row extends { value: string | null }>(
  rows: Row[],
  by: Dimension,
  sites: readonly NamedSite[] = [],
): Row[] {
  if (sites.length === 0 || !arePages(by)) return rows;
  return rows.map((row, i) => ({ ...row, value: `${sites[i % sites.length]?.name}${row.value}` }));
}

function madeUp(seed: number): AskedReports {
  const random = new Random(seed);
  const rowsOf = (by: Dimension, most: number): BreakdownRow[] => {
    const values = VALUES[by === 'entry' || by === 'exit' ? 'page' : by] ?? ['free', 'team', 'personal'];
    return values.map((value, i) => ({
      value,
      ...measuresAround(most / (i + 1), random),
      ...(by === 'bot' ? { company: COMPANIES[i] ?? null } : {}),
    }));
  };
  const viewRowsOf = (by: Dimension): ViewsRow[] =>
    (VALUES[by] ?? []).map((value, i) => ({ value, ...viewsAround(4_000 / (i + 1), random) }));
  return {
    totals: async () => measuresAround(11_300, random),
    series: async (_, boundariesMs) => boundariesMs.slice(1).map(() => measuresAround(400, random)),
    seriesBySite: async (of, boundariesMs) =>
      sitesIn(of).map((_, i) => boundariesMs.slice(1).map(() => measuresAround(400 / (i + 1), random))),
    breakdown: async ({ filters, sites }, by) => {
      // Fewer visitors reach a goal.
      const most = filters.some((filter) => filter.by === 'goal') ? 400 : 5_000;
      return {
        rows: filters.includes(AI_VISITS)
          ? rowsOf('source', most).slice(2, 5)
          : withSites(rowsOf(by, most), by, sites),
        nextCursor: by === 'page' ? 'more' : null,
      };
    },
    views: async ({ sites }, by) => ({
      rows:
        by === null ? [{ value: null, ...viewsAround(9_000, random) }] : withSites(viewRowsOf(by), by, sites),
      nextCursor: by === 'page' ? 'more' : null,
    }),
    revenue: async (_, boundariesMs) => boundariesMs.slice(1).map(() => [...REVENUE]),
    revenueBy: async (_, __, values) => values.map(() => [...REVENUE]),
    goals: async (_, goals) =>
      goals.map(({ kind }, i) => ({
        ...{ visitors: 620 - 90 * i, conversions: 655 - 90 * i },
        revenue: kind === 'event' ? [...REVENUE] : [],
      })),
    funnel: async (_, steps, by) => ({
      rows: (by === null ? [null] : (VALUES[by] ?? [])).map((value, i) => ({
        value,
        steps: steps.map((_step, no) => {
          const visitors = Math.round(4_200 / (i + 1) / 1.9 ** no);
          return { visitors, visits: Math.round(visitors * 1.04) };
        }),
      })),
      nextCursor: by === 'page' ? 'more' : null,
    }),
    journeys: async () =>
      [-3, -2, -1, 0, 1, 2, 3].map((step) => {
        const visits = Math.round(2_900 / (Math.abs(step) + 1));
        const rows = (VALUES.page ?? []).map((page, i) => ({
          page: page ?? '',
          visits: Math.round(visits / 2 ** (i + 1)),
        }));
        return { step, visits, pages: 23, rows };
      }),
    properties: async () => ['plan', 'yearly'].map((name) => ({ name, events: 120 })),
    eventsSince: async () => null,
    listActivity: async () => ({ items: [], nextCursor: null }),
    realtime: async () => ({ visitors: 7, pages: [{ path: '/', visitors: 7 }] }),
  };
}

/** Returns what the sample pages ask of a report. @param query the query string of its URL */
export function sampleAsk(query: string, isEmpty = false): SiteAsk {
  return {
    reports: isEmpty ? NO_REPORTS : madeUp(7),
    registry: { goalsOf: async () => (isEmpty ? [] : [...GOALS]) },
    subject: SITE,
    zone: 'Europe/Berlin',
    nowMs: NOW_MS,
    query: new URLSearchParams(query),
  };
}

/** The sites of the sample roll-up. */
export const ROLLED_UP: readonly Site[] = ['notes.example', 'shop.example', 'münchen.example'].map(
  (domain, i) => ({
    ...SITE,
    id: i === 0 ? SITE.id : `site_${i}`,
    domain: readDomain(domain) ?? domain,
  }),
);

/** Returns what the sample pages ask of a report over several sites. @param query the query string of its URL, without them */
export function sampleRollUp(query: string): ReportAsk {
  return { ...sampleAsk(query), subject: rollUpOf(ROLLED_UP) };
}
