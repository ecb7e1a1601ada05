import { may } from '../../app/access.ts';
import { changeSaved, findSaved, mayChangeSaved, saveQuery } from '../../app/saved-queries.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { SavedQuery } from '../../store/contract/store.ts';
import { html, orAgain, redirect } from '../kit/answers.ts';
import { errorPage } from '../kit/error.tsx';
import { ERROR_TEXT, noPermission } from '../kit/error-text.ts';
import type { Answer, SitePageRequest, SiteRequest } from '../kit/parts.ts';
import type { Router } from '../kit/router.ts';
import { addressOf, loadSaved } from './data.ts';
import { pathOfPlace, readPlace, type SavedKind } from './kind.ts';
import type { TypedSaved } from './menu.tsx';
import { savedPage } from './view.tsx';

/** The longest query string of a page: Node.js refuses requests whose URL and headers together are longer. */
const PAGE_QUERY_MAX_CHARS = 16 * 1024;

/** Adds the page of the saved queries of one kind, and the forms that save and change them. */
export function savedPages(router: Router, kind: SavedKind): void {
  const { store, clock } = router.parts;
  const { registry } = store;
  const path = `/dashboard/sites/:id/${kind.path}`;
  const baseOf = ({ site }: SiteRequest) => `/dashboard/sites/${site.id}`;

  const pageOf = async (
    request: SitePageRequest,
    query: URLSearchParams,
    wrong: { problem: string; typed?: TypedSaved } | null,
  ): Promise<Answer> => {
    const data = await loadSaved(registry, request, kind, readPlace(query, kind));
    return html(savedPage(request, { ...data, ...wrong }), wrong === null ? 200 : 422);
  };

  /** @throws UseCaseError `SAVED_QUERY_NOT_FOUND` */
  const savedIn = ({ site, user, form }: SiteRequest): Promise<SavedQuery> => {
    const scope = { siteId: site.id, kind: kind.kind, accountId: user.account.id };
    return findSaved(registry, scope, form.get('id') ?? '');
  };

  router.site('GET', path, 'look', (request) => pageOf(request, request.query, null));

  router.site('POST', path, 'look', async (request) => {
    const { site, user, role, form } = request;
    const typed = {
      name: form.get(`${kind.kind}-name`) ?? '',
      isTeam: form.get(`${kind.kind}-for`) === 'team',
    };
    if (typed.isTeam && !may(role, 'configure')) return refused(request);
    const page = queryOf(request);
    if (page === null) return tooLong(request);
    const { place, query } = readPlace(page, kind);
    return orAgain(
      async () => {
        const accountId = typed.isTeam ? null : user.account.id;
        const scope = { siteId: site.id, kind: kind.kind, accountId };
        await saveQuery({ registry, clock }, scope, { name: typed.name, query });
        return redirect(addressOf(pathOfPlace(baseOf(request), place), query));
      },
      ({ message }) => pageOf(request, page, { problem: message, typed }),
    );
  });

  router.site('POST', `${path}/change`, 'look', async (request) => {
    const { role, form } = request;
    const saved = await savedIn(request);
    if (!mayChangeSaved(saved, role)) return refused(request);
    const page = queryOf(request);
    if (page === null) return tooLong(request);
    const { query } = readPlace(page, kind);
    return orAgain(
      async () => {
        const name = form.get('name');
        await changeSaved({ registry }, saved, {
          ...(name === null ? {} : { name }),
          ...(form.has('current') ? { query } : {}),
        });
        return redirect(addressOf(`${baseOf(request)}/${kind.path}`, page));
      },
      ({ message }) => pageOf(request, page, { problem: message }),
    );
  });

  router.site('POST', `${path}/remove`, 'look', async (request) => {
    const saved = await savedIn(request);
    if (!mayChangeSaved(saved, request.role)) return refused(request);
    const page = queryOf(request);
    if (page === null) return tooLong(request);
    await registry.removeSavedQuery(saved.siteId, saved.id);
    return redirect(addressOf(`${baseOf(request)}/${kind.path}`, page));
  });
}

/** Returns the parameters of the page that a form was sent from; null if no page can have so many. */
function queryOf({ form }: SiteRequest): URLSearchParams | null {
  const text = form.get('query') ?? '';
  return text.length > PAGE_QUERY_MAX_CHARS ? null : new URLSearchParams(text);
}

function tooLong({ frame }: SiteRequest): Answer {
  return html(errorPage(frame, ERROR_TEXT.unreadableForm), 413);
}

function refused({ frame, site }: SiteRequest): Answer {
  return html(errorPage(frame, noPermission(shownDomain(site.domain))), 403);
}
