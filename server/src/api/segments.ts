import { type Static, type TSchema, Type } from 'typebox';
import { goalsOf } from '../app/goals.ts';
import { NAME_MAX_CHARS } from '../app/inputs.ts';
import {
  changeSaved,
  filterTexts,
  findSaved,
  problemOfSaved,
  type SavedScope,
  saveQuery,
  TEAM_SAVED_MAX,
} from '../app/saved-queries.ts';
import { UseCaseError } from '../app/use-case-error.ts';
import { ApiError, type ErrorCode } from '../domain/errors.ts';
import { FILTER_MAX_CHARS, FILTERS_MAX } from '../domain/filters.ts';
import type { SavedQuery, Site } from '../store/contract/store.ts';
import { bodyReader } from './body.ts';
import { type SiteRequestContext, siteEndpoint } from './endpoint.ts';
import { Instant, Maybe, SiteId } from './schema-parts.ts';

/** The segments of a site's team: filters under a name. What people save for themselves is theirs alone, and not in the API. */

const PARTS = {
  name: Type.String({
    minLength: 1,
    maxLength: NAME_MAX_CHARS,
    description: 'Name, unique among the segments of the team, ignoring case.',
    examples: ['German-speaking countries'],
  }),
  filters: Type.Array(Type.String({ maxLength: FILTER_MAX_CHARS }), {
    minItems: 1,
    maxItems: FILTERS_MAX,
    description: 'Filters in the form of the filter parameter of reports. All of them must match.',
    examples: [['country:DE|AT|CH']],
  }),
};

export const SegmentItem = Type.Object({
  id: Type.String({
    description: 'ID of the segment, for segment=ID in reports.',
    examples: ['segment_abc123'],
  }),
  ...PARTS,
  created_at: Instant('When the segment was saved.'),
  problem: Maybe(
    'Why the segment cannot be used, such as a filter by a goal that was removed. Null if it can.',
  ),
});

export const Segments = Type.Object({
  site_id: SiteId,
  segments: Type.Array(SegmentItem, { description: 'The segments of the team, sorted by name.' }),
});
export type Segments = Static<typeof Segments>;

export const segments = siteEndpoint({
  name: 'segments',
  path: '/v1/sites/{id}/segments',
  summary: 'Segments',
  description:
    'The segments that the team of a site has saved: filters under a name. Reports accept one as segment=ID. The segments that people save for themselves are not included.',
  query: Type.Object({}),
  answer: Segments,
  errors: [],
  async run({ store, site }) {
    const { registry } = store;
    const saved = await registry.savedQueriesOf(site.id, 'segment', null);
    const goals = saved.length === 0 ? [] : await goalsOf({ registry }, site);
    return { site_id: site.id, segments: saved.map((each) => described(each, goals, site)) };
  },
});

type Goals = Awaited<ReturnType<typeof goalsOf>>;

function described(saved: SavedQuery, goals: Goals, site: Site): Static<typeof SegmentItem> {
  return {
    id: saved.id,
    name: saved.name,
    filters: filterTexts(new URLSearchParams(saved.query)),
    created_at: new Date(saved.createdAtMs).toISOString(),
    problem: problemOfSaved(saved, goals, site),
  };
}

const optional = <Parts extends Record<string, TSchema>>(parts: Parts) =>
  Type.Partial(Type.Object(parts)).properties;

const NewSegment = Type.Object(PARTS);
const SegmentChange = Type.Object(optional(PARTS), {
  description: 'What to replace. Omitted parts stay as they are. Unknown fields are refused.',
});
const Segment = Type.Object({ site_id: SiteId, ...SegmentItem.properties });
type Segment = Static<typeof Segment>;

const BODY_ERRORS = ['INVALID_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] satisfies ErrorCode[];

/** The largest body. Longer filters than fit into it are too long for a segment. */
export const SEGMENT_MAX_BYTES = 64 * 1024;

/** The documentation of the operations that change segments. */
export const SEGMENT_CHANGES = {
  create: {
    name: 'createSegment',
    method: 'POST',
    path: segments.path,
    summary: 'Create a segment',
    description: `Saves filters under a name for the team of a site, which can have ${TEAM_SAVED_MAX} segments.`,
    body: NewSegment,
    answer: Segment,
    errors: BODY_ERRORS,
  },
  change: {
    name: 'changeSegment',
    method: 'PUT',
    path: `${segments.path}/{segment}`,
    summary: 'Change a segment',
    description: 'Renames a segment of the team, or replaces its filters.',
    body: SegmentChange,
    answer: Segment,
    errors: BODY_ERRORS,
  },
  remove: {
    name: 'deleteSegment',
    method: 'DELETE',
    path: `${segments.path}/{segment}`,
    summary: 'Delete a segment',
    description: 'Deletes a segment of the team, and returns it.',
    body: null,
    answer: Segment,
    errors: BODY_ERRORS,
  },
} as const;

type SegmentContext = Pick<SiteRequestContext, 'store' | 'clock' | 'site'>;

const readNew = bodyReader(NewSegment);
/** The response of GET can be sent back. */
const readChange = bodyReader(SegmentChange, ['site_id', 'id', 'created_at', 'problem']);

/** @throws ApiError INVALID_REQUEST if the body is invalid, or the name is taken */
export async function createSegment(
  { store: { registry }, clock, site }: SegmentContext,
  body: unknown,
): Promise<Segment> {
  const { name, filters } = readNew(body);
  return orApiError(async () => {
    const saved = await saveQuery({ registry, clock }, scopeOf(site), { name, query: queryOf(filters) });
    return describedIn(registry, site, saved);
  });
}

/** @throws ApiError NOT_FOUND, or INVALID_REQUEST as `createSegment` does */
export async function changeSegment(
  { store: { registry }, site }: SegmentContext,
  id: string,
  body: unknown,
): Promise<Segment> {
  const { name, filters } = readChange(body);
  return orApiError(async () => {
    const saved = await changeSaved({ registry }, await findSaved(registry, scopeOf(site), id), {
      ...(name === undefined ? {} : { name }),
      ...(filters === undefined ? {} : { query: queryOf(filters) }),
    });
    return describedIn(registry, site, saved);
  });
}

/** @throws ApiError NOT_FOUND */
export async function deleteSegment(
  { store: { registry }, site }: SegmentContext,
  id: string,
): Promise<Segment> {
  return orApiError(async () => {
    const saved = await findSaved(registry, scopeOf(site), id);
    await registry.removeSavedQuery(site.id, saved.id);
    return describedIn(registry, site, saved);
  });
}

/** The segments of a site's team. */
export const scopeOf = ({ id }: Pick<Site, 'id'>): SavedScope => ({
  siteId: id,
  kind: 'segment',
  accountId: null,
});

const queryOf = (filters: readonly string[]) => new URLSearchParams(filters.map((text) => ['f', text]));

async function describedIn(
  registry: SegmentContext['store']['registry'],
  site: Site,
  saved: SavedQuery,
): Promise<Segment> {
  return { site_id: site.id, ...described(saved, await goalsOf({ registry }, site), site) };
}

async function orApiError<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UseCaseError)) throw error;
    const code = error.code === 'SAVED_QUERY_NOT_FOUND' ? 'NOT_FOUND' : 'INVALID_REQUEST';
    throw new ApiError(code, { detail: error.message });
  }
}
