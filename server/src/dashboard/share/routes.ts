import { hash } from 'node:crypto';
import type { Attempt, RateLimit } from '../../app/rate-limiter.ts';
import { sharePasswordFits } from '../../app/shares.ts';
import { clientNetwork } from '../../domain/addresses.ts';
import { zoneOf } from '../../domain/calendar.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import { digestToken, sameText } from '../../domain/tokens.ts';
import type { Share, Site } from '../../store/contract/store.ts';
import { html, redirect } from '../kit/answers.ts';
import { CREDENTIAL_TEXT } from '../kit/error-text.ts';
import { type Answer, NotFound, type PageRequest, type Parts } from '../kit/parts.ts';
import { tooMany, waitOf } from '../kit/reauthenticate.ts';
import type { Router } from '../kit/router.ts';
import { loadMap } from '../map/data.ts';
import { linksOfMap } from '../map/view.tsx';
import { NO_ANNOTATIONS } from '../report/annotations.tsx';
import { rowsFile } from '../report/csv.ts';
import { loadReport, type SiteAsk } from '../report/data.ts';
import { loadDetails } from '../report/details-data.ts';
import { withTypedFilter } from '../report/filter-form.ts';
import { Links } from '../report/links.ts';
import { type Invalid, invalidReport } from '../report/problems.ts';
import { suggestionsPart } from '../report/suggestions.tsx';
import { loadSuggestions } from '../report/suggestions-data.ts';
import { CachedReports } from './cached-reports.ts';
import {
  invalidSharedReportPage,
  sharedDetailsPage,
  sharedMapPage,
  sharedReportPage,
  sharePasswordPage,
} from './view.tsx';

/** The limit of password attempts from one network, for all public links together. */
const ATTEMPTS_PER_NETWORK: RateLimit = { limit: 10, windowMs: 15 * MINUTE_MS };
/** The limit of wrong passwords for one link, from all networks together. */
const ATTEMPTS_PER_SHARE: RateLimit = { limit: 30, windowMs: 15 * MINUTE_MS };

/** Adds the pages of public links, each to the report of one site. */
export function sharePages(router: Router): void {
  const { parts } = router;
  const { clock } = parts;
  const { registry, reports } = parts.store;
  const cachedReports = new CachedReports(clock);

  const shareOf = async ({ params }: PageRequest): Promise<{ share: Share; site: Site; zone: string }> => {
    const share = await registry.shareByToken(digestToken(params.token ?? ''), clock.now());
    const site = share === null ? null : await registry.siteById(share.siteId);
    if (share === null || site === null) throw new NotFound();
    return { share, site, zone: zoneOf(site, await registry.accountById(site.accountId)) };
  };
  const isLocked = ({ unlocked }: PageRequest, share: Share) =>
    share.passwordHash !== null && !sameText(unlocked ?? '', proofOf(share));
  const baseOf = ({ params }: PageRequest) => `/share/${params.token}`;

  const askOf = (
    query: URLSearchParams,
    { share, site, zone }: { share: Share; site: Site; zone: string },
    signal: AbortSignal,
  ): SiteAsk => ({
    ...{ registry, reports: reports.askedBy({ asker: share.id, isPublicLink: true, signal }) },
    ...{ subject: site, zone, nowMs: clock.now(), query },
  });

  /** Says what is wrong with the URL. @throws any other error */
  const invalid = (
    error: unknown,
    request: PageRequest,
    { share, site: { domain } }: { share: Share; site: Site },
  ): Answer => {
    const { frame, query } = request;
    const page = (found: Invalid) => invalidSharedReportPage(frame, { domain, query, ...found });
    return framed(share, invalidReport(error, baseOf(request), page));
  };

  router.anyone('GET', '/share/:token', async (request): Promise<Answer> => {
    const { share, site, zone } = await shareOf(request);
    const base = baseOf(request);
    if (isLocked(request, share)) return html(sharePasswordPage(request.frame, { base, name: share.name }));
    const filtered = withTypedFilter(request.query);
    if (filtered !== null) return redirect(`${base}?${filtered}`);
    try {
      const { query } = request;
      const key = `${share.id}?${query}`;
      const data = await cachedReports.read(key, request.clientGone(), (signal) =>
        loadReport(askOf(query, { share, site, zone }, signal)),
      );
      const links = new Links(base, query);
      const page = sharedReportPage(request.frame, {
        ...{ data, links, livePath: null, apiUrl: null, goalsPath: null, annotations: NO_ANNOTATIONS },
        segments: null,
      });
      return framed(share, html(page));
    } catch (error) {
      return invalid(error, request, { share, site });
    }
  });

  router.anyone('GET', '/share/:token/details', async (request) => {
    const { share, site, zone } = await shareOf(request);
    const base = baseOf(request);
    if (isLocked(request, share)) return html(sharePasswordPage(request.frame, { base, name: share.name }));
    try {
      const { query } = request;
      const data = await loadDetails(askOf(query, { share, site, zone }, request.clientGone()));
      const page = sharedDetailsPage(request.frame, { query, data, links: new Links(base, query) });
      return framed(share, html(page));
    } catch (error) {
      return invalid(error, request, { share, site });
    }
  });

  router.anyone('GET', '/share/:token/rows.csv', async (request) => {
    const { share, site, zone } = await shareOf(request);
    if (isLocked(request, share)) throw new NotFound();
    try {
      return await rowsFile(askOf(request.query, { share, site, zone }, request.clientGone()));
    } catch (error) {
      return invalid(error, request, { share, site });
    }
  });

  router.anyone('GET', '/share/:token/suggestions', async (request) => {
    const { share, site, zone } = await shareOf(request);
    if (isLocked(request, share)) throw new NotFound();
    try {
      const ask = askOf(request.query, { share, site, zone }, request.clientGone());
      return framed(share, html(suggestionsPart(await loadSuggestions(ask))));
    } catch (error) {
      return invalid(error, request, { share, site });
    }
  });

  router.anyone('GET', '/share/:token/map', async (request): Promise<Answer> => {
    const { share, site, zone } = await shareOf(request);
    const base = baseOf(request);
    if (isLocked(request, share)) throw new NotFound();
    const { query, frame } = request;
    const filtered = withTypedFilter(query);
    if (filtered !== null) return redirect(`${base}/map?${filtered}`);
    try {
      const data = await loadMap(askOf(query, { share, site, zone }, request.clientGone()));
      const map = { data, ...linksOfMap(base, query) };
      return framed(share, html(sharedMapPage(frame, { domain: site.domain, query, ...map })));
    } catch (error) {
      return invalid(error, request, { share, site });
    }
  });

  router.anyone('POST', '/share/:token', async (request) => {
    const { share } = await shareOf(request);
    const base = baseOf(request);
    const again = (problem: string, status: number) =>
      html(sharePasswordPage(request.frame, { base, name: share.name, problem }), status);
    const wait = await throttleShareGuess(parts, request, share);
    if (wait > 0) return again(tooMany(wait), 429);
    if (!(await sharePasswordFits(share, request.form.get('password') ?? '')))
      return again(CREDENTIAL_TEXT.wrongPassword, 422);
    await parts.rateLimiter.reset(attemptAt(share));
    return { kind: 'redirect', to: base, unlock: proofOf(share) };
  });
}

/** Lets the hosts that the owner lists show a page of the link in a frame. */
function framed({ embedHosts }: Share, answer: Answer): Answer {
  return answer.kind === 'html' ? { ...answer, frameAncestors: embedHosts } : answer;
}

const attemptAt = ({ id }: Share): Attempt => ({ kind: 'share', of: id });

/** Counts an attempt by its network, and by its link unless the network has to wait. @returns the seconds to wait; 0 for none */
async function throttleShareGuess(
  { rateLimiter }: Parts,
  { clientAddress }: PageRequest,
  share: Share,
): Promise<number> {
  const network = { kind: 'share network', of: clientNetwork(clientAddress) };
  const wait = waitOf(await rateLimiter.tryConsume(network, ATTEMPTS_PER_NETWORK));
  return wait > 0 ? wait : waitOf(await rateLimiter.tryConsume(attemptAt(share), ATTEMPTS_PER_SHARE));
}

/** Returns the proof that a link's password was entered. Only the server can create it, because it alone has the hash. */
function proofOf({ id, passwordHash }: Share): string {
  return hash('sha256', `unlocked ${id} ${passwordHash}`, 'base64url');
}
