import { DAY_MS, utcDay } from '../../clock.ts';
import { balance } from '../../ledger.ts';
import { type LedgerLine, OTHER_HOST } from '../../store/store.ts';
import { may } from '../access.ts';
import { readHost, withHost } from '../hosts-form.ts';
import { reasonOf } from '../reasons.ts';
import { type UncountedLine, uncountedPage } from '../views/uncounted.tsx';
import type { Router } from './route.ts';
import { html } from './sign-in.ts';

const SPANS = [1, 7, 30, 90];
const DEFAULT_DAYS = 7;

/** What was received and not counted, why, and the button that changes it. */
export function uncountedPages(router: Router): void {
  const { store, clock } = router.parts;

  router.site('GET', '/dashboard/sites/:id/not-counted', 'look', async (visit) => {
    const { site, query, role } = visit;
    const asked = Number(query.get('days'));
    const days = SPANS.includes(asked) ? asked : DEFAULT_DAYS;
    const now = clock.now();
    const lastDay = utcDay(now);
    await store.events.flush();
    const lines = await store.events.ledger(site.id, { firstDay: lastDay - days + 1, lastDay });
    return html(
      uncountedPage(visit, {
        days,
        spans: SPANS,
        nowMs: now,
        fromMs: (lastDay - days + 1) * DAY_MS,
        balance: balance(lines),
        refused: grouped(lines, site.extraHosts),
        mayConfigure: may(role, 'configure'),
        allowed: query.get('allowed'),
      }),
    );
  });

  router.site('POST', '/dashboard/sites/:id/allow', 'configure', async ({ site, form }) => {
    const host = readHost(form.get('host') ?? '');
    const rules = host === null ? null : withHost(site, host);
    if (host !== null && rules !== null) await store.registry.setHostRules(site.id, rules);
    const base = `/dashboard/sites/${site.id}`;
    const back = form.get('back') === 'site' ? `${base}/install` : `${base}/not-counted`;
    return { kind: 'redirect', to: `${back}?allowed=${encodeURIComponent(host ?? '')}` };
  });
}

/** One line per reason and host, largest first. */
function grouped(lines: readonly LedgerLine[], allowed: readonly string[]): UncountedLine[] {
  const byWhat = new Map<string, UncountedLine>();
  for (const { outcome, host, count, firstAtMs, lastAtMs } of lines) {
    if (outcome === 'stored' || outcome === 'duplicate' || outcome === 'bot') continue;
    const id = `${outcome} ${host}`;
    const line = byWhat.get(id);
    if (line === undefined) {
      const reason = reasonOf(outcome);
      const canAllow = reason.allowable && host !== '' && host !== OTHER_HOST && !allowed.includes(host);
      byWhat.set(id, {
        reason,
        host,
        count,
        firstAtMs,
        lastAtMs,
        canAllow,
        isAllowed: allowed.includes(host),
      });
      continue;
    }
    line.count += count;
    line.firstAtMs = Math.min(line.firstAtMs, firstAtMs);
    line.lastAtMs = Math.max(line.lastAtMs, lastAtMs);
  }
  return [...byWhat.values()].sort((a, b) => b.count - a.count);
}
