import { hash } from 'node:crypto';
import { zoneOf } from '../../calendar.ts';
import { verifyPassword } from '../../passwords.ts';
import type { Share, Site } from '../../store/store.ts';
import { digestToken, sameText } from '../../tokens.ts';
import { type Answer, NotFound, type Visit } from '../parts.ts';
import { rowsFile } from '../report/csv.ts';
import { loadReport } from '../report/data.ts';
import { withTypedFilter } from '../report/filters.ts';
import { Links } from '../report/links.ts';
import { sharedReportPage, sharePasswordPage } from '../views/share.tsx';
import type { Router } from './route.ts';
import { html, tooMany } from './sign-in.ts';

/** Guesses at the password of a link per quarter of an hour, from one address. */
const ATTEMPTS = 10;

/** A public link: the report of one site, and nothing else of it. */
export function sharePages(router: Router): void {
  const { parts } = router;
  const { store, clock } = parts;
  const { registry } = store;

  const shareOf = async ({ params }: Visit): Promise<{ share: Share; site: Site; zone: string }> => {
    const share = await registry.shareByToken(digestToken(params.token ?? ''), clock.now());
    const site = share === null ? null : await registry.siteById(share.siteId);
    if (share === null || site === null) throw new NotFound();
    return { share, site, zone: zoneOf(site, await registry.accountById(site.accountId)) };
  };
  const isLocked = ({ unlocked }: Visit, share: Share) =>
    share.passwordHash !== null && !sameText(unlocked ?? '', proofOf(share));
  const baseOf = ({ params }: Visit) => `/share/${params.token}`;

  router.anyone('GET', '/share/:token', async (visit): Promise<Answer> => {
    const { share, site, zone } = await shareOf(visit);
    const base = baseOf(visit);
    if (isLocked(visit, share)) return html(sharePasswordPage(visit.frame, { base, name: share.name }));
    const filtered = withTypedFilter(visit.query);
    if (filtered !== null) return { kind: 'redirect', to: `${base}?${filtered}` };
    const data = await loadReport({ store, site, zone, nowMs: clock.now(), query: visit.query });
    return html(
      sharedReportPage(visit.frame, {
        data,
        links: new Links(base, visit.query),
        livePath: null,
        apiUrl: null,
      }),
    );
  });

  router.anyone('GET', '/share/:token/rows.csv', async (visit) => {
    const { share, site, zone } = await shareOf(visit);
    if (isLocked(visit, share)) throw new NotFound();
    return rowsFile({ store, site, zone, nowMs: clock.now(), query: visit.query });
  });

  router.anyone('POST', '/share/:token', async (visit) => {
    const { share } = await shareOf(visit);
    const base = baseOf(visit);
    const again = (problem: string, status: number) =>
      html(sharePasswordPage(visit.frame, { base, name: share.name, problem }), status);
    const wait = await parts.throttle.take(`share ${visit.clientAddress}`, ATTEMPTS);
    if (wait > 0) return again(tooMany(wait), 429);
    const typed = (visit.form.get('password') ?? '').slice(0, 200);
    if (share.passwordHash !== null && !(await verifyPassword(typed, share.passwordHash)))
      return again('This is not the password.', 422);
    return { kind: 'redirect', to: base, unlock: proofOf(share) };
  });
}

/** What only somebody can hold who knew the password: its hash is in no page and no address. */
function proofOf({ id, passwordHash }: Share): string {
  return hash('sha256', `unlocked ${id} ${passwordHash}`, 'base64url');
}
