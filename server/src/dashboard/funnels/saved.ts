import { dimensionLabel, filterDimension } from '../../domain/dimensions.ts';
import { parseStep } from '../../domain/funnel.ts';
import type { Registry } from '../../store/contract/store.ts';
import type { SiteRequest } from '../kit/parts.ts';
import type { Links } from '../report/links.ts';
import { loadSaved, type SavedData } from '../saved/data.ts';
import type { SavedKind } from '../saved/kind.ts';
import { stepName } from './steps.ts';
import { FUNNELS_TEXT, SAVED_FUNNELS_TEXT } from './text.ts';

/** Saved funnels: steps and a split under a name. Opening one keeps the period and the filters. */
export const SAVED_FUNNELS: SavedKind = {
  kind: 'funnel',
  path: 'saved-funnels',
  home: 'funnels',
  text: SAVED_FUNNELS_TEXT,
  describe(query, goals) {
    const steps = query.getAll('step').map((text, i) => {
      const step = parseStep(text);
      return `${i + 1}. ${typeof step === 'string' ? text : stepName(step, goals)}`;
    });
    const by = filterDimension(query.get('by') ?? '');
    return by === null ? steps : [...steps, `${FUNNELS_TEXT.split} ${dimensionLabel(by)}`];
  },
};

/** Loads the saved funnels for the “Funnels” page. @param links those of the page */
export function loadSavedFunnels(
  registry: Pick<Registry, 'savedQueriesOf' | 'goalsOf'>,
  request: SiteRequest,
  links: Links,
): Promise<SavedData> {
  const query = new URLSearchParams(links.query);
  return loadSaved(registry, request, SAVED_FUNNELS, { place: 'funnels', query });
}
