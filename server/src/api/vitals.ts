import { type Static, Type } from 'typebox';
import { VIEW_DIMENSIONS, viewDimension } from '../domain/dimensions.ts';
import { ApiError } from '../domain/errors.ts';
import {
  RATINGS,
  ratingOf,
  scrollDepth,
  VITALS,
  type ViewFigures,
  type Vital,
  type VitalName,
} from '../domain/vitals.ts';
import type { Filter } from '../store/contract/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { FilterQueries, readFilters } from './filter.ts';
import { listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { EventsSince, eventsSince, Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Count, Maybe, MaybeOneOf, SiteId } from './schema-parts.ts';
import { rounded } from './totals.ts';

type FieldsOf<Name extends VitalName, Of extends Record<string, unknown>> = {
  [Key in keyof Of & string as `${Name}_${Key}`]: Of[Key];
};

function fieldsOf<Name extends VitalName>({
  name,
  label,
  meaning,
  unit,
  good,
  poor,
}: Vital & { name: Name }) {
  const [inUnit, limits] = unit === null ? ['a score without a unit', ''] : ['in milliseconds', ' ms'];
  const fields = {
    p75: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
      description: `${label} (${meaning}): the 75th percentile of the views that have a sample, ${inUnit}. It is one of the samples (nearest rank). Null if there are none.`,
      examples: [good],
    }),
    rating: MaybeOneOf(
      RATINGS,
      `Rating of the percentile: good up to ${good}${limits}, poor above ${poor}${limits}. Null if there are no samples.`,
      'good',
    ),
    samples: Count('Views that have a sample.', 120),
    good: Count(`Samples up to ${good}${limits}.`, 90),
    needs_improvement: Count(`Samples above ${good}${limits} and up to ${poor}${limits}.`, 20),
    poor: Count(`Samples above ${poor}${limits}.`, 10),
  };
  const named = Object.entries(fields).map(([key, schema]) => [`${name}_${key}`, schema]);
  return Object.fromEntries(named) as FieldsOf<Name, typeof fields>; // as named above
}

const [LCP, INP, CLS, FCP, TTFB] = VITALS;

const FIGURES = {
  views: Count('Views whose end the script reported.', 151),
  scroll_depth: Type.Union([Type.Number({ minimum: 0, maximum: 100 }), Type.Null()], {
    description:
      'Mean of the greatest scroll depth of each view, as a percentage of the page height. Null if it is unknown for every view.',
    examples: [61.25],
  }),
  scroll_samples: Count('Views with a known scroll depth.', 150),
  ...fieldsOf(LCP),
  ...fieldsOf(INP),
  ...fieldsOf(CLS),
  ...fieldsOf(FCP),
  ...fieldsOf(TTFB),
};

export const VitalsItem = Type.Object({
  value: Maybe('Value of the dimension. Null if unknown.', '/pricing'),
  ...FIGURES,
});
export type VitalsItem = Static<typeof VitalsItem>;

const VitalsTotals = Type.Object(FIGURES, { description: 'Figures of all views of the period.' });

export const Vitals = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events_since: EventsSince,
  by: Type.String({ description: 'Requested dimension.', examples: ['page'] }),
  totals: VitalsTotals,
  vitals: Type.Array(VitalsItem, { description: 'Sorted by views, in descending order.' }),
  next_cursor: NextCursor,
});
export type Vitals = Static<typeof Vitals>;

const VitalsQuery = Type.Object({
  by: Type.Optional(
    Type.Enum([...VIEW_DIMENSIONS], {
      default: 'page',
      description: `Dimension to group by: ${VIEW_DIMENSIONS.join(', ')}. Default: page.`,
    }),
  ),
  ...PeriodQuery,
  ...FilterQueries,
  ...PageQuery,
});
export type VitalsQuery = Static<typeof VitalsQuery>;

export const vitals = siteEndpoint({
  name: 'vitals',
  path: '/v1/sites/{id}/vitals',
  summary: 'Web vitals and scroll depth',
  description:
    'How fast and visually stable pages were for visitors, and how far they scrolled, as the script reports when a view ends. A view counts in the period in which its end was last reported. Scroll depth requires the standard or the full script, web vitals the full one; not every browser measures all of them. Filters by host, event, goal or property do not apply to views and are refused.',
  query: VitalsQuery,
  answer: Vitals,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'vitals',
  async run(context, { by = 'page', filter, segment, limit = 100, cursor, ...period }) {
    const { store, clock, timeZone, site } = context;
    const span = readPeriod(period, timeZone, clock.now());
    const { fromMs, toMs } = span;
    const scope = {
      siteId: site.id,
      fromMs,
      toMs,
      filters: ofViews(await readFilters(context, { filter, segment })),
    };
    const list = listName('vitals', site.id, { by, filters: scope.filters, ...period });
    const place = readCursor(list, cursor);
    const [totals, page] = await Promise.all([
      store.reports.views(scope, null, { limit: 1 }),
      store.reports.views(scope, viewDimension(by), {
        limit,
        ...(place === undefined ? {} : { cursor: place }),
      }),
    ]);
    const [all] = totals.rows;
    if (all === undefined) throw new Error('the store returned no totals');
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events_since: await eventsSince(context, span),
      by,
      totals: figuresOf(all),
      vitals: page.rows.map((row) => ({ value: row.value, ...figuresOf(row) })),
      next_cursor: writeCursor(list, page.nextCursor),
    };
  },
});

/** Returns filters that apply to views. @throws ApiError INVALID_QUERY if one does not */
function ofViews(filters: readonly Filter[]): readonly Filter[] {
  const other = filters.find(({ by }) => viewDimension(by) === null);
  if (other === undefined) return filters;
  throw new ApiError('INVALID_QUERY', {
    detail: `filter by ${other.by} does not apply to views; filter by ${VIEW_DIMENSIONS.join(', ')}.`,
  });
}

function figuresOf(figures: ViewFigures): Static<typeof VitalsTotals> {
  const depth = scrollDepth(figures);
  return {
    views: figures.views,
    scroll_depth: depth === null ? null : rounded(depth, 2),
    scroll_samples: figures.scrolled,
    ...vitalOf(LCP, figures),
    ...vitalOf(INP, figures),
    ...vitalOf(CLS, figures),
    ...vitalOf(FCP, figures),
    ...vitalOf(TTFB, figures),
  };
}

function vitalOf<Name extends VitalName>(vital: Vital & { name: Name }, figures: ViewFigures) {
  const { p75, samples, good, needsImprovement, poor } = figures.vitals[vital.name];
  const rating = p75 === null ? null : ratingOf(vital, p75);
  const fields = { p75, rating, samples, good, needs_improvement: needsImprovement, poor };
  const named = Object.entries(fields).map(([key, figure]) => [`${vital.name}_${key}`, figure]);
  return Object.fromEntries(named) as FieldsOf<Name, typeof fields>; // as named above
}
