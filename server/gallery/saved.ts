import { SAVED_FUNNELS } from '../src/dashboard/funnels/saved.ts';
import { SEGMENTS } from '../src/dashboard/report/segments.ts';
import { loadSaved } from '../src/dashboard/saved/data.ts';
import type { SavedKind } from '../src/dashboard/saved/kind.ts';
import { savedPage } from '../src/dashboard/saved/view.tsx';
import type { Goal, SavedQuery } from '../src/store/contract/store.ts';
import { ACCOUNT, LONG, NOW_MS, type PageAssets, SITE, visitOf } from './frames.ts';
import { sampleAsk } from './report.ts';

/** Segments and saved funnels: of the team and of the sample user, and one that cannot be used any more. */

const SAVED: readonly SavedQuery[] = [
  ['segment', null, 'German-speaking countries', 'f=country:DE|AT|CH'],
  ['segment', null, LONG, `f=~page:${LONG}&f=!source:Google`],
  ['segment', ACCOUNT.id, 'Phones from ads', 'f=device:phone&f=channel:ads'],
  ['segment', ACCOUNT.id, 'Reached the old goal', 'f=goal:goal_deleted'],
  ['funnel', null, 'From pricing to checkout', 'step=page:/pricing*&step=event:checkout&by=country'],
  ['funnel', ACCOUNT.id, LONG, `step=page:/${LONG}&step=goal:goal_1`],
  ['funnel', ACCOUNT.id, 'To the old goal', 'step=page:/&step=goal:goal_deleted'],
].map(([kind, accountId, name, query], i) => ({
  ...{ id: `${kind}_${i}`, siteId: SITE.id, kind: kind === 'funnel' ? 'funnel' : 'segment' },
  ...{ accountId: accountId ?? null, name: String(name), query: String(query), createdAtMs: NOW_MS },
}));

/** A registry with the saved queries. */
export const SAVED_REGISTRY = {
  savedQueriesOf: async (_: string, kind: string): Promise<SavedQuery[]> =>
    SAVED.filter((saved) => saved.kind === kind),
  goalsOf: (siteId: string): Promise<Goal[]> => sampleAsk('').registry.goalsOf(siteId),
};

/** A registry without any. */
const EMPTY = { ...SAVED_REGISTRY, savedQueriesOf: async () => [] };

export async function savedSamples(assets: PageAssets): Promise<[string, string][]> {
  const request = visitOf(assets);
  const pageOf = async (
    kind: SavedKind,
    query: string,
    { registry = SAVED_REGISTRY, role = request.role, wrong = {} } = {},
  ) => {
    const page = { place: kind.home, query: new URLSearchParams(query) };
    return savedPage(request, { ...(await loadSaved(registry, { ...request, role }, kind, page)), ...wrong });
  };
  const wrong = {
    problem: `The team already has a segment with the name “${LONG}”.`,
    typed: { name: LONG, isTeam: true },
  };
  return [
    ['segments', await pageOf(SEGMENTS, 'range=7d&f=country:DE')],
    ['segments-viewer', await pageOf(SEGMENTS, 'f=device:phone&f=channel:ads', { role: 'viewer' })],
    ['segments-problem', await pageOf(SEGMENTS, 'f=browser:Firefox', { wrong })],
    ['saved-funnels', await pageOf(SAVED_FUNNELS, 'step=page:/&step=event:signup')],
    ['segments-nothing', await pageOf(SEGMENTS, '', { registry: EMPTY })],
  ];
}
