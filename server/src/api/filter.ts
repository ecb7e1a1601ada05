import { Type } from 'typebox';
import { goalsOf } from '../app/goals.ts';
import { toFilter } from '../app/reports/filters.ts';
import { filtersOfSegment } from '../app/saved-queries.ts';
import {
  type Dimension,
  dimensionOf,
  EVENT_DIMENSIONS,
  type FilterDimension,
  filterDimension,
  PROP_NAME_MAX_CHARS,
} from '../domain/dimensions.ts';
import { ApiError } from '../domain/errors.ts';
import { FILTER_MAX_CHARS, FILTERS_MAX, parseFilter } from '../domain/filters.ts';
import { ECHO_MAX_CHARS } from '../domain/nearest.ts';
import type { Filter } from '../store/contract/store.ts';
import type { SiteRequestContext } from './endpoint.ts';

/** The query parameters that group and filter reports. */

/** The longest text that is looked up as the ID of a segment. */
const SEGMENT_ID_MAX_CHARS = 100;

const SPLITTABLE = [...EVENT_DIMENSIONS, 'bot'] as const;

const FilterQuery = Type.Optional(
  Type.Array(Type.String({ maxLength: FILTER_MAX_CHARS }), {
    maxItems: FILTERS_MAX,
    description: `Keeps only matching data, such as country:DE|AT, !page:/admin, ~page:blog or prop:plan:pro. Repeat it up to ${FILTERS_MAX} times; all filters must match. A leading "!" negates; "~" (after it) matches values that contain the text, or whose name does (German finds DE), ignoring case; "|" means or. An empty value means unknown, and \\0 the empty text; a backslash escapes the next character. Pages and hosts can be written as people read them (/café, münchen.de) or as they are stored, countries, languages and channels by code or name, and these, devices, screens, utm_source and utm_medium in any case; "~" finds letters beyond ASCII in hosts as whole labels only. Dimensions: ${EVENT_DIMENSIONS.join(', ')}, prop:NAME, and goal for the events that reach a goal, by its ID, name or path.`,
    examples: [['country:DE|AT', '!page:/admin', '~page:blog']],
  }),
);

const SegmentQuery = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: SEGMENT_ID_MAX_CHARS,
    description:
      'ID of a segment of the site’s team, from the list of segments. Keeps only data that matches its filters, in addition to those of filter.',
    examples: ['segment_abc123'],
  }),
);

/** The parameters that filter a report. */
export const FilterQueries = { filter: FilterQuery, segment: SegmentQuery };

const byQuery = (names: readonly string[]) =>
  Type.String({
    pattern: `^(${names.join('|')}|prop:[\\s\\S]{1,${PROP_NAME_MAX_CHARS}})$`,
    description: `Dimension to group by: ${names.join(', ')} or prop:NAME for the values of an event property.`,
    examples: [...names, 'prop:plan'],
  });

export const ByQuery = byQuery(SPLITTABLE);
/** The dimensions of people's visits and events. */
export const EventByQuery = byQuery(EVENT_DIMENSIONS);

/** Converts a dimension that `ByQuery` has accepted. */
export function readDimension(by: string): Dimension {
  return accepted(by, dimensionOf(by));
}

/** Converts a dimension that `EventByQuery` has accepted. */
export function readEventDimension(by: string): FilterDimension {
  return accepted(by, filterDimension(by));
}

function accepted<Known extends Dimension>(by: string, dimension: Known | null): Known {
  if (dimension === null) throw new ApiError('INVALID_QUERY', { detail: `by is invalid; got "${by}".` });
  return dimension;
}

/** Reads the filters of a query, and those of its segment. @throws ApiError INVALID_QUERY if one is invalid */
export async function readFilters(
  context: Pick<SiteRequestContext, 'store' | 'site'>,
  { filter = [], segment }: { filter?: readonly string[] | undefined; segment?: string | undefined },
): Promise<Filter[]> {
  const typed = await readTexts(context, filter);
  return segment === undefined ? typed : [...typed, ...(await readSegment(context, segment))];
}

async function readSegment(
  { store: { registry }, site }: Pick<SiteRequestContext, 'store' | 'site'>,
  id: string,
): Promise<Filter[]> {
  const segments = await registry.savedQueriesOf(site.id, 'segment', null);
  const segment = segments.find((each) => each.id === id);
  if (segment === undefined)
    throw new ApiError('INVALID_QUERY', {
      detail: `segment must be the ID of a segment of the site’s team; got "${id.slice(0, ECHO_MAX_CHARS)}". GET /api/v1/sites/{id}/segments lists them.`,
    });
  const filters = filtersOfSegment(segment, await goalsOf({ registry }, site), site);
  if (typeof filters !== 'string') return filters;
  throw new ApiError('INVALID_QUERY', { detail: `The segment "${segment.name}" cannot be used. ${filters}` });
}

async function readTexts(
  { store, site }: Pick<SiteRequestContext, 'store' | 'site'>,
  texts: readonly string[],
): Promise<Filter[]> {
  const asked = texts.map((text) => ({ text, filter: parseFilter(text) }));
  const namesGoal = asked.some(({ filter }) => typeof filter !== 'string' && filter.by === 'goal');
  const goals = namesGoal ? await goalsOf(store, site) : [];
  return asked.map(({ text, filter: parsed }) => {
    const filter = typeof parsed === 'string' ? parsed : toFilter(parsed, goals, site);
    if (typeof filter !== 'string') return filter;
    throw new ApiError('INVALID_QUERY', {
      detail: `filter "${text.slice(0, ECHO_MAX_CHARS)}" ${filter}. Write filters as dimension:value, such as country:DE|AT, !page:/admin or ~page:blog.`,
    });
  });
}
