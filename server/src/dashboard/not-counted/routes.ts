import { may } from '../../app/access.ts';
import { allowHost } from '../../app/host-rules.ts';
import { balance } from '../../app/ledger.ts';
import { DAY_MS, utcDay } from '../../domain/clock.ts';
import { explanationOf, isAccepted } from '../../domain/outcomes.ts';
import { type LedgerLine, OTHER_HOST } from '../../store/contract/store.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { type Answer, contextOf, type SiteRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { notCountedPage, type RefusedLine } from './view.tsx';

const SPANS = [1, 7, 30, 90];
const DEFAULT_DAYS = 7;

/** Adds the page that shows why events were not counted, and how to count them. */
export function notCountedPages(router: Router): void {
  const { store, clock } = router.parts;

  const page = async (request: SiteRequest, problem?: string): Promise<Answer> => {
    const { site, query, role } = request;
    const asked = Number(query.get('days'));
    const days = SPANS.includes(asked) ? asked : DEFAULT_DAYS;
    const now = clock.now();
    const lastDay = utcDay(now);
    await store.events.flush();
    const lines = await store.events.ledger(site.id, { firstDay: lastDay - days + 1, lastDay });
    return html(
      notCountedPage(request, {
        days,
        spans: SPANS,
        nowMs: now,
        fromMs: (lastDay - days + 1) * DAY_MS,
        balance: balance(lines),
        refused: grouped(lines, site.extraHosts),
        mayConfigure: may(role, 'configure'),
        allowed: query.get('allowed'),
        ...(problem === undefined ? {} : { problem }),
      }),
      problem === undefined ? 200 : 422,
    );
  };

  router.site('GET', '/dashboard/sites/:id/not-counted', 'look', async (request) => page(request));

  router.site('POST', '/dashboard/sites/:id/allow', 'configure', async (request) =>
    orAgain(
      async () => {
        const { site, form } = request;
        const host = await allowHost(contextOf(router.parts), site, form.get('host') ?? '');
        const back = form.get('back') === 'site' ? 'install' : 'not-counted';
        return redirect(`/dashboard/sites/${site.id}/${back}?allowed=${encodeURIComponent(host)}`);
      },
      ({ message }) => page(request, message),
    ),
  );
}

/** Groups refused events by reason and host, largest group first. */
function grouped(lines: readonly LedgerLine[], allowed: readonly string[]): RefusedLine[] {
  const byWhat = new Map<string, RefusedLine>();
  for (const { outcome, host, count, firstAtMs, lastAtMs } of lines) {
    if (isAccepted(outcome)) continue;
    const id = `${outcome} ${host}`;
    const line = byWhat.get(id);
    if (line === undefined) {
      const reason = explanationOf(outcome);
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
