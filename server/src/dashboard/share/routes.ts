import { hash } from 'node:crypto';
import type { RateLimit } from '../../app/rate-limiter.ts';
import { sharePasswordFits } from '../../app/shares.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { zoneOf } from '../../domain/calendar.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { digestToken, sameText } from '../../domain/tokens.ts';
import type { Share, Site } from '../../store/contract/store.ts';
import { html } from '../kit/answers.ts';
import { CREDENTIAL_TEXT } from '../kit/error-text.ts';
import { type Answer, NotFound, type PageRequest } from '../kit/parts.ts';
import { tooMany } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { rowsFile } from '../report/csv.ts';
import { loadReport } from '../report/data.ts';
import { withTypedFilter } from '../report/filters.ts';
import { Links } from '../report/links.ts';
import { sharedReportPage, sharePasswordPage } from './view.tsx';

/** The limit of password attempts from one network, for all public links together. */
const ATTEMPTS: RateLimit = { limit: 10, windowMs: 15 * MINUTE_MS };

/** Adds the pages of public links, each to the report of one site. */
export function sharePages(router: Router): void {
  const { parts } = router;
  const { clock } = parts;
  const { registry } = parts.store;

  const shareOf = async ({ params }: PageRequest): Promise<{ share: Share; site: Site; zone: string }> => {
    const share = await registry.shareByToken(digestToken(params.token ?? ''), clock.now());
    const site = share === null ? null : await registry.siteById(share.siteId);
    if (share === null || site === null) throw new NotFound();
    return { share, site, zone: zoneOf(site, await registry.accountById(site.accountId)) };
  };
  const isLocked = ({ unlocked }: PageRequest, share: Share) =>
    share.passwordHash !== null && !sameText(unlocked ?? '', proofOf(share));
  const baseOf = ({ params }: PageRequest) => `/share/${params.token}`;

  router.anyone('GET', '/share/:token', async (request): Promise<Answer> => {
    const { share, site, zone } = await shareOf(request);
    const base = baseOf(request);
    if (isLocked(request, share)) return html(sharePasswordPage(request.frame, { base, name: share.name }));
    const filtered = withTypedFilter(request.query);
    if (filtered !== null) return { kind: 'redirect', to: `${base}?${filtered}` };
    const data = await loadReport({
      ...{ registry, reports: request.reportsFor(share.id) },
      ...{ site, zone, nowMs: clock.now(), query: request.query },
    });
    return html(
      sharedReportPage(request.frame, {
        data,
        links: new Links(base, request.query),
        livePath: null,
        apiUrl: null,
      }),
    );
  });

  router.anyone('GET', '/share/:token/rows.csv', async (request) => {
    const { share, site, zone } = await shareOf(request);
    if (isLocked(request, share)) throw new NotFound();
    return rowsFile({
      ...{ registry, reports: request.reportsFor(share.id) },
      ...{ site, zone, nowMs: clock.now(), query: request.query },
    });
  });

  router.anyone('POST', '/share/:token', async (request) => {
    const { share } = await shareOf(request);
    const base = baseOf(request);
    const again = (problem: string, status: number) =>
      html(sharePasswordPage(request.frame, { base, name: share.name, problem }), status);
    const attempt = await parts.rateLimiter.tryConsume(
      `share ${clientNetwork(request.clientAddress)}`,
      ATTEMPTS,
    );
    if (!attempt.allowed) return again(tooMany(attempt.retryAfterSeconds), 429);
    if (!(await sharePasswordFits(share, request.form.get('password') ?? '')))
      return again(CREDENTIAL_TEXT.wrongPassword, 422);
    return { kind: 'redirect', to: base, unlock: proofOf(share) };
  });
}

/** Returns the proof that a link's password was entered. Only the server can create it, because it alone has the hash. */
function proofOf({ id, passwordHash }: Share): string {
  return hash('sha256', `unlocked ${id} ${passwordHash}`, 'base64url');
}
