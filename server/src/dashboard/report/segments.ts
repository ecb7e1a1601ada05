import { filterTexts } from '../../app/saved-queries.ts';
import { parseFilter } from '../../domain/filters.ts';
import type { Registry } from '../../store/contract/store.ts';
import type { SiteRequest } from '../kit/parts.ts';
import { loadSaved, type SavedData } from '../saved/data.ts';
import type { SavedKind, SavedPlace } from '../saved/kind.ts';
import { filterName } from './filter-name.ts';
import { withFilters } from './filters.ts';
import type { Links } from './links.ts';
import { SEGMENTS_TEXT } from './text.ts';

/**
 * Segments: filters under a name. Opening one puts its filters into the URL, so that a link works for people who do not see the
 * segment, and goes on to mean the same after it was changed.
 */
export const SEGMENTS: SavedKind = {
  kind: 'segment',
  path: 'segments',
  home: 'report',
  text: SEGMENTS_TEXT,
  describe: (query, goals) =>
    filterTexts(query).map((text) => {
      const filter = parseFilter(text);
      return typeof filter === 'string' ? text : filterName(filter, goals);
    }),
};

/** Loads the segments for the menu of a page. @param links those of the page */
export function loadSegments(
  registry: Pick<Registry, 'savedQueriesOf' | 'goalsOf'>,
  request: SiteRequest,
  links: Links,
  place: SavedPlace,
): Promise<SavedData> {
  // Filters as old links write them are not those of a segment.
  const query = withFilters(new URLSearchParams(links.query), links.filters);
  return loadSaved(registry, request, SEGMENTS, { place, query });
}
