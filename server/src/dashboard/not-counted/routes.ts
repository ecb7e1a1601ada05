import { may } from '../../app/access.ts';
import { allowHost } from '../../app/host-rules.ts';
import { balance, readLedger } from '../../app/ledger.ts';
import { DAY_MS, utcDay } from '../../domain/clock.ts';
import { explanationOf, isAccepted, isHostClaimed } from '../../domain/outcomes.ts';
import { type LedgerLine, OTHER_HOST } from '../../store/contract/store.ts';
import { CHECK_WAIT_MS } from '../install/text.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { contextOf } from '../kit/context.ts';
import type { Answer, SitePageRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { notCountedPage, type RefusedLine } from './view.tsx';

const SPANS = [1, 7, 30, 90];
const DEFAULT_DAYS = 7;

/** Adds the page that shows why events were not counted, and how to count them. */
export function notCountedPages(router: Router): void {
  const { store, clock, feed } = router.parts;

  const page = async (request: SitePageRequest, problem?: string): Promise<Answer> => {
    const { site, query, role } = request;
    const asked = Number(query.get('days'));
    const days = SPANS.includes(asked) ? asked : DEFAULT_DAYS;
    const now = clock.now();
    const lastDay = utcDay(now);
    const lines = await readLedger(store.events, site.id, { firstDay: lastDay - days + 1, lastDay });
    return html(
      notCountedPage(request, {
        days,
        spans: SPANS,
        nowMs: now,
        fromMs: (lastDay - days + 1) * DAY_MS,
        balance: balance(lines),
        refused: grouped(lines, site.extraHosts),
        mayConfigure: may(role, 'configure'),
        outage: store.events.refusedInOutage(site.id),
        silent: feed.silentSince(site.id, now - CHECK_WAIT_MS),
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
        const host = await allowHost(contextOf(router.parts, request), site, form.get('host') ?? '');
        const back = form.get('back') === 'site' ? 'install' : 'not-counted';
        return redirect(`/dashboard/sites/${site.id}/${back}?allowed=${encodeURIComponent(host)}`);
      },
      ({ message }) => page(request, message),
    ),
  );
}

/** Groups refused events by reason, host and field, largest group first. Hosts that anyone can make up share a group. */
function grouped(lines: readonly LedgerLine[], allowed: readonly string[]): RefusedLine[] {
  const byWhat = new Map<string, RefusedLine & { hosts: string[] }>();
  for (const { outcome, host, field, count, firstAtMs, lastAtMs } of lines) {
    if (isAccepted(outcome)) continue;
    const id = isHostClaimed(outcome) ? outcome : `${outcome} ${host} ${field}`;
    const line = byWhat.get(id);
    if (line === undefined) {
      const reason = explanationOf(outcome);
      const canAllow = reason.allowable && host !== '' && host !== OTHER_HOST && !allowed.includes(host);
      byWhat.set(id, {
        reason,
        hosts: [host],
        field,
        count,
        firstAtMs,
        lastAtMs,
        canAllow,
        isAllowed: reason.allowable && allowed.includes(host),
      });
      continue;
    }
    if (!line.hosts.includes(host)) line.hosts.push(host);
    line.count += count;
    line.firstAtMs = Math.min(line.firstAtMs, firstAtMs);
    line.lastAtMs = Math.max(line.lastAtMs, lastAtMs);
  }
  return [...byWhat.values()].sort((a, b) => b.count - a.count);
}
