import type { Assets } from '../src/dashboard/kit/assets.ts';
import type { Frame, SitePageRequest } from '../src/dashboard/kit/parts.ts';
import { DAY_MS } from '../src/domain/clock.ts';
import { NO_MEASURES } from '../src/domain/measures.ts';
import {
  type Account,
  type AskedReports,
  type Session,
  type Site,
  sitesIn,
} from '../src/store/contract/store.ts';

/** The sample user and site. The clock stands still. */

export const NOW_MS = Date.UTC(2026, 4, 14, 12, 30);

export const ACCOUNT: Account = {
  id: 'acc_sample',
  email: 'ada@notes.example',
  plan: 'free',
  billingAnchorDay: 1,
  timeZone: 'Europe/Berlin',
  createdAtMs: NOW_MS - 200 * DAY_MS,
};

export const SESSION: Session = {
  id: 'ses_sample',
  accountId: ACCOUNT.id,
  label: 'Firefox on Linux',
  createdAtMs: NOW_MS - 3 * DAY_MS,
  lastSeenAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 30 * DAY_MS,
};

export const SITE: Site = {
  id: 'site_sample',
  accountId: ACCOUNT.id,
  domain: 'notes.example',
  key: 'ak_gpMqLEH2l0RINhc842Xc0U',
  allowSubdomains: false,
  extraHosts: ['staging.notes.example'],
  retentionDays: null,
  timeZone: null,
  mergeTrailingSlashes: false,
  exclusions: { pages: ['/admin/*'], countries: [] },
  createdAtMs: NOW_MS - 90 * DAY_MS,
};

/** The reports of a site without events. */
export const NO_REPORTS: AskedReports = {
  totals: async () => NO_MEASURES,
  series: async (_, boundariesMs) => boundariesMs.slice(1).map(() => NO_MEASURES),
  seriesBySite: async (of, boundariesMs) =>
    sitesIn(of).map(() => boundariesMs.slice(1).map(() => NO_MEASURES)),
  breakdown: async () => ({ rows: [], nextCursor: null }),
  views: async () => ({ rows: [], nextCursor: null }),
  revenue: async (_, boundariesMs) => boundariesMs.slice(1).map(() => []),
  revenueBy: async (_, __, values) => values.map(() => []),
  goals: async () => [],
  funnel: async (_, steps, by) => ({
    rows: by === null ? [{ value: null, steps: steps.map(() => ({ visitors: 0, visits: 0 })) }] : [],
    nextCursor: null,
  }),
  journeys: async () => [-3, -2, -1, 0, 1, 2, 3].map((step) => ({ step, visits: 0, pages: 0, rows: [] })),
  properties: async () => [],
  eventsSince: async () => null,
  listActivity: async () => ({ items: [], nextCursor: null }),
  realtime: async () => ({ visitors: 0, pages: [] }),
};

/** A domain name that is far too long. */
export const LONG = `${'a-very-long-name-that-nobody-would-choose-'.repeat(4)}.example`;

/** What pages load. */
export type PageAssets = Omit<Assets, 'files'>;

export function frameOf(assets: PageAssets, path: string, email: string | null): Frame {
  return {
    style: assets.style,
    script: assets.script,
    marks: assets.marks,
    email,
    csrf: 'sample',
    path,
    basePath: '',
    command: 'attractos',
  };
}

export function visitOf(assets: PageAssets, site: Site = SITE): SitePageRequest {
  const path = `/dashboard/sites/${site.id}`;
  return {
    address: path,
    params: { id: site.id },
    query: new URLSearchParams(),
    form: new URLSearchParams(),
    client: { address: '192.0.2.7', isReadable: true, isFromProxy: false, header: null },
    clientAddress: '192.0.2.7',
    peerAddress: '192.0.2.7',
    userAgent: 'Mozilla/5.0',
    visitor: null,
    baseUrl: 'https://stats.example',
    headers: {},
    ...{ unlocked: null, device: null },
    user: { account: ACCOUNT, session: SESSION },
    frame: frameOf(assets, path, ACCOUNT.email),
    site,
    role: 'owner',
    sites: [site, { id: 'site_other', domain: 'shop.example' }, { id: 'site_long', domain: LONG }],
    reports: NO_REPORTS,
    clientGone: () => new AbortController().signal,
  };
}
