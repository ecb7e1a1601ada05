import { LIVE_MS } from '../../app/live-feed.ts';
import { countMonthOfOwners, sitesSeenBy } from '../../app/sites.ts';
import { zoneOf } from '../../domain/calendar.ts';
import { DAY_MS, HOUR_MS, utcDay } from '../../domain/clock.ts';
import { ECHO_MAX_CHARS } from '../../domain/nearest.ts';
import { isRefused } from '../../domain/outcomes.ts';
import { billingMonth, PLANS } from '../../domain/plans.ts';
import type { AskedReports, Events, LedgerLine, Site } from '../../store/contract/store.ts';
import { html } from '../kit/answers.ts';
import { isolated } from '../kit/format.ts';
import type { Router } from '../kit/router.ts';
import { onlineOfEach } from '../report/subject.ts';
import { DEFAULT_OVERVIEW_RANGE, loadOverview, OVERVIEW_RANGES } from './overview.ts';
import { SITES_TEXT } from './text.ts';
import { type SiteCard, sitesPage } from './view.tsx';

const SPARK_DAYS = 30;
/** The number of days before today that must all be busy for missing events to cause a warning. */
const BUSY_DAYS = 7;
const BUSY_EVENTS_A_DAY = 20;
const QUIET_MS = 12 * HOUR_MS;
const SITES_PER_PAGE = 50;

/** Adds the page that lists all sites that the user can see. */
export function sitesPages(router: Router): void {
  const { parts } = router;
  const { registry } = parts.store;

  router.user('GET', '/dashboard', async ({ frame, user: { account }, query, reports }) => {
    const all = await sitesSeenBy({ registry }, account);
    const own = all.filter(({ accountId }) => accountId === account.id);
    if (all.length === 0) return { kind: 'redirect', to: '/dashboard/add-site' };
    const from = Math.max(0, Number.parseInt(query.get('from') ?? '0', 10) || 0);
    const shown = all.slice(from, from + SITES_PER_PAGE);
    const now = parts.clock.now();
    const asked = query.get('range');
    const isKnown = OVERVIEW_RANGES.some(({ id }) => id === asked);
    const range = asked !== null && isKnown ? asked : DEFAULT_OVERVIEW_RANGE;
    const [overview, counts, online] = await Promise.all([
      loadOverview(reports, all, { range, zone: zoneOf({ timeZone: null }, account), nowMs: now }),
      countMonthOfOwners(parts.store, all, now),
      onlineOfEach(reports, shown, { sinceMs: now - LIVE_MS, nowMs: now }),
    ]);
    const month = own.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
    const cards = await Promise.all(
      shown.map(async (site, i) => ({
        ...(await cardOf({ events: parts.store.events, reports }, site, now)),
        month: counts.get(site.id) ?? 0,
        live: online[i] ?? 0,
        period: overview?.bySite.get(site.id) ?? null,
        isOwn: site.accountId === account.id,
      })),
    );
    return html(
      sitesPage(frame, {
        cards,
        nowMs: now,
        sites: all.length,
        overview,
        range,
        problem:
          asked === null || isKnown
            ? null
            : SITES_TEXT.unknownRange(isolated(asked.slice(0, ECHO_MAX_CHARS))),
        month,
        allowance: PLANS[account.plan].eventsPerMonth,
        monthEndsDay: billingMonth(now, account.billingAnchorDay).lastDay,
        earlier: from > 0 ? Math.max(0, from - SITES_PER_PAGE) : null,
        later: from + SITES_PER_PAGE < all.length ? from + SITES_PER_PAGE : null,
      }),
      asked === null || isKnown ? 200 : 400,
    );
  });
}

async function cardOf(
  { events, reports }: { events: Pick<Events, 'ledger'>; reports: AskedReports },
  site: Site,
  nowMs: number,
): Promise<Omit<SiteCard, 'month' | 'live' | 'period' | 'isOwn'>> {
  const today = utcDay(nowMs);
  const lines = await events.ledger(site.id, { firstDay: today - SPARK_DAYS + 1, lastDay: today });
  const stored = lines.filter(({ outcome }) => outcome === 'stored');
  const refused = lines.filter(({ outcome }) => isRefused(outcome));
  const days = perDay(stored, today);
  const lastAtMs = stored.reduce((latest, line) => Math.max(latest, line.lastAtMs), 0);
  const lastEver = lastAtMs === 0 ? await lastEventAtMs(reports, site.id, nowMs) : lastAtMs;
  const before = days.slice(-BUSY_DAYS - 1, -1);
  const wasBusy = before.length === BUSY_DAYS && before.every((count) => count >= BUSY_EVENTS_A_DAY);
  return {
    id: site.id,
    domain: site.domain,
    days,
    firstDayMs: (today - SPARK_DAYS + 1) * DAY_MS,
    lastEventAtMs: lastEver,
    refusedRecently: refused
      .filter(({ day }) => day > today - BUSY_DAYS)
      .reduce((sum, line) => sum + line.count, 0),
    quiet: wasBusy && lastAtMs < nowMs - QUIET_MS,
  };
}

/** Returns the time of a site's last stored event; null if there is none. */
async function lastEventAtMs(reports: AskedReports, siteId: string, nowMs: number): Promise<number | null> {
  const ever = { siteId, fromMs: 0, toMs: nowMs + 1 };
  const { items } = await reports.listActivity(ever, { type: 'event', limit: 1 });
  return items[0]?.type === 'event' ? items[0].event.receivedAtMs : null;
}

function perDay(lines: readonly LedgerLine[], today: number): number[] {
  const days = new Array<number>(SPARK_DAYS).fill(0);
  for (const { day, count } of lines) {
    const at = day - (today - SPARK_DAYS + 1);
    days[at] = (days[at] ?? 0) + count;
  }
  return days;
}
